"""What a DescriptorRecord looks like as features of a `tf.train.Example`.

The names and types are listed in doc/formats.md. Additions of annpot are `energy_f64`,
the energy in float64 beside the format's own float32, and the indices of sparse
derivatives as integers beside the format's own float32.
"""

import struct

import numpy as np

from annpot.data.example_proto import (
    MalformedExampleError,
    decode_example,
    encode_example,
)
from annpot.data.records import (
    LARGEST_EXACT_INDEX,
    NO_NAME,
    DenseDerivatives,
    DescriptorRecord,
    SparseDerivatives,
    are_sparse_indices,
    has_exact_float_indices,
)
from annpot.errors import InputError

_ENERGY = struct.Struct("<d")


def encode_record(record):
    """Payload of one DescriptorRecord; equal records give equal bytes."""
    features = {
        "name": record.name.encode(),
        "species": record.species,
        "gvects": record.g,
        "energy": np.array([record.energy], np.float32),
        "energy_f64": _ENERGY.pack(record.energy),
    }
    if record.forces is not None:
        features["forces"] = record.forces
    if record.per_atom_quantity is not None:
        features["per_atom_quantity"] = record.per_atom_quantity
    derivatives = record.derivatives
    if isinstance(derivatives, DenseDerivatives):
        features["dgvects"] = derivatives.values
    elif derivatives is not None:
        features["dgvect_size"] = np.array([len(derivatives.values)])
        features["dgvect_values"] = derivatives.values
        features["dgvect_indices1_i64"] = derivatives.rows
        features["dgvect_indices2_i64"] = derivatives.columns
        if has_exact_float_indices(record.n_atoms, record.g_size):
            features["dgvect_indices1"] = derivatives.rows.astype(np.float32)
            features["dgvect_indices2"] = derivatives.columns.astype(np.float32)
    return encode_example(features)


def decode_record(payload, where="record"):
    """DescriptorRecord of one payload.

    Args:
        payload: bytes of a tf.train.Example.
        where: the file and record, for messages.

    Raises:
        InputError: a feature is missing, has a wrong length or holds NaN, or the
            record is one of a structure.
    """
    try:
        features = decode_example(payload)
    except MalformedExampleError:
        raise InputError(
            f"{where}: not a tf.train.Example. Pack the data again."
        ) from None
    if "positions_f64" in features and "gvects" not in features:
        raise InputError(
            f"{where}: a record of a structure, expected one of descriptors. Set "
            "input_format = structure, or pack descriptors with app_tfr_packer."
        )
    try:
        return _record(features)
    except _FeatureError as problem:
        raise InputError(f"{where}: {problem} Pack the data again.") from None


class _FeatureError(Exception):
    """A feature is wrong; the message does not name the record yet."""


def _record(features):
    species = _feature(features, "species", None, np.int64)
    n_atoms = len(species)
    if n_atoms and species.min() < 0:
        raise _FeatureError(f"'species' holds the index {species.min()}.")
    g = _feature(features, "gvects", None)
    if n_atoms == 0 or len(g) == 0 or len(g) % n_atoms:
        raise _FeatureError(
            f"'gvects' has {len(g)} numbers, which is no multiple of {n_atoms} atoms."
        )
    g_size = len(g) // n_atoms
    optional = {
        name: _feature(features, name, length).reshape(shape)
        for name, length, shape in (
            ("forces", 3 * n_atoms, (n_atoms, 3)),
            ("per_atom_quantity", n_atoms, (n_atoms,)),
        )
        if name in features
    }
    name = features.get("name", NO_NAME.encode())
    if not isinstance(name, bytes):
        raise _FeatureError("'name' is not a byte string.")
    return DescriptorRecord(
        name=name.decode("utf-8", "replace"),
        species=species,
        g=g.reshape(n_atoms, g_size),
        energy=_energy(features),
        derivatives=_derivatives(features, n_atoms, g_size),
        **optional,
    )


def _energy(features):
    """Total energy, eV: float64 where the file has it."""
    single = _feature(features, "energy", 1)[0]
    exact = features.get("energy_f64")
    if exact is None:
        return float(single)
    if not isinstance(exact, bytes) or len(exact) != _ENERGY.size:
        raise _FeatureError("'energy_f64' is not one float64.")
    energy = _ENERGY.unpack(exact)[0]
    with np.errstate(over="ignore"):  # a corrupt number may be too large
        agrees = np.float32(energy) == single
    if not agrees:
        raise _FeatureError(f"'energy' = {single} and 'energy_f64' = {energy} differ.")
    return energy


def _derivatives(features, n_atoms, g_size):
    if "dgvects" in features:
        values = _feature(features, "dgvects", 3 * g_size * n_atoms**2)
        return DenseDerivatives(values.reshape(n_atoms, g_size, n_atoms, 3))
    if "dgvect_size" not in features:
        return None
    n_values = int(_feature(features, "dgvect_size", 1, np.int64)[0])
    if n_values < 0:
        raise _FeatureError(f"'dgvect_size' is {n_values}.")
    values = _feature(features, "dgvect_values", n_values)
    rows = _indices(features, "dgvect_indices1", n_values, n_atoms * g_size)
    columns = _indices(features, "dgvect_indices2", n_values, 3 * n_atoms)
    if not are_sparse_indices(rows, columns, n_atoms, g_size):
        raise _FeatureError("an index of the sparse derivatives is out of range.")
    return SparseDerivatives(values, rows.astype(np.int64), columns.astype(np.int64))


def _indices(features, name, n_values, stop):
    """Sparse indices below `stop`: as integers, else as the floats of other programs.

    Floats that are no longer exact are refused, not rounded.
    """
    if f"{name}_i64" in features:
        return _feature(features, f"{name}_i64", n_values, np.int64)
    if stop > LARGEST_EXACT_INDEX:
        raise _FeatureError(
            f"{name!r} holds indices up to {stop} as float32, which is exact only up "
            f"to {LARGEST_EXACT_INDEX}."
        )
    return _feature(features, name, n_values)


def _feature(features, name, length, dtype=np.float32):
    """One numeric feature of a given length (any when None), checked for NaN."""
    values = features.get(name)
    if values is None:
        raise _FeatureError(f"the feature {name!r} is missing.")
    if isinstance(values, bytes) or (values.dtype != dtype and len(values)):
        raise _FeatureError(f"{name!r} has the wrong type; expected {dtype.__name__}.")
    if length is not None and len(values) != length:
        raise _FeatureError(f"{name!r} has {len(values)} numbers, expected {length}.")
    if dtype is np.float32 and not np.isfinite(values).all():
        raise _FeatureError(f"{name!r} holds a value that is not a finite number.")
    return values
