"""Which checkpoints a folder holds, and choosing among them; opens none."""

import re
from dataclasses import dataclass
from pathlib import Path

from annpot.errors import InputError

LATEST_FILE = "checkpoint"
_INDEX_NAME = re.compile(r"epoch_(\d+)_step_(\d+)\.index")
_LATEST_LINE = re.compile(r'^\s*model_checkpoint_path:\s*"(.+)"\s*$', re.MULTILINE)
_NAMED_AT_MOST = 8  # checkpoints listed in a message


@dataclass(frozen=True, order=True)
class CheckpointFile:
    """Name of one checkpoint; ordered by epoch, then step.

    Attributes:
        epoch: epoch it was written in, from 1.
        step: number of optimizer steps done.
        folder: folder that holds it.
    """

    epoch: int
    step: int
    folder: Path

    @property
    def name(self):
        """`epoch_{e}_step_{s}`."""
        return f"epoch_{self.epoch}_step_{self.step}"

    @property
    def prefix(self):
        """Path without the endings `.index` and `.data-00000-of-00001`."""
        return self.folder / self.name


def named_checkpoint(prefix):
    """CheckpointFile of a path `.../epoch_{e}_step_{s}`; None for another name."""
    path = Path(prefix)
    match = _INDEX_NAME.fullmatch(f"{path.name}.index")
    return CheckpointFile(int(match[1]), int(match[2]), path.parent) if match else None


def saved_checkpoints(folder):
    """All checkpoints of a folder, by epoch, then step; none is fine.

    A checkpoint exists when its `.index` file does: that one is written last.
    """
    folder = Path(folder)
    names = (path.name for path in folder.iterdir()) if folder.is_dir() else ()
    matches = [_INDEX_NAME.fullmatch(name) for name in names]
    return sorted(CheckpointFile(int(m[1]), int(m[2]), folder) for m in matches if m)


def list_checkpoints(folder):
    """All checkpoints of a folder, by epoch, then step.

    Raises:
        InputError: the folder does not exist or holds no checkpoint.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(
            f"{folder}: no such folder: expected the checkpoints of a training run "
            "(its train_dir/_models). Correct the path, or train first."
        )
    found = saved_checkpoints(folder)
    if not found:
        raise InputError(
            f"{folder}: no checkpoint: expected files epoch_*_step_*.index. Give the "
            "folder _models of a training run, or train first."
        )
    return found


def named_as_latest(folder):
    """Name that the text file `checkpoint` of a folder gives, or None."""
    path = Path(folder) / LATEST_FILE
    if not path.is_file():
        return None
    match = _LATEST_LINE.search(path.read_text(encoding="utf-8", errors="replace"))
    # A path from another machine is fine: only the name in this folder counts.
    return Path(match[1]).name if match else None


def latest_checkpoint(folder):
    """The checkpoint that the text file `checkpoint` of the folder names.

    Without that file, which is written last, the one of the last epoch and step.

    Raises:
        InputError: there is no checkpoint, or what the file names does not exist.
    """
    existing = list_checkpoints(folder)
    path = Path(folder) / LATEST_FILE
    if not path.is_file():
        return existing[-1]
    name = named_as_latest(folder)
    for checkpoint in existing:
        if checkpoint.name == name:
            return checkpoint
    what = f"names {name}, which does not exist" if name else "names no checkpoint"
    raise InputError(f"{path}: {what}. Give a step instead; {_listed(existing)}.")


def find_checkpoint(folder, epoch=None, step=None):
    """The one checkpoint of an epoch and a step; None stands for any.

    Raises:
        InputError: none or several checkpoints agree.
    """
    existing = list_checkpoints(folder)
    wanted = " ".join(
        f"{name} {value}"
        for name, value in (("epoch", epoch), ("step", step))
        if value is not None
    )
    matching = [
        checkpoint
        for checkpoint in existing
        if epoch in (None, checkpoint.epoch) and step in (None, checkpoint.step)
    ]
    if not matching:
        raise InputError(f"{folder}: no checkpoint of {wanted}: {_listed(existing)}.")
    if len(matching) > 1:
        raise InputError(
            f"{folder}: several checkpoints of {wanted}: {_listed(matching)}. Give "
            "both the epoch and the step."
        )
    return matching[0]


def _listed(checkpoints):
    """`there are epoch_1_step_100, ...`, shortened in the middle."""
    names = [checkpoint.name for checkpoint in checkpoints]
    if len(names) > _NAMED_AT_MOST:
        half = _NAMED_AT_MOST // 2
        names = [*names[:half], f"... ({len(names)} in all)", *names[-half:]]
    return "there are " + ", ".join(names)
