"""The state of a run, to disk and back.

A checkpoint is a TensorFlow bundle `epoch_{e}_step_{s}` (.index and .data-...) that
holds everything about its run. It exists when its index does: the data are renamed
first, the index next, the text file `checkpoint` that names the newest one last.
"""

import json
import os
import re
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from annpot import files
from annpot.errors import InputError, TrainingError
from annpot.networks.bundle_writer import (
    ATTRIBUTE,
    DATA_SUFFIX,
    GRAPH,
    INDEX_SUFFIX,
    object_graph,
    write_bundle,
)
from annpot.networks.checkpoint_files import (
    LATEST_FILE,
    named_as_latest,
    saved_checkpoints,
)
from annpot.networks.checkpoint_reader import (
    NewerFormatError,
    read_checkpoint,
)
from annpot.training.background import Background
from annpot.training.history import History
from annpot.training.progress import Progress

FOLDER = "_models"
UNFINISHED = ".writing_"  # before the names of files that are not complete
SUFFIXES = (DATA_SUFFIX, INDEX_SUFFIX)  # in the order in which they come to exist
NAME = re.compile(r"epoch_(\d+)_step_(\d+)")


@dataclass(frozen=True)
class SavedState:
    """What a checkpoint holds.

    Attributes:
        prefix: path of the bundle without suffix.
        layers: {element: [(kernel, bias), ...]} NumPy arrays.
        slots: {(element, layer, kind, slot): array} in full shapes.
        run: facts of the run, see `annpot.training.facts`; None in a checkpoint of
            another program.
        checksum: of all its tensors, see `annpot.networks.bundle`.
        history: History of its epochs.
        optimizer: {name: array} of the optimizer's other state.
        standardization: {element: (mean, scale)}, see
            `annpot.networks.checkpoint_reader`.
        averaged: like `layers`, the averaged weights; {} where there are none.
    """

    prefix: Path
    layers: dict
    slots: dict
    run: dict | None
    checksum: str | None = None
    history: History = field(default_factory=History)
    optimizer: dict = field(default_factory=dict)
    standardization: dict = field(default_factory=dict)
    averaged: dict = field(default_factory=dict)

    def with_averaged(self):
        """The same with the averaged weights for the trained ones, if there are any."""
        return replace(self, layers=self.averaged or self.layers)

    @property
    def progress(self):
        """Progress of the run, from the file name if nothing else tells."""
        if self.run is not None:
            return Progress.stored(self.run["progress"])
        epoch, step = epoch_and_step(self.prefix)
        return Progress(step=step, epoch=epoch)


class Recorder:
    """Writes the checkpoints of a run, beside the training.

    What a checkpoint holds is taken at the moment of `save`; a thread then writes it.
    An error of that thread is raised by the next `save` or `wait`.

    Args:
        folder: the `_models` folder.
        snapshot: Snapshot of the variables of the run.
        keeps: Keeps: which checkpoints are not removed.
        texts: {name: bytes} that every checkpoint holds as they are.

    Attributes:
        saved: Progress of the last checkpoint; None before the first.
    """

    def __init__(self, folder, snapshot, keeps, texts=None):
        self.folder = Path(folder)
        self.snapshot = snapshot
        self.keeps = keeps
        self.saved = None
        self._texts = {f"_{name}": text for name, text in (texts or {}).items()}
        own = ("_run", "_history", "_checksum")
        self._graph = object_graph([*snapshot.names, *self._texts, *own])
        self._background = Background()
        files.make_folder(self.folder)
        files.remove_leftovers(self.folder)
        self._remove_leftovers()

    def _remove_leftovers(self):
        """Delete what processes left that were killed as they wrote or removed one."""
        for leftover in self.folder.glob(f"{UNFINISHED}*"):
            leftover.unlink()
        for data in self.folder.glob(f"*{DATA_SUFFIX}"):
            prefix = str(data).removesuffix(DATA_SUFFIX)
            if (
                NAME.fullmatch(Path(prefix).name)
                and not Path(f"{prefix}{INDEX_SUFFIX}").exists()
            ):
                data.unlink()

    def save(self, progress, run, history=None):
        """Take the checkpoint of this moment, begin to write it; return its prefix.

        Args:
            progress: Progress.
            run: facts of the run, stored as JSON beside the tensors.
            history: History of its epochs.

        Raises:
            TrainingError: a weight or slot is not a finite number; nothing is written.
            InputError: the disk is full or the folder cannot be written; of this
                checkpoint or of the one before.
        """
        self.wait()
        history = History() if history is None else history
        arrays = self.snapshot.take()
        if not all(np.isfinite(array).all() for array in arrays):
            raise self._not_finite(progress.step)
        about = {
            **run,
            "best_metric": self.keeps.facts(),
            "history_columns": list(history.columns),
            "progress": asdict(progress),
        }
        text = json.dumps(about, allow_nan=False).encode()
        history = History(history.columns, history.table)  # of this moment
        other = self._texts | {"_run": text, "_history": history.table}
        prefix, self.saved = self.prefix_of(progress), progress
        self._background.start(lambda: self._write(prefix, arrays, other, history))
        return prefix

    def prefix_of(self, progress):
        """Path of a checkpoint without suffix; epochs count from 1 in its name."""
        in_epoch = progress.steps_in_epoch > 0
        name = f"epoch_{progress.epoch + in_epoch}_step_{progress.step}"
        return self.folder / name

    def wait(self):
        """Wait until the last checkpoint is on disk.

        Raises:
            InputError: the disk is full or the folder cannot be written.
        """
        self._background.wait()

    def settle(self):
        """Wait until nothing is written any more, at an end that has its own error."""
        self._background.settle()

    def _write(self, prefix, arrays, other, history):
        tensors = self._tensors(arrays, other)
        writing = self.folder / f"{UNFINISHED}{os.getpid()}_{prefix.name}"
        try:
            with files.explained_write_errors(prefix):
                write_bundle(writing, tensors)
                for suffix in SUFFIXES:
                    files.sync(f"{writing}{suffix}")
                # One of another run under this name ends to exist first.
                Path(f"{prefix}{INDEX_SUFFIX}").unlink(missing_ok=True)
                for suffix in SUFFIXES:
                    os.replace(f"{writing}{suffix}", f"{prefix}{suffix}")
                files.sync(self.folder)
        except BaseException:
            with suppress(OSError):
                self._remove_leftovers()
            raise
        self._announce(prefix, history)

    def _tensors(self, arrays, other):
        """{name in the file: array or text} of all of a checkpoint."""
        named = self.snapshot.in_full(arrays) | other
        tensors = {f"{name}{ATTRIBUTE}": value for name, value in named.items()}
        return tensors | {GRAPH: self._graph}

    def _not_finite(self, step):
        return TrainingError(
            f"{self.folder}: the weights after step {step} are not finite numbers, "
            "so that no checkpoint is written. Try a smaller learning_rate, or use "
            "quad instead of an exponential loss."
        )

    def _announce(self, prefix, history):
        """Name the newest checkpoint; remove those that need not stay."""
        there = saved_checkpoints(self.folder)
        earlier = [one for one in there if one.name != prefix.name]
        removed = {one.name for one in self.keeps.removable(earlier, history)}
        for name in removed:
            for suffix in reversed(SUFFIXES):
                (self.folder / f"{name}{suffix}").unlink(missing_ok=True)
        lines = [f'model_checkpoint_path: "{prefix.name}"']
        lines += [
            f'all_model_checkpoint_paths: "{one.name}"'
            for one in there
            if one.name not in removed
        ]
        path = self.folder / LATEST_FILE
        with files.atomic_path(path, durable=False) as temporary:
            temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def epoch_and_step(prefix):
    """(epoch, step) from the name of a checkpoint; (0, 0) if it does not say."""
    found = NAME.fullmatch(Path(prefix).name)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def newest_prefix(folder):
    """Prefix named by the `checkpoint` file, else the one of the last step, or None."""
    saved = saved_checkpoints(folder)
    named = named_as_latest(folder)
    for checkpoint in saved:
        if checkpoint.name == named:
            return checkpoint.prefix
    return saved[-1].prefix if saved else None


def newest_whole(folder):
    """(SavedState of the newest checkpoint that is whole, {prefix: what is wrong}).

    The latter are newer ones, which are damaged. (None, {}) without any checkpoint.

    Raises:
        InputError: there are checkpoints, and all of them are damaged.
        NewerFormatError: a newer version wrote the newest.
    """
    newest = newest_prefix(folder)
    others = [c.prefix for c in reversed(saved_checkpoints(folder))]
    damaged = {}
    for prefix in [] if newest is None else dict.fromkeys([newest, *others]):
        try:
            return load_state(prefix), damaged
        except NewerFormatError:
            raise
        except InputError as error:
            damaged[prefix] = str(error)
    if damaged:
        raise InputError(
            list(damaged.values()),
            f"{folder}: none of its checkpoints is whole. Set restart_mode = "
            "force_default to start anew; it sets them aside.",
        )
    return None, {}


def load_state(prefix):
    """SavedState of a checkpoint.

    Raises:
        InputError: no such checkpoint, it is damaged, or of a newer version.
    """
    content = read_checkpoint(prefix)
    layers, averaged = (
        {e: [(layer.kernel, layer.bias) for layer in one] for e, one in part.items()}
        for part in (content.weights, content.averaged)
    )
    columns = (content.run or {}).get("history_columns")
    return SavedState(
        content.prefix,
        layers,
        _slots_in_full(content),
        content.run,
        content.checksum,
        History(columns, content.history) if columns else History(),
        content.optimizer,
        content.standardization,
        averaged,
    )


def _slots_in_full(content):
    """Slots of a checkpoint in the shapes of the weights, zero in rows not in use."""
    run = content.run or {}
    in_use = run.get("species", ()), run.get("columns", ())
    columns, slots = dict(zip(*in_use, strict=False)), {}
    for (element, layer, kind, slot), values in content.slots.items():
        weight = getattr(content.weights[element][layer], kind)
        if values.shape != weight.shape:
            full = np.zeros(weight.shape, values.dtype)
            full[columns[element]] = values
            values = full
        slots[element, layer, kind, slot] = values
    return slots
