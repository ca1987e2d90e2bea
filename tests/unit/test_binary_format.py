"""`.bin` files: exact round trip, the published file, old layouts, broken files."""

import struct
from dataclasses import replace

import numpy as np
import pytest

from annpot.data import binary_format
from annpot.data.records import DenseDerivatives, DescriptorRecord, SparseDerivatives
from annpot.errors import InputError


def record(**labels):
    rng = np.random.default_rng(5)
    return DescriptorRecord(
        name="water",
        species=np.array([3, 0, 0]),
        g=rng.random((3, 4), dtype=np.float32),
        energy=-2081.123456789012,  # float32 would keep -2081.1235
        **labels,
    )


DENSE = DenseDerivatives(np.arange(108, dtype=np.float32).reshape(3, 4, 3, 3))
SPARSE = SparseDerivatives(np.float32([0.5, 2]), np.array([0, 11]), np.array([8, 1]))
FORCES = np.arange(9, dtype=np.float32).reshape(3, 3)
QUANTITY = np.float32([-1, 2, 3])

RECORDS = {
    "energy only": record(),
    "dense": record(derivatives=DENSE, forces=FORCES),
    "sparse": record(derivatives=SPARSE, forces=FORCES, per_atom_quantity=QUANTITY),
    "all derivatives 0": record(
        derivatives=SparseDerivatives(
            *(np.empty(0, kind) for kind in (np.float32, int, int))
        ),
        forces=FORCES,
    ),
    "per-atom quantity": record(per_atom_quantity=QUANTITY),
    "forces alone": record(forces=FORCES),
}


def assert_equal_records(one, other):
    assert (one.name, one.energy) == (other.name, other.energy)
    assert type(one.derivatives) is type(other.derivatives)
    pairs = [
        (getattr(one, a), getattr(other, a))
        for a in ("species", "g", "forces", "per_atom_quantity")
    ]
    if one.derivatives is not None:
        pairs += list(
            zip(
                vars(one.derivatives).values(),
                vars(other.derivatives).values(),
                strict=True,
            )
        )
    for mine, theirs in pairs:
        assert (mine is None) == (theirs is None)
        if mine is not None:
            assert mine.shape == theirs.shape
            assert mine.tobytes() == theirs.tobytes()


@pytest.mark.parametrize("original", RECORDS.values(), ids=RECORDS.keys())
def test_round_trip_is_exact(tmp_path, original):
    path = tmp_path / "water.bin"
    binary_format.write_bin(path, original)
    assert_equal_records(binary_format.read_bin(path), original)


def test_the_published_part_comes_first():
    """A reader of version 0 that knows no flag 15 stops before our eight bytes."""
    content = binary_format.encode_bin(record())
    version, flags, n_atoms, g_size = struct.unpack_from("<IHII", content)
    assert (version, flags & 0x7FFF, n_atoms, g_size) == (0, 0, 3, 4)
    numbers = np.frombuffer(content, "<f4", 1 + 3 + 12, 14)
    assert numbers[0] == np.float32(-2081.123456789012)
    np.testing.assert_array_equal(numbers[1:4], [3, 0, 0])
    np.testing.assert_array_equal(numbers[4:], record().g.ravel())
    assert content[14 + 4 * 16 :] == struct.pack("<d", -2081.123456789012)


def test_the_published_file_is_read(reference_data):
    folder = reference_data / "panna_descriptor"
    read = binary_format.read_bin(folder / "1.bin")
    g = np.load(folder / "1_gvects.npy")
    np.testing.assert_array_equal(read.g, g.astype(np.float32))
    assert read.species.tolist() == [1, 3, 0, 0, 0, 0]  # order H, C, N, O
    assert read.name == "1"
    assert read.derivatives.values.shape == (6, 384, 6, 3)
    assert read.forces.shape == (6, 3)


@pytest.mark.parametrize("derivatives", [None, DENSE], ids=["no dG", "dG"])
@pytest.mark.parametrize("forces", [None, FORCES], ids=["no forces", "forces"])
def test_files_older_than_the_header_are_read(tmp_path, derivatives, forces):
    single = float(np.float32(-2081.5))
    original = replace(
        record(derivatives=derivatives, forces=forces), name="old", energy=single
    )
    parts = [[3, 4, single], original.species, original.g.ravel()]
    parts += [derivatives.values.ravel()] if derivatives else []
    parts += [forces.ravel()] if forces is not None else []
    path = tmp_path / "old"
    path.write_bytes(np.concatenate(parts).astype("<f4").tobytes())
    assert_equal_records(binary_format.read_bin(path), original)


def test_long_range_arrays_are_passed_over(tmp_path):
    content = bytearray(
        binary_format.encode_bin(record(per_atom_quantity=QUANTITY))[:-8]
    )
    flags = binary_format.PER_ATOM_QUANTITY | binary_format.LONG_RANGE
    struct.pack_into("<H", content, 4, flags)
    content += np.ones(9 + 3 + 1, "<f4").tobytes()  # kernel, charges, total charge
    path = tmp_path / "water.bin"
    path.write_bytes(content)
    read = binary_format.read_bin(path)
    np.testing.assert_array_equal(read.per_atom_quantity, QUANTITY)


def test_sparse_and_dense_derivatives_are_the_same():
    values = np.zeros((3, 4, 3, 3), np.float32)
    values[0, 0, 2, 2] = 0.5  # row 0 * 4 + 0, column 3 * 2 + 2
    values[2, 3, 0, 1] = 2.0  # row 2 * 4 + 3, column 3 * 0 + 1
    np.testing.assert_array_equal(SPARSE.dense(3, 4).values, values)


def test_sparse_indices_beyond_float32_are_refused():
    large = replace(record(), g=np.broadcast_to(np.float32(0), (3, 2**23)))
    message = (
        r"indices up to 25165824, but \.bin files hold them exactly only up to 167"
    )
    with pytest.raises(InputError, match=message):
        binary_format.encode_bin(replace(large, derivatives=SPARSE))


@pytest.mark.parametrize("original", RECORDS.values(), ids=RECORDS.keys())
def test_the_size_is_known_beforehand(original):
    if original.derivatives is None and original.forces is not None:
        pytest.skip("the calculator writes forces only with derivatives")
    size = binary_format.bin_size(
        n_atoms=3,
        g_size=4,
        n_derivatives=0 if original.derivatives is None
        else original.derivatives.values.size,
        kind=original.derivatives_kind,
        per_atom_quantity=original.per_atom_quantity is not None,
    )  # fmt: skip
    assert size == len(binary_format.encode_bin(original))


def change(content, position, new):
    return content[:position] + new + content[position + len(new) :]


BROKEN = {
    "empty": (lambda c: b"", "the file is cut short (0 bytes)"),
    "cut in the header": (lambda c: c[:13], "the file is cut short (13 bytes)"),
    "cut in the descriptors": (
        lambda c: c[:-16],
        "it holds 12 values where its header needs at least 16; it was cut short",
    ),
    "cut between values": (
        lambda c: c[:-1],
        "its size is not a whole number of values",
    ),
    "too long": (
        lambda c: c + bytes(8),
        "it holds 18 values where its header needs 16; it is corrupt.",
    ),
    "flags": (
        lambda c: change(c, 4, b"\x00\x84"),
        "unknown flags 0x8400 in the header",
    ),
    "no atoms": (lambda c: change(c, 6, bytes(4)), "the header says 0 atoms"),
    "huge sizes": (
        lambda c: change(c, 6, b"\xff" * 8),
        "it holds 16 values where its header needs at least 4294967296",
    ),
    "species": (
        lambda c: change(c, 18, struct.pack("<f", 0.5)),
        "species indices [0.5, 0.0, 0.0] are not whole numbers from 0",
    ),
    "NaN": (
        lambda c: change(c, 30, struct.pack("<f", np.nan)),
        "it holds a value that is not a finite number.",
    ),
    "two energies": (
        lambda c: change(c, 14, struct.pack("<f", 1.0)),
        "its two energies, 1.0 and -2081.123456789012 eV, differ; it is corrupt.",
    ),
    "another format": (
        lambda c: b"energy = 1 # an INI file",
        "it starts neither with a known format version nor with numbers of atoms",
    ),
}


@pytest.mark.parametrize(("broken", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_files_are_named(tmp_path, broken, message):
    path = tmp_path / "water.bin"
    path.write_bytes(broken(binary_format.encode_bin(record())))
    with pytest.raises(InputError) as caught:
        binary_format.read_bin(path)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert "compute it again with app_gvect_calculator" in str(caught.value)


def test_a_sparse_index_out_of_range_is_found():
    wrong = replace(SPARSE, columns=np.array([9, 0]))
    content = binary_format.encode_bin(record(derivatives=wrong))
    with pytest.raises(binary_format.BinaryFormatError, match="index of the sparse"):
        binary_format.decode_bin(content, "water")


@pytest.mark.parametrize(
    "wrong", [{"rows": np.array([-1, 0])}, {"columns": np.array([0, -2])}]
)
def test_a_negative_sparse_index_is_found(wrong):
    content = binary_format.encode_bin(record(derivatives=replace(SPARSE, **wrong)))
    with pytest.raises(binary_format.BinaryFormatError, match="index of the sparse"):
        binary_format.decode_bin(content, "water")


def test_an_exact_energy_beyond_float32_is_corrupt():
    content = binary_format.encode_bin(record())[:-8] + struct.pack("<d", 1e300)
    with pytest.raises(
        binary_format.BinaryFormatError, match=r"and 1e\+300 eV, differ"
    ):
        binary_format.decode_bin(content, "water")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"energy": -1e39}, "energy: found -1e+39, expected numbers that are finite"),
        ({"energy": float("nan")}, "energy: found nan, expected numbers that are"),
        ({"per_atom_quantity": np.array([0, 1e40, 1])}, "single atoms: found 1e+40"),
        ({"g": np.full((3, 4), np.inf)}, "descriptors: found inf, expected numbers"),
    ],
)
def test_numbers_beyond_float32_are_not_written(tmp_path, change, message):
    wrong = replace(record(), **change)
    with pytest.raises(InputError) as caught:
        binary_format.write_bin(tmp_path / "water.bin", wrong)
    assert str(caught.value).startswith(f"{wrong.name}: ")
    assert message in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "water.bin").mkdir()
    with pytest.raises(InputError, match=r"water\.bin: is a folder, expected a file\."):
        binary_format.read_bin(tmp_path / "water.bin")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"absent\.bin: there is no such file"):
        binary_format.read_bin(tmp_path / "absent.bin")
