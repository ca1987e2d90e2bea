"""Opening one checkpoint: its weights, and what it says about its run."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from annpot.errors import InputError
from annpot.networks.architecture import LayerWeights
from annpot.networks.bundle import CHECKSUM, checksum_of, open_bundle

_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
_WEIGHTS = re.compile(
    rf"_(networks|averaged)/([^/]+)/_layers/(\d+)/(kernel|bias){_VALUE}"
)
_SLOTS = re.compile(rf"_slots/([^/]+)/(\d+)/(kernel|bias)/([^/]+){_VALUE}")
_SCALES = re.compile(rf"_standardization/([^/]+)/(mean|scale){_VALUE}")
_OPTIMIZER = re.compile(rf"_optimizer/(.+){_VALUE}")
_RUN = f"_run{_VALUE}"
_SPLIT = f"_split{_VALUE}"
_HISTORY = f"_history{_VALUE}"
FORMAT_VERSION = 2  # of what app_train writes and of the newest that is read


class NewerFormatError(InputError):
    """A newer version of annpot wrote a checkpoint: it is whole, but not understood."""


@dataclass(frozen=True, eq=False)
class CheckpointContent:
    """What a checkpoint holds.

    Attributes:
        prefix: its path without suffix.
        weights: {element: (LayerWeights, ...)} as trained.
        averaged: the same of their average; {} where nothing was averaged.
        slots: {(element, layer, kind, slot): array} of the optimizer, in the shapes
            of the weights; empty in a checkpoint of another program.
        run: facts of the run that wrote it (see doc/formats.md); None in a
            checkpoint of another program.
        checksum: of its tensors, see `annpot.networks.bundle`.
        split: how the data were divided, see `annpot.data.stored_split`; None where
            they were not.
        history: (n_epochs, n_columns) float64, what was measured in each epoch; the
            facts name the columns.
        optimizer: {name: array} of the optimizer's state that is not a slot.
        standardization: {element: (mean, scale)} of the descriptors for which the
            slots of the first layer are, where training scaled them; the weights are
            those of plain descriptors all the same.
    """

    prefix: Path
    weights: dict[str, tuple[LayerWeights, ...]]
    slots: dict
    run: dict | None
    checksum: str
    split: bytes | None = None
    history: np.ndarray | tuple = ()
    optimizer: dict = field(default_factory=dict)
    standardization: dict = field(default_factory=dict)
    averaged: dict = field(default_factory=dict)


def read_checkpoint(prefix):
    """CheckpointContent of the files `prefix`.index and .data.

    Raises:
        InputError: a file is missing, truncated or corrupt, it holds no networks, a
            layer is incomplete or a weight is not a finite number.
        NewerFormatError: a newer version wrote it.
    """
    bundle = _verified(prefix)
    tensors = {name: bundle.value(name) for name in bundle.readable()}
    checksum = _verified_checksum(bundle, tensors)
    found, slots, scales = {"networks": {}, "averaged": {}}, {}, {}
    optimizer = {}
    for name, array in tensors.items():
        if weight := _WEIGHTS.fullmatch(name):
            part, element, layer, kind = weight.groups()
            layers = found[part].setdefault(element, {})
            layers.setdefault(int(layer), {})[kind] = array
        elif slot := _SLOTS.fullmatch(name):
            slots[(slot[1], int(slot[2]), slot[3], slot[4])] = array
        elif other := _OPTIMIZER.fullmatch(name):
            optimizer[other[1]] = array
        elif scale := _SCALES.fullmatch(name):
            scales.setdefault(scale[1], {})[scale[2]] = array
    if not found["networks"]:
        raise InputError(
            f"{prefix}: no networks in this checkpoint: expected one of "
            "app_train or of PANNA 2."
        )
    weights, averaged = (
        {
            element: _layers(layers, f"{prefix}: network of {element}")
            for element, layers in part.items()
        }
        for part in found.values()
    )
    return CheckpointContent(
        prefix=Path(prefix),
        weights=weights,
        slots=slots,
        run=_run_facts(tensors.get(_RUN), prefix),
        checksum=checksum,
        split=tensors.get(_SPLIT),
        history=tensors.get(_HISTORY, ()),
        optimizer=optimizer,
        averaged=averaged,
        standardization={e: (one["mean"], one["scale"]) for e, one in scales.items()},
    )


def _verified_checksum(bundle, tensors):
    """Checksum of the tensors, which is the stored one where there is one."""
    checksum = checksum_of(bundle.entries)
    stored = tensors.get(CHECKSUM, checksum.encode())
    if stored != checksum.encode():
        raise InputError(
            f"{bundle.prefix}: this checkpoint is corrupt: its checksum is {checksum}, "
            f"expected {stored.decode(errors='replace')}. Choose another checkpoint."
        )
    return checksum


def _verified(prefix):
    """Bundle of a checkpoint.

    Checksums are verified tensor by tensor, those of foreign types too: a damaged file
    is refused wherever the damage is.
    """
    try:
        bundle = open_bundle(prefix)
        bundle.verify()
        return bundle
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
