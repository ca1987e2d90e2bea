"""Where a run starts: from nothing, or from a checkpoint."""

import itertools
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

from annpot import files
from annpot.errors import InputError
from annpot.networks.bundle_writer import DATA_SUFFIX, INDEX_SUFFIX
from annpot.networks.checkpoint_files import saved_checkpoints
from annpot.training.history import History
from annpot.training.progress import Progress
from annpot.training.saved_state import (
    FOLDER,
    SavedState,
    load_state,
    newest_prefix,
    newest_whole,
)

METRICS, HISTORY = "metrics.dat", "history.csv"
WRITTEN_BY_A_RUN = (
    FOLDER,
    METRICS,
    HISTORY,
    "train",
    "validation",
    "train.expanded.ini",
    "split.csv",
    "wandb",
)


@dataclass(frozen=True)
class Start:
    """How a run starts.

    Attributes:
        state: SavedState with the first weights, or None.
        progress: where to go on.
        notes: what to tell the user.
        moved: paths in train_dir that `set_aside` moves when all else is ready.
        is_new: whether the run begins here, if need be with the network of another.
        keeps_slots: whether the optimizer state goes on, if there is one.
    """

    state: SavedState | None = None
    progress: Progress = field(default_factory=Progress)
    notes: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    is_new: bool = True
    keeps_slots: bool = True

    @property
    def stored(self):
        """Facts of an earlier part of this run, or None."""
        return None if self.is_new or self.state is None else self.state.run

    @property
    def history(self):
        """History of the epochs that are done; empty in a new run."""
        history = History()
        if self.stored is not None:
            history = self.state.history
            history.keep(self.progress.epoch)
        return history


def find_start(config, origin=None):
    """Start of a run: its own checkpoint, else that of its parent, else nothing.

    Its own is looked for as `restart_mode` says:

    default                  a checkpoint of annpot in train_dir is continued
    force_default            start from nothing; results in train_dir are set aside
    continue_from_last_ckpt  the newest checkpoint, also one of PANNA 2, is continued
    specific_ckpt            `restart_file` is continued; what train_dir holds of a
                             later time or of another run is set aside
    metadata, no             start from nothing; train_dir must hold no checkpoint

    Args:
        config: TrainConfig.
        origin: StageOrigin of a stage; None without stages.

    Raises:
        InputError: the mode does not fit what is on disk.
    """
    start = _MODES[config.io.restart_mode](config)
    if origin is None:
        return start
    if start.state is not None:
        stored = (start.stored or {}).get("stage")
        return replace(start, notes=(*start.notes, *origin.note_on_parent(stored)))
    return _of_parent(start, origin)


def _of_parent(start, origin):
    """A Start from nothing, with the network of the parent of a stage."""
    if origin.state is None:
        return start
    note = f"Stage {origin.name} starts with the networks of {origin.prefix}"
    kept = " and its optimizer state" if origin.keep_optimizer else ""
    return replace(
        start,
        state=origin.state,
        notes=(*start.notes, f"{note}{kept}."),
        keeps_slots=origin.keep_optimizer,
    )


def set_aside(train_dir, paths):
    """Move earlier results to `train_dir/previous_N`; tables of epochs are copied.

    Args:
        train_dir: folder of the run.
        paths: what to move, relative to it; nothing is done without any.

    Returns:
        list with a sentence that tells where they went.
    """
    folder = Path(train_dir)
    paths = [path for path in paths if (folder / path).exists()]
    if not paths:
        return []
    taken = [path.name for path in folder.glob("previous_*")]
    number = next(n for n in itertools.count(1) if f"previous_{n}" not in taken)
    aside = folder / f"previous_{number}"
    for path in paths:
        files.make_folder((aside / path).parent)
        (folder / path).rename(aside / path)
    for name in (METRICS, HISTORY):
        if (folder / name).exists():
            shutil.copy2(folder / name, aside / name)
    return [f"Earlier results were set aside in {aside}."]


def _default(config):
    state, damaged = newest_whole(_models(config))
    if state is None:
        return Start()
    if state.run is None:
        raise InputError(
            f"{_where(config)}: {state.prefix} was written by another program. Set "
            "restart_mode = continue_from_last_ckpt to go on from it, force_default "
            "to start anew, or choose another train_dir."
        )
    return _without_damaged(_continued(state), damaged)


def _force_default(config):
    folder = Path(config.io.train_dir)
    present = tuple(name for name in WRITTEN_BY_A_RUN if (folder / name).exists())
    return Start(moved=present)


def _continue(config):
    state, damaged = newest_whole(_models(config))
    if state is None:
        note = f"No checkpoint in {_models(config)}: training starts from nothing."
        return Start(notes=(note,))
    return _without_damaged(_continued(state), damaged)


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
    if start.state.run is None:
        start = replace(start, progress=_foreign_progress(config, start.progress))
    elif (config.io.restart_epoch, config.io.restart_step) != (None, None):
        note = "restart_epoch and restart_step have no effect: the checkpoint knows."
        start = replace(start, notes=(*start.notes, note))
    return replace(start, moved=_later_files(config, Path(prefix), start.progress))


def _foreign_progress(config, named):
    """Progress of a checkpoint of another program.

    Its name counts the epoch it was written in from 1; that epoch is complete when
    the step is its last, and is done again otherwise.
    """
    io, per_epoch = config.io, config.training.steps_per_epoch
    step = named.step if io.restart_step is None else io.restart_step
    if io.restart_epoch is not None:
        return Progress(step=step, epoch=io.restart_epoch)
    is_complete = per_epoch is None or step >= named.epoch * per_epoch
    return Progress(step=step, epoch=max(named.epoch - (not is_complete), 0))


def _later_files(config, prefix, progress):
    """What in train_dir belongs to a branch that the run leaves."""
    folder = _models(config)
    if prefix.parent.resolve() != folder.resolve():
        return tuple(
            name
            for name in WRITTEN_BY_A_RUN
            if (Path(config.io.train_dir) / name).exists()
        )
    later = [c for c in saved_checkpoints(folder) if c.step > progress.step]
    return _files_of([c.name for c in later])


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
        note += " It holds no optimizer state of annpot; the optimizer starts afresh."
    return Start(state, progress, (note,), is_new=False)


def _without_damaged(start, damaged):
    """A Start that tells of damaged checkpoints and moves them out of the way."""
    notes = [
        f"{problem} It is set aside; the run goes on from {start.state.prefix.name}."
        for problem in damaged.values()
    ]
    moved = _files_of([prefix.name for prefix in damaged])
    return replace(start, notes=(*notes, *start.notes), moved=moved)


def _files_of(names):
    """Paths of checkpoints in train_dir."""
    return tuple(f"{FOLDER}/{n}{s}" for n in names for s in (INDEX_SUFFIX, DATA_SUFFIX))


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
