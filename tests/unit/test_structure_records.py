"""Structures as TFRecords: bitwise round trip, damaged features, sources."""

import json
from dataclasses import replace

import numpy as np
import pytest

from annpot.data.example_proto import decode_example, encode_example
from annpot.data.packing import describe_tfrecords
from annpot.data.record_features import encode_record
from annpot.data.records import DescriptorRecord
from annpot.data.structure_origin import StructureOrigin
from annpot.data.structure_records import decode_structure, encode_structure
from annpot.data.structure_source import open_structures
from annpot.data.tfrecord import read_records, write_tfrecord
from annpot.errors import InputError
from annpot.structures.example_json import write_example
from annpot.structures.structure import Structure

SPECIES = ("H", "O", "Si")
ARRAYS = ("positions", "cell", "pbc", "forces", "virial")


def structure(number=0, symbols=("Si", "H", "O"), **changes):
    """Random numbers with all 53 bits used."""
    rng = np.random.default_rng(number)
    made = Structure(
        name=f"s{number}",
        symbols=symbols,
        positions=rng.standard_normal((len(symbols), 3)) / 3,
        cell=rng.standard_normal((3, 3)) / 3,
        pbc=np.array([True, False, True]),
        energy=-2081.0 / 3 - number,
        forces=rng.standard_normal((len(symbols), 3)) / 3,
        virial=rng.standard_normal(6) / 3,
    )
    return replace(made, **changes)


def assert_same(one, other):
    assert (one.name, one.symbols, one.energy) == (
        other.name,
        other.symbols,
        other.energy,
    )
    for name in ARRAYS:
        first, second = getattr(one, name), getattr(other, name)
        assert (first is None) == (second is None), name
        if first is not None:
            assert first.dtype == second.dtype
            assert first.shape == second.shape
            assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize("absent", [(), ("energy",), ("forces", "virial")])
def test_a_structure_survives_to_the_last_bit(absent):
    made = structure(3, **dict.fromkeys(absent))
    payload = encode_structure(made, SPECIES)
    assert_same(decode_structure(payload, SPECIES), made)
    features = decode_example(payload)
    assert {f"{label}_f64" for label in absent}.isdisjoint(features)
    assert features["species"].tolist() == [2, 0, 1]
    assert features["positions_f64"] == made.positions.astype("<f8").tobytes()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("positions_f64", None, "the feature 'positions_f64' is missing"),
        ("positions_f64", b"12345678", "'positions_f64' has 8 bytes, expected 72: "),
        ("cell_f64", np.ones(9, np.float32), "'cell_f64' has the wrong type; expected"),
        ("forces_f64", np.full(9, np.nan).tobytes(), "'forces_f64' holds a value that"),
        ("virial_f64", b"", "'virial_f64' has 0 bytes, expected 48"),
        ("energy_f64", np.full(1, np.inf).tobytes(), "'energy_f64' holds a value that"),
        ("species", np.array([0, 1, 7]), r"'species' holds \[0, 1, 7\], expected ind"),
        ("species", None, "the feature 'species' is missing"),
        ("pbc", np.array([1, 0]), "'pbc' has 2 numbers, expected 3"),
        ("pbc", np.array([1, 0, 2]), r"'pbc' is \[1, 0, 2\], expected three of 0 and"),
        ("cell_f64", np.zeros(9).tobytes(), r"'pbc' is \[1, 0, 1\], but the periodic"),
        ("name", None, "'name' is missing"),
    ],
)
def test_damaged_features_are_named(name, value, message):
    features = decode_example(encode_structure(structure(), SPECIES)) | {name: value}
    payload = encode_example({k: v for k, v in features.items() if v is not None})
    with pytest.raises(
        InputError, match=f"a: record 2: {message}.*Pack the data again"
    ):
        decode_structure(payload, SPECIES, "a: record 2")


def test_what_is_no_example_is_told():
    with pytest.raises(InputError, match=r"here: not a tf\.train\.Example"):
        decode_structure(b"\xff\xff", SPECIES, "here")


@pytest.fixture
def folder(tmp_path):
    """Five structures in two files."""
    made = [structure(number) for number in range(4)]
    made.append(structure(4, ("H", "H"), forces=None))
    for number, part in enumerate((made[:3], made[3:]), start=1):
        path = tmp_path / "structures" / f"{number}-2.tfrecord"
        path.parent.mkdir(exist_ok=True)
        write_tfrecord(path, [encode_structure(one, SPECIES) for one in part])
    origin = StructureOrigin(SPECIES)
    describe_tfrecords(tmp_path / "structures", origin).write(tmp_path / "structures")
    return tmp_path / "structures"


def descriptors(folder):
    folder.mkdir()
    record = DescriptorRecord("d", np.array([0]), np.ones((1, 2), np.float32), -1.0)
    write_tfrecord(folder / "1-1.tfrecord", [encode_record(record)])
    return folder


def test_records_come_in_order_and_again(folder):
    source = open_structures(folder, "structure", SPECIES)
    assert len(source) == source.n_structures == 5
    for _ in range(2):
        read = list(source)
        for number in range(4):
            assert_same(read[number], structure(number))
    assert read[4].forces is None
    content = json.loads((folder / "dataset.json").read_text())
    assert content["labels"] == {"energy": 5, "forces": 4, "virial": 5}
    assert content["kind"] == "structures"
    assert source.fingerprint == content["fingerprint"]


def test_another_order_of_elements_is_no_problem(folder):
    source = open_structures(folder, "structure", ("Si", "C", "O", "H"))
    assert next(one.symbols for one in source) == ("Si", "H", "O")


def test_a_missing_element_is_told_before_reading(folder):
    with pytest.raises(InputError) as caught:
        open_structures(folder, "structure", ("H", "O"), "train.ini:3")
    assert str(caught.value) == (
        f"train.ini:3: {folder}: element Si found, expected only H, O. Add it to "
        "atomic_sequence and to the species of gvect_ini, or leave such structures out."
    )


def test_moved_files_are_not_counted(folder):
    (folder / "1-2.tfrecord").unlink()
    source = open_structures(folder, "structure", SPECIES)
    assert [one.name for one in source] == ["s3", "s4"]
    assert source.n_structures == 2


def test_changed_records_are_refused(folder):
    write_tfrecord(folder / "1-2.tfrecord", [encode_structure(structure(9), SPECIES)])
    with pytest.raises(InputError, match=r"1-2.tfrecord: .* recorded"):
        open_structures(folder, "structure", SPECIES)


def test_structures_without_dataset_json_mean_nothing(folder):
    (folder / "dataset.json").unlink()
    with pytest.raises(InputError, match=r"no dataset.json, which says what elements"):
        open_structures(folder, "structure", SPECIES)


def test_descriptors_are_not_structures(tmp_path):
    folder = descriptors(tmp_path / "d")
    with pytest.raises(InputError, match=r"record of descriptors.*input_format = tfr"):
        open_structures(folder, "structure", SPECIES)
    with pytest.raises(
        InputError, match=r"d: holds .tfrecord files, expected .example"
    ):
        open_structures(folder, "example", SPECIES)


def test_structures_are_not_descriptors(folder):
    with pytest.raises(InputError, match="record 1: a record of a structure, expected"):
        next(read_records(folder / "1-2.tfrecord"))


def test_examples_are_the_same_structures(folder, tmp_path):
    (tmp_path / "examples").mkdir()
    for one in open_structures(folder, "structure", SPECIES):
        isolated = replace(one, pbc=np.zeros(3, bool), cell=np.zeros((3, 3)))
        write_example(tmp_path / "examples" / f"{one.name}.example", isolated)
    source = open_structures(tmp_path / "examples", "example", SPECIES)
    assert source.n_structures == 5
    assert [one.name for one in source] == ["s0", "s1", "s2", "s3", "s4"]
    assert [one.energy for one in source][2] == structure(2).energy
    before = source.fingerprint
    write_example(tmp_path / "examples" / "s0.example", structure(7, virial=None))
    assert open_structures(source.path, "example", SPECIES).fingerprint != before


def test_a_missing_element_in_a_file_is_told_with_its_place(tmp_path):
    write_example(tmp_path / "a.example", structure(virial=None))
    source = open_structures(tmp_path, "example", ("H",))
    with pytest.raises(InputError, match=r"a.example: element O, Si found, expected"):
        list(source)


def test_periodicity_can_be_replaced(folder):
    source = open_structures(folder, "structure", SPECIES, use_pbc=(False, True, True))
    assert next(iter(source)).pbc.tolist() == [False, True, True]


def test_an_unknown_format_is_told(tmp_path):
    with pytest.raises(InputError, match="= tfr: expected one of structure, example"):
        open_structures(tmp_path, "tfr", SPECIES)
