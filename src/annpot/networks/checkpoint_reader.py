"""Opening one checkpoint: its weights, and what it says about its run."""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from annpot.errors import InputError
from annpot.networks.architecture import LayerWeights
from annpot.networks.bundle import open_bundle

_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
_WEIGHTS = re.compile(rf"_networks/([^/]+)/_layers/(\d+)/(kernel|bias){_VALUE}")
_SLOTS = re.compile(rf"_slots/([^/]+)/(\d+)/(kernel|bias)/([^/]+){_VALUE}")
_RUN = f"_run{_VALUE}"
_SPLIT = f"_split{_VALUE}"
_HISTORY = f"_history{_VALUE}"
CHECKSUM = f"_checksum{_VALUE}"
FORMAT_VERSION = 2  # of what app_train writes and of the newest that is read


class NewerFormatError(InputError):
    """A newer version of annpot wrote a checkpoint: it is whole, but not understood."""


@dataclass(frozen=True, eq=False)
class CheckpointContent:
    """What a checkpoint holds.

    Attributes:
        prefix: its path without suffix.
        weights: {element: (LayerWeights, ...)}.
        slots: {(element, layer, kind, slot): array} of the optimizer, in the shapes
            of the weights; empty in a checkpoint of another program.
        run: facts of the run that wrote it (see doc/formats.md); None in a
            checkpoint of another program.
        checksum: of its tensors, see `checksum_of`.
        split: how the data were divided, see `annpot.data.stored_split`; None where
            they were not.
        history: (n_epochs, n_columns) float64, what was measured in each epoch; the
            facts name the columns.
    """

    prefix: Path
    weights: dict[str, tuple[LayerWeights, ...]]
    slots: dict
    run: dict | None
    checksum: str
    split: bytes | None = None
    history: np.ndarray | tuple = ()


def read_checkpoint(prefix):
    """CheckpointContent of the files `prefix`.index and .data.

    Raises:
        InputError: a file is missing, truncated or corrupt, it holds no networks, a
            layer is incomplete or a weight is not a finite number.
        NewerFormatError: a newer version wrote it.
    """
    tensors = _tensors(prefix)
    checksum = _verified_checksum(tensors, prefix)
    found, slots = {}, {}
    for name, array in tensors.items():
        if weight := _WEIGHTS.fullmatch(name):
            element, layer, kind = weight.groups()
            found.setdefault(element, {}).setdefault(int(layer), {})[kind] = array
        elif slot := _SLOTS.fullmatch(name):
            slots[(slot[1], int(slot[2]), slot[3], slot[4])] = array
    if not found:
        raise InputError(
            f"{prefix}: no networks in this checkpoint: expected one of "
            "app_train or of PANNA 2."
        )
    weights = {
        element: _layers(layers, f"{prefix}: network of {element}")
        for element, layers in found.items()
    }
    run = _run_facts(tensors.get(_RUN), prefix)
    split, history = tensors.get(_SPLIT), tensors.get(_HISTORY, ())
    return CheckpointContent(
        Path(prefix), weights, slots, run, checksum, split, history
    )


def checksum_of(tensors):
    """sha256 over names, dtypes, shapes and bytes of tensors, in order of names.

    Of each tensor: "NAME DTYPE SHAPE", a line feed, and its bytes in row order; DTYPE
    and SHAPE as in "float32 [24, 6]", "text 5121" for a text of 5121 bytes.

    Args:
        tensors: {name: array or bytes}; `CHECKSUM` itself is left out.
    """
    digest = hashlib.sha256()
    for name in sorted(tensors.keys() - {CHECKSUM}):
        value = tensors[name]
        if isinstance(value, bytes):
            about = f"text {len(value)}"
        else:
            about = f"{value.dtype} {list(np.shape(value))}"
            is_text = value.dtype == object
            value = repr(value.tolist()).encode() if is_text else _flat(value)
        digest.update(f"{name} {about}\n".encode())
        digest.update(value)
    return digest.hexdigest()


def _flat(array):
    """Array of bytes of an array in row order; copies only where it must."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)


def _verified_checksum(tensors, prefix):
    """Checksum of the tensors, which is the stored one where there is one."""
    checksum = checksum_of(tensors)
    stored = tensors.get(CHECKSUM, checksum.encode())
    if stored != checksum.encode():
        raise InputError(
            f"{prefix}: this checkpoint is corrupt: its checksum is {checksum}, "
            f"expected {stored.decode(errors='replace')}. Choose another checkpoint."
        )
    return checksum


def _tensors(prefix):
    """{name: array or bytes} of everything in the checkpoint.

    Checksums are verified tensor by tensor, those of foreign types too: a damaged file
    is refused wherever the damage is.
    """
    try:
        bundle = open_bundle(prefix)
        bundle.verify()
        return {name: bundle.value(name) for name in bundle.readable()}
    except InputError as error:
        what = error.problems[0].partition(". ")[0].rstrip(".")
        raise InputError(
            f"{prefix}: this checkpoint is truncated, corrupt or incomplete ({what}): "
            "expected its .index and .data files as app_train wrote them. Choose "
            "another checkpoint."
        ) from error


def _layers(layers, where):
    """LayerWeights of each layer, checked to fit one to the next."""
    if sorted(layers) != list(range(len(layers))) or any(
        set(kinds) != {"kernel", "bias"} for kinds in layers.values()
    ):
        raise InputError(
            f"{where}: layers {sorted(layers)} are not complete: expected kernel and "
            "bias of each layer from 0 on. Choose another checkpoint."
        )
    weights = []
    for number in range(len(layers)):
        kernel, bias = layers[number]["kernel"], layers[number]["bias"]
        n_in = weights[-1].bias.shape if weights else kernel.shape[:1]
        if kernel.shape != (*n_in, *bias.shape):
            raise InputError(
                f"{where}: layer {number} has weights {kernel.shape} and biases "
                f"{bias.shape}, which do not fit. Choose another checkpoint."
            )
        if not (np.isfinite(kernel).all() and np.isfinite(bias).all()):
            raise InputError(
                f"{where}: layer {number} holds NaN or infinite numbers. Choose an "
                "earlier checkpoint."
            )
        weights.append(LayerWeights(kernel, bias))
    return tuple(weights)


def _run_facts(text, prefix):
    if text is None:
        return None
    try:
        facts = json.loads(text)
        version = facts.get("format_version", 1)
    except (ValueError, AttributeError) as error:
        raise InputError(
            f"{prefix}: what the checkpoint says about its run is not valid JSON "
            f"({error}). Choose another checkpoint."
        ) from error
    if version > FORMAT_VERSION:
        raise NewerFormatError(
            f"{prefix}: was written by a newer program ({facts.get('program')}, format "
            f"{version}), expected format {FORMAT_VERSION} or older. Install that "
            "version of annpot."
        )
    return facts
