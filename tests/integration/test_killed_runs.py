"""Processes that end at a bad moment: the same command goes on to the same bits."""

import os
import signal
import time

import pytest

from annpot import files
from reference.killed_runs import (
    KEYS,
    assert_kills_change_nothing,
    newest_step,
    start_process,
)
from reference.small_training import (
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
    # Each checkpoint syncs data and index, renames data, then index, syncs the folder
    # and renames the text file. The second checkpoint is not completed.
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


def test_a_killed_process_is_continued_to_the_same_bits(tmp_path, small_data):
    report = assert_kills_change_nothing(tmp_path, small_data, n_kills=3, seed=1)
    assert report.kills == 3


@pytest.mark.slow
def test_fifty_killed_processes_are_continued_to_the_same_bits(tmp_path, small_data):
    report = assert_kills_change_nothing(tmp_path, small_data, n_kills=50, seed=2)
    assert report.kills == 50
    assert report.in_a_write > 0
    assert report.without_checkpoint > 0


def test_a_folder_has_one_process_and_a_signal_ends_it_with_75(tmp_path, small_data):
    keys = KEYS | {"TRAINING_PARAMETERS": {"max_epochs": 10_000}}
    path = train_ini(tmp_path, small_data, **keys)
    first = start_process(path)
    models = tmp_path / "run" / "_models"
    while newest_step(models) < 1 and first.poll() is None:
        time.sleep(0.01)
    second = start_process(path)
    shown = second.communicate()[0]
    assert second.returncode == 2, shown
    assert f"{tmp_path / 'run'}: another app_train is writing there." in shown
    first.send_signal(signal.SIGTERM)
    shown = first.communicate()[0]
    assert first.returncode == 75, shown
    step = newest_state(tmp_path / "run").progress.step
    assert "run: stopped by SIGTERM at epoch" in shown
    assert f"step {step} of 70000; saved as epoch_" in shown
    assert "Run the same command to go on." in shown
    assert "Traceback" not in shown
    assert not (tmp_path / "run" / ".in_use").exists()
