"""What a Structure looks like as features of a `tf.train.Example`.

Numbers are bytes of little-endian float64, so nothing of a structure is rounded. A
label that is absent is a feature that is absent. The names are listed in
doc/formats.md.
"""

import hashlib
from collections import Counter

import numpy as np

from annpot.data.dataset_summary import DatasetSummary
from annpot.data.example_proto import (
    MalformedExampleError,
    decode_example,
    encode_example,
)
from annpot.errors import InputError
from annpot.structures.structure import Structure

LABELS = ("energy", "forces", "virial")


def encode_structure(structure, species):
    """Payload of one Structure; equal structures give equal bytes.

    Args:
        structure: Structure; its charge and energies of single atoms are left out.
        species: symbols in the order that numbers them; all elements are among them.
    """
    index = {symbol: number for number, symbol in enumerate(species)}
    features = {
        "name": structure.name.encode(),
        "species": np.array([index[symbol] for symbol in structure.symbols], np.int64),
        "pbc": np.asarray(structure.pbc, np.int64),
        "positions_f64": _bytes(structure.positions),
        "cell_f64": _bytes(structure.cell),
    }
    for label in LABELS:
        values = getattr(structure, label)
        if values is not None:
            features[f"{label}_f64"] = _bytes(values)
    return encode_example(features)


def decode_structure(payload, species, where="record"):
    """Structure of one payload.

    Args:
        payload: bytes of a tf.train.Example.
        species: symbols in the order that numbers them.
        where: the file and record, for messages.

    Raises:
        InputError: a feature is missing, has a wrong length or holds NaN, or the
            record is one of descriptors.
    """
    try:
        features = decode_example(payload)
    except MalformedExampleError:
        raise InputError(
            f"{where}: not a tf.train.Example. Pack the data again."
        ) from None
    if "gvects" in features and "positions_f64" not in features:
        raise InputError(
            f"{where}: a record of descriptors, expected one of a structure. Set "
            "input_format = tfr, or pack structures with app_tfr_packer."
        )
    try:
        return _structure(features, species)
    except _FeatureError as problem:
        raise InputError(f"{where}: {problem} Pack the data again.") from None


def structure_summary(structures, payloads, species):
    """DatasetSummary of a few structures; it has no statistics.

    Args:
        structures: sequence of Structure.
        payloads: of `encode_structure`, in the same order.
        species: symbols in the order that numbers them.
    """
    index = {symbol: number for number, symbol in enumerate(species)}
    labels = Counter(
        {
            label: sum(getattr(one, label) is not None for one in structures)
            for label in LABELS
        }
    )
    counts = ([index[symbol] for symbol in one.symbols] for one in structures)
    return DatasetSummary(
        labels=+labels,
        compositions=Counter(tuple(np.bincount(one).tolist()) for one in counts),
        hashes=b"".join(hashlib.sha256(payload).digest() for payload in payloads),
    )


class _FeatureError(Exception):
    """A feature is wrong; the message does not name the record yet."""


def _structure(features, species):
    indices = _integers(features, "species", None)
    n_atoms = len(indices)
    if n_atoms == 0 or indices.min() < 0 or indices.max() >= len(species):
        raise _FeatureError(
            f"'species' holds {sorted(set(indices.tolist()))}, expected indices of "
            f"the {len(species)} species {', '.join(species)}."
        )
    pbc = _integers(features, "pbc", 3)
    if not np.isin(pbc, (0, 1)).all():
        raise _FeatureError(f"'pbc' is {pbc.tolist()}, expected three of 0 and 1.")
    cell = _numbers(features, "cell_f64", (3, 3))
    vectors = cell[pbc.astype(bool)]
    if np.linalg.matrix_rank(vectors) < len(vectors):
        raise _FeatureError(
            f"'pbc' is {pbc.tolist()}, but the periodic cell vectors "
            f"{vectors.tolist()} are zero or linearly dependent."
        )
    energy = _numbers(features, "energy_f64", (1,), optional=True)
    name = features.get("name")
    if not isinstance(name, bytes):
        raise _FeatureError("'name' is missing or is not a byte string.")
    return Structure(
        name=name.decode("utf-8", "replace"),
        symbols=tuple(species[index] for index in indices),
        positions=_numbers(features, "positions_f64", (n_atoms, 3)),
        cell=cell,
        pbc=pbc.astype(bool),
        energy=None if energy is None else float(energy[0]),
        forces=_numbers(features, "forces_f64", (n_atoms, 3), optional=True),
        virial=_numbers(features, "virial_f64", (6,), optional=True),
    )


def _bytes(values):
    return np.asarray(values, "<f8").tobytes()


def _integers(features, name, length):
    values = features.get(name)
    if values is None:
        raise _FeatureError(f"the feature {name!r} is missing.")
    if isinstance(values, bytes) or (values.dtype != np.int64 and len(values)):
        raise _FeatureError(f"{name!r} has the wrong type; expected int64.")
    if length is not None and len(values) != length:
        raise _FeatureError(f"{name!r} has {len(values)} numbers, expected {length}.")
    return values


def _numbers(features, name, shape, optional=False):
    """A float64 array of `shape`; None where an optional feature is absent."""
    content = features.get(name)
    if content is None and optional:
        return None
    if content is None:
        raise _FeatureError(f"the feature {name!r} is missing.")
    if not isinstance(content, bytes):
        raise _FeatureError(f"{name!r} has the wrong type; expected bytes.")
    expected = 8 * int(np.prod(shape))
    if len(content) != expected:
        raise _FeatureError(
            f"{name!r} has {len(content)} bytes, expected {expected}: {shape} float64."
        )
    values = np.frombuffer(content, "<f8").astype(np.float64).reshape(shape)
    if not np.isfinite(values).all():
        raise _FeatureError(f"{name!r} holds a value that is not a finite number.")
    return values
