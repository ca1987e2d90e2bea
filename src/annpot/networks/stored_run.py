"""What a checkpoint says about its run, read without TensorFlow."""

import json
import math
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from annpot.errors import InputError
from annpot.networks.bundle import CHECKSUM, Bundle, checksum_of, open_bundle

VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
RUN = f"_run{VALUE}"
HISTORY = f"_history{VALUE}"
COLUMNS = "history_columns"  # of the facts: what the columns of the history are
EPOCH = "epoch"
_KERNEL = re.compile(rf"_networks/([^/]+)/_layers/(\d+)/kernel{VALUE}")


def _no_epochs():
    return np.empty((0, 0))


@dataclass(frozen=True, eq=False)
class StoredRun:
    """A checkpoint without its weights.

    Attributes:
        prefix: path without suffix.
        bundle: Bundle.
        facts: what the run told, see doc/formats.md; {} of another program.
        columns: names of the columns of the history.
        history: (n_epochs, n_columns) float64, one row for each epoch done.
    """

    prefix: Path
    bundle: Bundle
    facts: dict
    columns: tuple[str, ...] = ()
    history: np.ndarray = field(default_factory=_no_epochs)

    @property
    def shapes(self):
        """{element: shapes (n_in, n_out) of the layers} of the networks."""
        layers = {}
        for name, entry in self.bundle.entries.items():
            if found := _KERNEL.fullmatch(name):
                layers.setdefault(found[1], {})[int(found[2])] = entry.shape
        return {
            element: tuple(shapes[number] for number in sorted(shapes))
            for element, shapes in layers.items()
        }

    def checksum(self):
        """sha256 of all tensors, as `checksum_of` makes it; verifies each of them."""
        self.bundle.verify()
        return checksum_of(self.bundle.entries)

    def stored_checksum(self):
        """The checksum that the checkpoint holds, None where it holds none."""
        if CHECKSUM not in self.bundle.entries:
            return None
        return self.bundle.value(CHECKSUM).decode("ascii", "replace")

    def column(self, name):
        """(n_epochs,) values of a column of the history; None where it has none."""
        if name not in self.columns:
            return None
        return self.history[:, self.columns.index(name)]

    @property
    def metrics(self):
        """{column: value} of the newest epoch; None where it is no finite number.

        {} before the end of the first epoch.
        """
        if not len(self.history):
            return {}
        newest = zip(self.columns, self.history[-1].tolist(), strict=True)
        return {name: v if math.isfinite(v) else None for name, v in newest}


def read_stored_run(prefix):
    """StoredRun of a checkpoint; of the data only what it needs is read.

    Raises:
        InputError: the checkpoint is missing, truncated or corrupt where it is read,
            or what it says of its run cannot be understood.
    """
    bundle = open_bundle(prefix)
    if RUN not in bundle.entries:
        return StoredRun(Path(prefix), bundle, {})
    try:
        facts = json.loads(bundle.value(RUN))
        columns = tuple(map(str, facts.get(COLUMNS) or ()))
        history = _no_epochs()
        if HISTORY in bundle.entries:
            history = bundle.value(HISTORY).reshape(-1, len(columns))
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"{prefix}: what the checkpoint says about its run cannot be understood "
            f"({error}). Choose another checkpoint."
        ) from error
    return StoredRun(Path(prefix), bundle, facts, columns, history)
