"""Where a run starts: from nothing, or from a checkpoint."""

import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from annpot import files
from annpot.errors import InputError
from annpot.networks.checkpoint_files import saved_checkpoints
from annpot.training.record import (
    FOLDER,
    Progress,
    SavedState,
    load_state,
    newest_prefix,
)

WRITTEN_BY_A_RUN = (
    FOLDER,
    "metrics.dat",
    "train",
    "validation",
    "networks_metadata",
    "train.expanded.ini",
)


@dataclass(frozen=True)
class Start:
    """How a run starts.

    Attributes:
        state: SavedState to continue from, or None.
        progress: where to go on.
        notes: what to tell the user.
    """

    state: SavedState | None = None
    progress: Progress = field(default_factory=Progress)
    notes: tuple[str, ...] = ()


def find_start(config):
    """Start of a run as its `restart_mode` says.

    default                  a checkpoint of annpot in train_dir is continued
    force_default            results in train_dir are moved aside, start from nothing
    continue_from_last_ckpt  the newest checkpoint, also one of PANNA 2, is continued
    specific_ckpt            `restart_file` is continued
    metadata, no             start from nothing; train_dir must hold no checkpoint

    Args:
        config: TrainConfig.

    Raises:
        InputError: the mode does not fit what is on disk.
    """
    return _MODES[config.io.restart_mode](config)


def _default(config):
    prefix = newest_prefix(_models(config))
    if prefix is None:
        return Start()
    state = load_state(prefix)
    if state.run is None:
        raise InputError(
            f"{_where(config)}: {prefix} was written by another program. Set "
            "restart_mode = continue_from_last_ckpt to go on from it, force_default "
            "to start anew, or choose another train_dir."
        )
    return _continued(state)


def _force_default(config):
    folder = Path(config.io.train_dir)
    present = [name for name in WRITTEN_BY_A_RUN if (folder / name).exists()]
    if not present:
        return Start()
    aside = folder / time.strftime("previous_%Y%m%d_%H%M%S")
    files.make_folder(aside)
    for name in present:
        (folder / name).rename(aside / name)
    return Start(notes=(f"Earlier results of {folder} were moved to {aside}.",))


def _continue(config):
    prefix = newest_prefix(_models(config))
    if prefix is None:
        note = f"No checkpoint in {_models(config)}: training starts from nothing."
        return Start(notes=(note,))
    return _continued(load_state(prefix))


def _specific(config):
    prefix = str(config.io.restart_file).removesuffix(".index")
    if not Path(f"{prefix}.index").exists():
        there = ", ".join(c.name for c in saved_checkpoints(Path(prefix).parent))
        raise InputError(
            f"{config.source.where('IO_INFORMATION', 'restart_file')}: no checkpoint "
            f"{prefix}: expected {prefix}.index and its data file. There: "
            f"{there or 'none'}."
        )
    start = _continued(load_state(prefix))
    epoch, step = config.io.restart_epoch, config.io.restart_step
    if epoch is None and step is None:
        return start
    progress = Progress(
        step=start.progress.step if step is None else step,
        epoch=start.progress.epoch if epoch is None else epoch,
    )
    return replace(start, progress=progress)


def _fresh(config):
    prefix = newest_prefix(_models(config))
    if prefix is not None:
        raise InputError(
            f"{_where(config)}: restart_mode = {config.io.restart_mode} starts from "
            f"nothing, but {_models(config)} holds {prefix.name}. Choose another "
            "train_dir, default to go on from it, or force_default to move it aside."
        )
    return Start()


def _continued(state):
    progress = state.progress
    place = f"epoch {progress.epoch}, step {progress.step}"
    note = f"Continuing from {state.prefix} ({place})."
    if state.run is None:
        note += " It holds no optimizer state of annpot; Adam starts afresh."
    return Start(state, progress, (note,))


def _models(config):
    return Path(config.io.train_dir) / FOLDER


def _where(config):
    return config.source.where("IO_INFORMATION", "restart_mode")


_MODES = {
    "default": _default,
    "force_default": _force_default,
    "continue_from_last_ckpt": _continue,
    "specific_ckpt": _specific,
    "metadata": _fresh,
    "no": _fresh,
}
