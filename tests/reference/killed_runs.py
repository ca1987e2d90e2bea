"""Processes of app_train that are killed, and what their runs come to."""

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from annpot.training.history import EPOCH
from reference.small_training import FinishedRun, assert_same_run, train_ini

APP_TRAIN = "import sys; from annpot.apps.train import main; sys.exit(main())"
# A checkpoint after each step: most of the time is spent in taking and writing them.
KEYS = {
    "TRAINING_PARAMETERS": {"max_epochs": 12},
    "IO_INFORMATION": {
        "save_checkpoint_steps": 1,
        "max_ckpt_to_keep": 5,
        "keep_best": 2,
        "keep_every_epochs": 5,
    },
}
N_STEPS = 84
POLL = 0.002  # s


def start_process(path, *flags):
    """A process of app_train."""
    return subprocess.Popen(
        [sys.executable, "-c", APP_TRAIN, "-c", str(path), *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


def finish_process(path):
    """Train to the end; what was shown."""
    process = start_process(path)
    shown = process.communicate()[0]
    assert process.returncode == 0, shown
    return shown


def newest_step(models):
    """Step of the newest checkpoint of a folder, 0 without one."""
    steps = [int(p.stem.split("_")[-1]) for p in Path(models).glob("epoch_*.index")]
    return max(steps, default=0)


@dataclass(frozen=True)
class Moment:
    """When a process is killed.

    Attributes:
        seconds: after its start; None when it is `step` that counts.
        step: of a checkpoint, and
        delay: seconds after it exists.
    """

    seconds: float | None = None
    step: int | None = None
    delay: float = 0.0


def moments(chance, n_moments, life):
    """Random Moments: half of them in the whole life of a process, half in its steps.

    Args:
        chance: random.Random.
        n_moments: how many.
        life: seconds that an uninterrupted process takes.
    """
    for number in range(n_moments):
        if number % 2:
            yield Moment(seconds=chance.uniform(0.0, life))
        else:
            yield Moment(step=chance.randrange(N_STEPS), delay=chance.uniform(0, 0.02))


def kill_at(process, moment, models):
    """Kill -9 at a Moment; whether the process was still there."""
    if moment.seconds is not None:
        time.sleep(moment.seconds)
    else:
        while process.poll() is None and newest_step(models) < moment.step:
            time.sleep(POLL)
        time.sleep(moment.delay)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return process.returncode == -signal.SIGKILL


@dataclass
class KillReport:
    """What was counted.

    Attributes:
        kills: processes that were killed.
        in_a_write: kills that left a checkpoint half written.
        without_checkpoint: kills before the first checkpoint.
    """

    kills: int = 0
    in_a_write: int = 0
    without_checkpoint: int = 0


def assert_kills_change_nothing(folder, data, n_kills, seed):
    """Kill and finish runs; each comes to the bits of one that was left alone.

    Args:
        folder: empty folder.
        data: SmallData.
        n_kills: number of kills, each in a run of its own.
        seed: of the random moments.

    Returns:
        KillReport.
    """
    began = time.monotonic()
    at_once = _new_run(folder / "at_once", data)
    finish_process(at_once)
    life = time.monotonic() - began
    expected = FinishedRun(at_once.parent / "run", "")
    report, chance = KillReport(), random.Random(seed)
    every = moments(chance, 10 * n_kills, life)
    while report.kills < n_kills:
        path = _new_run(folder / f"killed_{report.kills}", data)
        models = path.parent / "run" / "_models"
        if not kill_at(start_process(path), next(every), models):
            continue  # it had ended before
        report.kills += 1
        report.in_a_write += any(models.glob(".writing_*"))
        report.without_checkpoint += newest_step(models) == 0
        finish_process(path)
        assert_same_end(FinishedRun(path.parent / "run", ""), expected)
    return report


def _new_run(folder, data):
    folder.mkdir(parents=True, exist_ok=True)
    return train_ini(folder, data, **KEYS)


def assert_same_end(one, other):
    """Two FinishedRuns agree bit by bit in all that they keep.

    Weights, slots, progress, metrics.dat; the history but for its times; what callbacks
    remember; which checkpoints are kept.
    """
    assert_same_run(one, other)
    found, expected = one.state, other.state
    assert found.history.columns == expected.history.columns
    for name in expected.history.columns:
        if not name.startswith("seconds"):
            np.testing.assert_array_equal(
                found.history.column(name), expected.history.column(name), name
            )
    assert found.history.column(EPOCH).tolist() == list(range(1, 13))
    assert found.run["memory"] == expected.run["memory"]
    assert checkpoints(one) == checkpoints(other)


def checkpoints(run):
    """Names of the files in the folder of checkpoints."""
    return sorted(path.name for path in (run.folder / "_models").iterdir())
