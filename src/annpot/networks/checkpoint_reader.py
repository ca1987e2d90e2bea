"""Opening one checkpoint: its weights, and what it says about its run."""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from annpot.errors import InputError
from annpot.networks.architecture import LayerWeights
from annpot.tensorflow_import import import_tensorflow

_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
_WEIGHTS = re.compile(rf"_networks/([^/]+)/_layers/(\d+)/(kernel|bias){_VALUE}")
_SLOTS = re.compile(rf"_slots/([^/]+)/(\d+)/(kernel|bias)/([^/]+){_VALUE}")
_RUN = f"_run{_VALUE}"
_SPLIT = f"_split{_VALUE}"


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
    """

    prefix: Path
    weights: dict[str, tuple[LayerWeights, ...]]
    slots: dict
    run: dict | None
    checksum: str
    split: bytes | None = None


def read_checkpoint(prefix):
    """CheckpointContent of the files `prefix`.index and .data; imports TensorFlow.

    Raises:
        InputError: a file is missing, truncated or corrupt, it holds no networks, a
            layer is incomplete, or a weight is not a finite number.
    """
    tensors = _tensors(prefix)
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
    checksum = checksum_of(tensors)
    split = tensors.get(_SPLIT)
    return CheckpointContent(Path(prefix), weights, slots, run, checksum, split)


def checksum_of(tensors):
    """sha256 over names, dtypes, shapes and bytes of tensors, in order of names.

    Args:
        tensors: {name: array or bytes}.
    """
    digest = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name]
        if isinstance(value, bytes):
            about, content = f"{name} text {len(value)}\n", value
        else:
            value = np.ascontiguousarray(value)
            about, content = f"{name} {value.dtype} {list(value.shape)}\n", value
        digest.update(about.encode())
        digest.update(content)
    return digest.hexdigest()


def _tensors(prefix):
    """{name: array} of everything in the checkpoint."""
    tf = import_tensorflow()
    try:
        reader = tf.train.load_checkpoint(str(prefix))
        # Checksums are verified tensor by tensor: all are read, so that a damaged
        # file is refused wherever the damage is.
        return {
            name: reader.get_tensor(name)
            for name in sorted(reader.get_variable_to_shape_map())
        }
    except (tf.errors.OpError, RuntimeError, ValueError, IndexError) as error:
        raise InputError(
            f"{prefix}: this checkpoint is truncated, corrupt or incomplete "
            f"({_first_line(error)}): expected its .index and .data files as "
            "app_train wrote them. Choose another checkpoint."
        ) from error


def _first_line(error):
    text = str(error).strip().splitlines() or [type(error).__name__]
    return text[0].rstrip(".")


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
        return json.loads(text)
    except ValueError as error:
        raise InputError(
            f"{prefix}: what the checkpoint says about its run is not valid JSON "
            f"({error}). Choose another checkpoint."
        ) from error
