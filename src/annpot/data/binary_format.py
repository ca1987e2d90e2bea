"""The `.bin` format: descriptors and labels of one structure (doc/formats.md).

Little-endian: u32 version, u16 flags, u32 n_atoms, u32 g_size, then float32 numbers.
Flag bit 15 is an addition of annpot: the energy in float64 in the last eight bytes.
Files older than the header (a bare float32 stream) are read too.
"""

import struct
from pathlib import Path

import numpy as np

from annpot import files
from annpot.data.records import (
    LARGEST_EXACT_INDEX,
    DenseDerivatives,
    DescriptorRecord,
    SparseDerivatives,
    are_sparse_indices,
    check_finite,
    has_exact_float_indices,
)
from annpot.errors import InputError

SUFFIX = ".bin"
VERSION = 0

DERIVATIVES = 1 << 0
FORCES = 1 << 1
PER_ATOM_QUANTITY = 1 << 2
SPARSE_DERIVATIVES = 1 << 3
LONG_RANGE = 1 << 4
ENERGY_F64 = 1 << 15
_KNOWN = (
    DERIVATIVES
    | FORCES
    | PER_ATOM_QUANTITY
    | SPARSE_DERIVATIVES
    | LONG_RANGE
    | ENERGY_F64
)

_NOT_WHOLE = "its size is not a whole number of values; it was cut short."
_HEADER = struct.Struct("<IHII")
_ENERGY = struct.Struct("<d")


def encode_bin(record):
    """Content of a `.bin` file of version 0.

    Raises:
        InputError: a number is not finite in float32; it names the structure.
    """
    check_finite(record)
    flags = ENERGY_F64
    parts = [[record.energy], record.species, record.g.ravel()]
    derivatives = record.derivatives
    if isinstance(derivatives, DenseDerivatives):
        flags |= DERIVATIVES
        parts.append(derivatives.values.ravel())
    elif isinstance(derivatives, SparseDerivatives):
        flags |= DERIVATIVES | SPARSE_DERIVATIVES
        _check_sparse_indices(record)
        pairs = np.column_stack([derivatives.rows, derivatives.columns])
        parts += [[len(derivatives.values)], derivatives.values, pairs.ravel()]
    if record.forces is not None:
        flags |= FORCES
        parts.append(record.forces.ravel())
    if record.per_atom_quantity is not None:
        flags |= PER_ATOM_QUANTITY
        parts.append(record.per_atom_quantity)
    header = _HEADER.pack(VERSION, flags, record.n_atoms, record.g_size)
    numbers = [np.ascontiguousarray(part, "<f4") for part in parts]
    return b"".join([header, *numbers, _ENERGY.pack(record.energy)])


def bin_size(n_atoms, g_size, n_derivatives=0, kind=None, per_atom_quantity=False):
    """Bytes of a `.bin` file with derivatives and forces, or with neither.

    Args:
        n_derivatives: how many numbers dG_ic / dr_kx are stored.
        kind: "dense", "sparse" or None.
    """
    numbers = 1 + n_atoms + n_atoms * g_size + per_atom_quantity * n_atoms
    if kind is not None:
        numbers += n_derivatives + 3 * n_atoms
    if kind == "sparse":
        numbers += 1 + 2 * n_derivatives
    return _HEADER.size + 4 * numbers + _ENERGY.size


def _check_sparse_indices(record):
    if not has_exact_float_indices(record.n_atoms, record.g_size):
        raise InputError(
            f"{record.name}: sparse derivatives of {record.n_atoms} atoms with "
            f"{record.g_size} components need indices up to "
            f"{record.n_atoms * record.g_size}, but .bin files hold them exactly only "
            f"up to {LARGEST_EXACT_INDEX}. Set sparse_derivatives = False."
        )


def write_bin(path, record, durable=True):
    """Write one record atomically; see `files.atomic_path` for `durable`."""
    with files.atomic_path(path, durable) as temporary:
        temporary.write_bytes(encode_bin(record))


def read_bin(path):
    """DescriptorRecord of one `.bin` file.

    Raises:
        InputError: the file is missing, cut short, corrupt or holds NaN.
    """
    path = Path(path)
    content = files.content_of(path)
    try:
        return decode_bin(content, path.name.removesuffix(SUFFIX))
    except BinaryFormatError as problem:
        raise InputError(
            f"{path}: {problem} Delete the file and compute it again with "
            "app_gvect_calculator."
        ) from None


class BinaryFormatError(Exception):
    """Bytes that are not a `.bin` file; the message does not name the file."""


def decode_bin(content, name):
    """DescriptorRecord of the content of a `.bin` file.

    Raises:
        BinaryFormatError: saying what is wrong.
    """
    if len(content) < 12:  # not even the three numbers of the oldest layout
        raise BinaryFormatError(f"the file is cut short ({len(content)} bytes).")
    if int.from_bytes(content[:4], "little") != VERSION:
        return _decode_without_version(content, name)
    if len(content) < _HEADER.size + 4:
        raise BinaryFormatError(f"the file is cut short ({len(content)} bytes).")
    _, flags, n_atoms, g_size = _HEADER.unpack_from(content)
    if n_atoms == 0 or g_size == 0:
        raise BinaryFormatError(f"the header says {n_atoms} atoms and g_size {g_size}.")
    if flags & ~_KNOWN:
        raise BinaryFormatError(f"unknown flags {flags:#06x} in the header.")
    tail = _ENERGY.size if flags & ENERGY_F64 else 0
    if (len(content) - _HEADER.size - tail) % 4:
        raise BinaryFormatError(_NOT_WHOLE)
    n_numbers = (len(content) - _HEADER.size - tail) // 4
    stream = _Stream(np.frombuffer(content, "<f4", n_numbers, _HEADER.size))
    record = _read_stream(stream, name, flags, n_atoms, g_size)
    stream.check_end()
    if not tail:
        return record
    return _with_exact_energy(record, _ENERGY.unpack(content[-tail:])[0])


class _Stream:
    """A row of float32 numbers that is read from front to back."""

    def __init__(self, numbers):
        self.numbers = numbers
        self.position = 0

    def take(self, *shape):
        """The next numbers in the given shape."""
        count = int(np.prod(shape, dtype=object))
        start, self.position = self.position, self.position + count
        if self.position > len(self.numbers):
            raise BinaryFormatError(
                f"it holds {len(self.numbers)} values where its header needs at least "
                f"{self.position}; it was cut short or is corrupt."
            )
        values = self.numbers[start : self.position].reshape(shape)
        if not np.isfinite(values).all():
            raise BinaryFormatError("it holds a value that is not a finite number.")
        return values

    @property
    def left(self):
        """How many numbers were not taken yet."""
        return len(self.numbers) - self.position

    def check_end(self):
        """Raise when numbers are left over."""
        if self.left:
            raise BinaryFormatError(
                f"it holds {len(self.numbers)} values where its header needs "
                f"{self.position}; it is corrupt."
            )


def _read_stream(stream, name, flags, n_atoms, g_size):
    energy = float(stream.take(1)[0])
    species = _species(stream.take(n_atoms))
    g = stream.take(n_atoms, g_size)
    derivatives = forces = per_atom_quantity = None
    if flags & SPARSE_DERIVATIVES:
        derivatives = _sparse(stream, n_atoms, g_size)
    elif flags & DERIVATIVES:
        derivatives = DenseDerivatives(stream.take(n_atoms, g_size, n_atoms, 3))
    if flags & FORCES:
        forces = stream.take(n_atoms, 3)
    if flags & PER_ATOM_QUANTITY:
        per_atom_quantity = stream.take(n_atoms)
    if flags & LONG_RANGE:  # electrostatic kernels and charges are not used here
        stream.take(n_atoms, n_atoms)
        stream.take(n_atoms, n_atoms, 3 if flags & DERIVATIVES else 0)
        stream.take(n_atoms + 1)
    return DescriptorRecord(
        name, species, g, energy, forces, derivatives, per_atom_quantity
    )


def _species(numbers):
    species = numbers.astype(np.int64)
    if (species < 0).any() or (species != numbers).any():
        raise BinaryFormatError(
            f"species indices {numbers[:5].tolist()} are not whole numbers from 0."
        )
    return species


def _sparse(stream, n_atoms, g_size):
    n_values = int(stream.take(1)[0])
    if n_values < 0:
        raise BinaryFormatError(f"{n_values} sparse derivatives.")
    values = stream.take(n_values)
    rows, columns = stream.take(n_values, 2).T
    if not are_sparse_indices(rows, columns, n_atoms, g_size):
        raise BinaryFormatError("an index of the sparse derivatives is out of range.")
    return SparseDerivatives(values, rows.astype(np.int64), columns.astype(np.int64))


def _with_exact_energy(record, energy):
    with np.errstate(over="ignore"):  # a corrupt number may be too large
        single = np.float32(energy)
    if single != np.float32(record.energy):
        raise BinaryFormatError(
            f"its two energies, {record.energy} and {energy} eV, differ; it is corrupt."
        )
    values = vars(record) | {"energy": energy}
    return DescriptorRecord(**values)


def _decode_without_version(content, name):
    """The oldest layout: n_atoms, g_size, E, species, G and what its length allows."""
    if len(content) % 4:
        raise BinaryFormatError(_NOT_WHOLE)
    stream = _Stream(np.frombuffer(content, "<f4"))
    sizes = np.array(stream.take(2), np.float64)
    if (sizes < 1).any() or (sizes != np.floor(sizes)).any():
        raise BinaryFormatError(
            "it starts neither with a known format version nor with numbers of atoms "
            "and components; it is corrupt or no descriptor file."
        )
    n_atoms, g_size = int(sizes[0]), int(sizes[1])
    left = stream.left - (1 + n_atoms + n_atoms * g_size)
    n_derivatives = 3 * g_size * n_atoms**2
    flags = DERIVATIVES if left >= n_derivatives else 0
    if left - bool(flags) * n_derivatives == 3 * n_atoms:
        flags |= FORCES
    record = _read_stream(stream, name, flags, n_atoms, g_size)
    stream.check_end()
    return record
