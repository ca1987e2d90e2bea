"""What a checkpoint holds, read back: the state of a run."""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from annpot.errors import InputError
from annpot.networks.checkpoint_files import named_as_latest, saved_checkpoints
from annpot.networks.checkpoint_reader import NewerFormatError, read_checkpoint
from annpot.training.history import History
from annpot.training.progress import Progress

FOLDER = "_models"
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
