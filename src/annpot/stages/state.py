"""How far each stage of a plan is, read from its folder."""

import fcntl
from dataclasses import dataclass
from pathlib import Path

from annpot.errors import InputError
from annpot.networks.checkpoint_files import saved_checkpoints
from annpot.networks.stored_run import StoredRun, read_stored_run
from annpot.training.progress import Progress, is_finished

PLANNED, RUNNING, UNFINISHED, DONE = "planned", "running", "unfinished", "done"
MODELS = "_models"
LOCK = ".in_use"


@dataclass(frozen=True)
class StageState:
    """How far a stage is.

    Attributes:
        name: PLANNED, RUNNING, UNFINISHED or DONE.
        epoch: complete epochs done.
        step: optimizer steps done.
        run: StoredRun of its newest whole checkpoint; None without one.
    """

    name: str
    epoch: int = 0
    step: int = 0
    run: StoredRun | None = None

    @property
    def n_epochs(self):
        """Epochs that have their metrics: the last one of max_steps may be shorter."""
        return (
            self.epoch if self.run is None else max(self.epoch, len(self.run.history))
        )

    @property
    def is_begun(self):
        """Whether there is anything that a change of its settings would spoil."""
        return self.name != PLANNED


def stage_state(stage):
    """StageState of a StageConfig; reads its newest whole checkpoint."""
    folder = Path(stage.config.io.train_dir)
    run = newest_run(folder / MODELS)
    if run is None:
        return StageState(RUNNING if is_in_use(folder) else PLANNED)
    progress = Progress.stored(run.facts["progress"])
    if is_in_use(folder):
        name = RUNNING
    else:
        name = DONE if is_finished(run.facts, stage.config) else UNFINISHED
    return StageState(name, progress.epoch, progress.step, run)


def newest_run(folder):
    """StoredRun of the newest checkpoint of a folder that is whole, or None."""
    saved = sorted(saved_checkpoints(folder), key=lambda one: one.step, reverse=True)
    for checkpoint in saved:
        try:
            run = read_stored_run(checkpoint.prefix)
            run.bundle.verify()
        except InputError:
            continue
        if run.facts:
            return run
    return None


def is_in_use(folder):
    """Whether a process is writing into a folder at this moment."""
    path = Path(folder) / LOCK
    try:
        with open(path) as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
