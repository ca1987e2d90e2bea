"""`.example` files: units, coordinates, periodicity, old spellings, wrong input."""

import json
import logging
from collections import Counter

import numpy as np
import pytest

from annpot.errors import InputError
from annpot.structures.example_json import read_example, write_example
from annpot.structures.structure import Structure
from annpot.units import UnitConstants

BOHR, HARTREE = 0.529177210544, 27.211386245981  # CODATA 2022, angstrom and eV

WATER = {
    "atoms": [
        [1, "O", [0.0, 0.0, 0.5], [0.1, 0.0, -0.3]],
        [2, "H", [0.0, 1.0, 0.0], [0.0, 0.2, 0.1]],
        [3, "H", [1.0, 0.0, 0.0], [-0.1, -0.2, 0.2]],
    ],
    "unit_of_length": "angstrom",
    "atomic_position_unit": "cartesian",
    "energy": [-2081.5, "eV"],
}
CELL = [[4.0, 0.0, 0.0], [1.0, 5.0, 0.0], [0.0, 0.5, 6.0]]


def written(folder, name="water.example", **changes):
    path = folder / name
    content = {key: v for key, v in (WATER | changes).items() if v is not None}
    path.write_text(json.dumps(content))
    return path


def test_angstrom_and_ev_are_taken_as_they_are(tmp_path):
    read = read_example(written(tmp_path))
    assert read.name == "water"
    assert read.symbols == ("O", "H", "H")
    assert read.positions.tolist() == [[0, 0, 0.5], [0, 1, 0], [1, 0, 0]]
    assert read.forces[0].tolist() == [0.1, 0.0, -0.3]
    assert read.energy == -2081.5
    assert not read.pbc.any()


@pytest.mark.parametrize("unit", ["au", "bohr", "bohr_radius", "BOHR"])
def test_bohr(tmp_path, unit):
    read = read_example(written(tmp_path, unit_of_length=unit, lattice_vectors=CELL))
    assert read.positions[0, 2] == 0.5 * BOHR
    assert read.cell[1].tolist() == [BOHR, 5 * BOHR, 0]
    assert read.forces[0, 0] == pytest.approx(0.1 / BOHR, rel=1e-15)  # eV/bohr


@pytest.mark.parametrize(
    ("units", "factor"),
    [
        (["Ry", "Ryd", "ryd", "ry", "RY"], HARTREE / 2),
        (["Ha", "ha", "HA", "hartree", "Hartree"], HARTREE),
        (["eV", "ev", "EV"], 1.0),
    ],
)
def test_energy_units_scale_energy_and_forces(tmp_path, units, factor):
    for unit in units:
        read = read_example(
            written(tmp_path, energy=[-10.5, unit], per_atom_energy=[1, 2, 3])
        )
        assert read.energy == pytest.approx(-10.5 * factor, rel=1e-15)
        np.testing.assert_allclose(
            read.forces[0], [0.1 * factor, 0, -0.3 * factor], rtol=1e-15
        )
        np.testing.assert_allclose(
            read.per_atom_energy, np.array([1, 2, 3]) * factor, rtol=1e-15
        )


def test_constants_can_be_replaced(tmp_path):
    other = UnitConstants(bohr=0.5, hartree=20.0)
    path = written(tmp_path, unit_of_length="bohr", energy=[3, "Ha"])
    read = read_example(path, other)
    assert (read.energy, read.positions[0, 2]) == (60.0, 0.25)


@pytest.mark.parametrize("key", ["atomic_position_unit", "atomic_coordinates"])
def test_crystal_coordinates_are_fractions_of_the_rows_of_the_cell(tmp_path, key):
    fractions = [[1, "O", [0.5, 0.0, 0.25]], [2, "H", [0.0, 0.1, 0.0]]]
    changes = {"atomic_position_unit": None, key: "crystal", "unit_of_length": "bohr"}
    path = written(tmp_path, atoms=fractions, lattice_vectors=CELL, **changes)
    # 0.5 a1 + 0.25 a3 and 0.1 a2
    expected = np.array([[2.0, 0.125, 1.5], [0.1, 0.5, 0.0]]) * BOHR
    np.testing.assert_allclose(read_example(path).positions, expected, rtol=1e-15)


def test_a_zero_row_is_a_direction_without_periodicity(tmp_path):
    cell = [CELL[0], [0, 0, 0], CELL[2]]
    read = read_example(written(tmp_path, lattice_vectors=cell))
    assert read.pbc.tolist() == [True, False, True]
    assert not read_example(written(tmp_path, lattice_vectors=[])).pbc.any()
    zero = np.zeros((3, 3)).tolist()
    assert not read_example(written(tmp_path, lattice_vectors=zero)).pbc.any()


def test_quoted_numbers_and_total_charge(tmp_path):
    path = written(tmp_path, energy=["-20.25", "Ha"], total_charge="-1")
    read = read_example(path)
    assert read.energy == pytest.approx(-20.25 * HARTREE, rel=1e-15)
    assert read.total_charge == -1.0


def test_extra_keys_are_ignored(tmp_path):
    read = read_example(written(tmp_path, stresses=[1], key="abc", source="somewhere"))
    assert read.n_atoms == 3


def test_missing_units_are_counted_or_logged(tmp_path, caplog):
    path = written(tmp_path, unit_of_length=None, energy=["-5"])
    counted = Counter()
    for _ in range(2):
        read = read_example(path, assumptions=counted)
    assert (read.energy, read.positions[1, 1]) == (-5.0, 1.0)
    assert counted == {
        "unit_of_length is missing: angstrom was assumed": 2,
        "the energy has no unit: eV was assumed": 2,
    }
    with caplog.at_level(logging.WARNING):
        read_example(path)
    assert "water.example: unit_of_length is missing" in caplog.text


def test_no_energy_is_none(tmp_path):
    assert read_example(written(tmp_path, energy=None)).energy is None


def test_round_trip_is_exact(tmp_path):
    rng = np.random.default_rng(2)
    structure = Structure(
        name="odd",
        symbols=("Si", "H"),
        positions=rng.standard_normal((2, 3)),
        cell=np.diag([3.1, 0.0, 4.7]),
        pbc=np.array([True, False, True]),
        energy=-1 / 3,
        forces=rng.standard_normal((2, 3)),
        per_atom_energy=np.array([0.1, -0.7]),
        total_charge=1.0,
    )
    write_example(tmp_path / "odd.example", structure)
    read = read_example(tmp_path / "odd.example")
    for name, value in vars(structure).items():
        np.testing.assert_array_equal(getattr(read, name), value, err_msg=name)


def test_a_published_file_with_its_periodic_cell(reference_data):
    folder = reference_data / "panna_carbon_force"
    name = "2de213jd63b719cecg4l3d7435dfa4d1d35hee6i477b4i2f994ig39c.example"
    read = read_example(folder / name)
    assert read.n_atoms == 16
    assert read.pbc.all()
    # First atom: 11.604433132799999 bohr; -0.00500856 Ry/bohr.
    assert read.positions[0, 0] == pytest.approx(11.6044331328 * BOHR, rel=1e-12)
    force = -0.00500856 * HARTREE / 2 / BOHR
    assert read.forces[0, 0] == pytest.approx(force, rel=1e-12)


def atoms(**changes):
    first = dict(
        zip(("label", "symbol", "xyz", "forces"), WATER["atoms"][0], strict=True)
    )
    entry = [value for value in (first | changes).values() if value is not None]
    return [entry, *WATER["atoms"][1:]]


WRONG = {
    "unknown length unit": (
        {"unit_of_length": "Angsrom"},
        "unit_of_length: unknown length unit 'Angsrom': expected one of au, bohr",
    ),
    "unknown energy unit": (
        {"energy": [1.0, "kcal"]},
        "energy: unknown energy unit 'kcal': expected one of Ry, Ryd",
    ),
    "unit that is no text": (
        {"energy": [1.0, ["eV"]]},
        "energy: unknown energy unit ['eV']",
    ),
    "energy of three parts": (
        {"energy": [1.0, "eV", 2]},
        "energy: found [1.0, 'eV', 2], expected [value, unit].",
    ),
    "energy that is no number": (
        {"energy": ["low", "eV"]},
        "energy: found 'low', expected a number.",
    ),
    "NaN energy": (
        {"energy": [float("nan"), "eV"]},
        "energy: found nan, which is not a finite number.",
    ),
    "unknown element": (
        {"atoms": atoms(symbol="Xx")},
        "atoms, entry 1: 'Xx' is not a chemical symbol; expected one like 'H' or 'Si'.",
    ),
    "NaN position": (
        {"atoms": atoms(xyz=[0, float("nan"), 0])},
        "atoms, positions: holds a value that is not a finite number.",
    ),
    "two coordinates": (
        {"atoms": atoms(xyz=[0, 0])},
        "atoms, positions: not an array of numbers of shape (3, 3)",
    ),
    "words as coordinates": (
        {"atoms": atoms(xyz=["a", "b", "c"])},
        "atoms, positions: not an array of numbers of shape (3, 3)",
    ),
    "forces of some atoms": (
        {"atoms": atoms(forces=None)},
        "atoms, entry 1: no forces, but other atoms have them.",
    ),
    "no atoms": ({"atoms": []}, "atoms: missing or empty, expected a list"),
    "an atom without position": (
        {"atoms": [[1, "H"]]},
        'atoms, entry 1: found [1, "H"], expected [label, "symbol", [x, y, z]]',
    ),
    "a cell of two rows": (
        {"lattice_vectors": CELL[:2]},
        "lattice_vectors: found shape (2, 3), expected (3, 3).",
    ),
    "a flat cell": (
        {"lattice_vectors": [CELL[0], CELL[0], CELL[2]]},
        "are linearly dependent; the cell has no volume.",
    ),
    "crystal without a cell": (
        {"atomic_position_unit": "crystal"},
        "atomic_position_unit is 'crystal', which needs three lattice_vectors",
    ),
    "unknown coordinates": (
        {"atomic_position_unit": "polar"},
        "atomic_position_unit: found 'polar', expected 'cartesian' or 'crystal'.",
    ),
    "too few energies of atoms": (
        {"per_atom_energy": [1, 2]},
        "per_atom_energy: found shape (2,), expected (3,).",
    ),
    "a charge that is no number": (
        {"total_charge": "plus"},
        "total_charge: found 'plus', expected a number.",
    ),
}


@pytest.mark.parametrize(("changes", "message"), WRONG.values(), ids=WRONG.keys())
def test_wrong_fields_are_named_with_their_file(tmp_path, changes, message):
    path = written(tmp_path, **changes)
    with pytest.raises(InputError) as caught:
        read_example(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"atoms": [[1, "H"', "not valid JSON (Expecting"),
        ("", "not valid JSON (Expecting value: line 1 column 1"),
        ("\x00\x01", "not valid JSON"),
        ("[1, 2]", "found a JSON list, expected an object with the key 'atoms'"),
    ],
)
def test_malformed_files_are_named(tmp_path, content, message):
    path = tmp_path / "bad.example"
    path.write_text(content)
    with pytest.raises(InputError) as caught:
        read_example(path)
    assert str(caught.value).startswith(f"{path}: {message}")


@pytest.mark.parametrize("depth", [500, 100_000])
@pytest.mark.parametrize("key", ["atoms", "energy", "other", "unit_of_length"])
def test_brackets_in_brackets_are_no_traceback(tmp_path, depth, key):
    nested = "[" * depth + "]" * depth
    path = tmp_path / "deep.example"
    path.write_text(f'{{"atoms": [[1, "H", [0, 0, 0]]], "{key}": {nested}}}')
    if key == "other" and depth == 500:
        assert read_example(path).n_atoms == 1  # a key that is not used
        return
    with pytest.raises(
        InputError, match=r"deep\.example: (not valid JSON|atoms|ener|u)"
    ):
        read_example(path)


def test_a_whole_number_beyond_float64_is_named(tmp_path):
    path = tmp_path / "large.example"
    large = "1" + "0" * 400
    path.write_text(f'{{"atoms": [[1, "H", [0, 0, 0]]], "energy": [{large}, "eV"]}}')
    with pytest.raises(InputError, match=r"energy: found 10*, expected a number\."):
        read_example(path)
    path.write_text(f'{{"atoms": [[1, "H", [0, 0, {large}]]]}}')
    with pytest.raises(InputError, match="positions: not an array of numbers of shape"):
        read_example(path)


def test_bytes_that_are_no_text_are_named(tmp_path):
    path = tmp_path / "bad.example"
    path.write_bytes(b"\xff\xfe\x00{")
    with pytest.raises(InputError, match="not valid JSON"):
        read_example(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"absent\.example: there is no such file\."):
        read_example(tmp_path / "absent.example")
