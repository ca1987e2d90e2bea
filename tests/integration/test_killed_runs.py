"""Processes that end at a bad moment: the same command goes on to the same bits."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from annpot import files
from reference.small_training import (
    FinishedRun,
    assert_same_run,
    finished,
    newest_state,
    train_ini,
    trained,
)


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize(
    "call", [3, 4, 6], ids=["before the data", "before the index", "before the name"]
)
def test_a_process_that_ends_within_a_checkpoint(
    tmp_path, small_data, finished_run, monkeypatch, call
):
    # Each checkpoint syncs data and index, renames data, then index, and syncs and
    # renames the text file. The second checkpoint is not completed.
    calls = iter(range(1, 100))

    def counted(function):
        def counting(path, *arguments):
            if "_models" in str(path) and next(calls) == 6 + call:
                raise Killed
            return function(path, *arguments)

        return counting

    with monkeypatch.context() as patch:
        patch.setattr("annpot.files.sync", counted(files.sync))
        patch.setattr(os, "replace", counted(os.replace))
        path = train_ini(tmp_path, small_data)
        with pytest.raises(Killed):
            trained(path)
    saved = newest_state(tmp_path / "run").progress
    assert (saved.step, saved.epoch) == (7, 1)
    run = finished(tmp_path, small_data)
    assert_same_run(run, finished_run)
    assert not list((run.folder / "_models").glob(".*"))


APP_TRAIN = "import sys; from annpot.apps.train import main; sys.exit(main())"


def start_process(path):
    return subprocess.Popen(
        [sys.executable, "-c", APP_TRAIN, "-c", path],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


@pytest.mark.slow
def test_a_killed_process_is_continued_to_the_same_bits(tmp_path, small_data):
    # A checkpoint after each step: most of the time is spent in writing them.
    keys = {
        "TRAINING_PARAMETERS": {"max_epochs": 12},
        "IO_INFORMATION": {"save_checkpoint_steps": 1, "max_ckpt_to_keep": 5},
    }
    (tmp_path / "killed").mkdir()
    path = train_ini(tmp_path / "killed", small_data, **keys)
    models = tmp_path / "killed" / "run" / "_models"
    chance = random.Random(1)
    steps = []
    for goal in (15, 50):
        process = start_process(path)
        while newest_step(models) < goal and process.poll() is None:
            time.sleep(0.002)
        time.sleep(chance.random() * 0.02)
        process.send_signal(signal.SIGKILL)
        shown = process.communicate()[0]
        assert process.returncode == -signal.SIGKILL, shown
        steps.append(newest_step(models))
    assert steps[0] < steps[1] < 84
    shown = finish_process(path)
    assert "Continuing from" in shown
    # The command decides on the number of threads: a process of its own again.
    (tmp_path / "at_once").mkdir()
    finish_process(train_ini(tmp_path / "at_once", small_data, **keys))
    at_once = FinishedRun(tmp_path / "at_once" / "run", "")
    assert_same_run(FinishedRun(models.parent, shown), at_once)


def finish_process(path):
    """Train to the end; what was shown."""
    process = start_process(path)
    shown = process.communicate()[0]
    assert process.returncode == 0, shown
    return shown


def newest_step(models):
    steps = [int(path.stem.split("_")[-1]) for path in models.glob("*.index")]
    return max(steps, default=0)
