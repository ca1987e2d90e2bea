"""The state of a run, to disk.

A checkpoint is a TensorFlow bundle `epoch_{e}_step_{s}` (.index and .data-...) that
holds everything about its run. It exists when its index does: the data are renamed
first, the index next, the text file `checkpoint` that names the newest one last.
"""

import json
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import numpy as np

from annpot import files
from annpot.errors import TrainingError
from annpot.networks.bundle_writer import (
    ATTRIBUTE,
    DATA_SUFFIX,
    GRAPH,
    INDEX_SUFFIX,
    object_graph,
    write_bundle,
)
from annpot.networks.checkpoint_files import LATEST_FILE, saved_checkpoints
from annpot.training.background import Background
from annpot.training.history import History
from annpot.training.saved_state import NAME

UNFINISHED = ".writing_"  # before the names of files that are not complete
SUFFIXES = (DATA_SUFFIX, INDEX_SUFFIX)  # in the order in which they come to exist


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
