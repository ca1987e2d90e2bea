"""Deleting what stages have produced; their settings stay."""

import shutil
from pathlib import Path

from annpot import files
from annpot.errors import InputError
from annpot.stages.state import is_in_use

RESULTS = (
    "_models",
    "metrics.dat",
    "history.csv",
    "split.csv",
    "train",
    "validation",
    "wandb",
)
SET_ASIDE = "previous_*"


def results_of(stage):
    """Paths of all that a StageConfig has produced; its INI text is not among them.

    Raises:
        InputError: a process is writing there.
    """
    folder = Path(stage.config.io.train_dir)
    if is_in_use(folder):
        raise InputError(
            f"{folder}: app_train is running stage {stage.name}. Stop it (Ctrl-C, or "
            "SIGTERM) before you delete its results."
        )
    there = [folder / name for name in RESULTS if (folder / name).exists()]
    return there + sorted(folder.glob(SET_ASIDE))


def n_bytes(paths):
    """Size of files, and of the files in folders."""
    every = [p for path in paths for p in (path, *path.rglob("*")) if p.is_file()]
    return sum(path.stat().st_size for path in every)


def delete(paths):
    """Delete files and folders.

    Checkpoints lose their names first, so that a deletion that is cut short leaves no
    checkpoint that looks whole.

    Raises:
        InputError: one cannot be deleted.
    """
    for path in paths:
        with files.explained_write_errors(path):
            for index in sorted(path.glob("*.index")):
                index.unlink(missing_ok=True)
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
