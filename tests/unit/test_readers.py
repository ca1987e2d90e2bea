"""Structures from folders of `.example` and from files that ASE reads."""

import json
import subprocess
import sys

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write as write_ase

from annpot.errors import InputError
from annpot.structures.readers import from_ase, iter_structures, n_structures

POSITIONS = [[0.0, 0.0, 0.0], [0.0, 0.0, 0.96], [0.93, 0.0, -0.24]]
FORCES = np.arange(9.0).reshape(3, 3) - 4


def water(energy=-2081.5, name=None, **keywords):
    atoms = Atoms("OHH", POSITIONS, **keywords)
    atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=FORCES)
    if name is not None:
        atoms.info["name"] = name
    return atoms


def example(folder, name, energy=-1.0):
    content = {
        "atoms": [[1, "H", [0, 0, 0]]],
        "unit_of_length": "angstrom",
        "energy": [energy, "eV"],
    }
    (folder / name).write_text(json.dumps(content))


def test_a_folder_comes_in_the_order_of_its_names(tmp_path):
    for name in ("b.example", "a.example", "c.example", "ignored.txt"):
        example(tmp_path, name)
    assert [s.name for s in iter_structures(tmp_path)] == ["a", "b", "c"]
    assert n_structures(tmp_path) == 3
    assert [s.name for s in iter_structures(tmp_path / "b.example")] == ["b"]


def test_a_long_name_is_told_with_its_frame(tmp_path):
    path = tmp_path / "set.xyz"
    write_ase(path, [water(name="a"), water(name="b" * 300)], format="extxyz")
    with pytest.raises(InputError) as caught:
        list(iter_structures(path))
    assert str(caught.value) == (
        f"{path}: frame 2: its name has 300 bytes ({'b' * 40}...), expected at most "
        "200, as files are named after it. Shorten the name."
    )


def test_a_long_file_name_is_told(tmp_path):
    example(tmp_path, f"{'c' * 240}.example")
    with pytest.raises(InputError, match=r"its name has 240 bytes .*Shorten the name"):
        list(iter_structures(tmp_path))


def test_extended_xyz_keeps_energy_forces_cell_and_name(tmp_path):
    path = tmp_path / "set.xyz"
    frames = [
        water(name="first"),
        water(energy=-2080.25, cell=[4, 5, 6], pbc=[True, False, True]),
    ]
    write_ase(path, frames, format="extxyz")
    first, second = iter_structures(path)
    assert (first.name, second.name) == ("first", "set_2")
    assert first.symbols == ("O", "H", "H")
    assert (first.energy, second.energy) == (-2081.5, -2080.25)
    np.testing.assert_array_equal(first.positions, POSITIONS)
    np.testing.assert_array_equal(first.forces, FORCES)
    assert second.pbc.tolist() == [True, False, True]
    np.testing.assert_array_equal(second.cell, np.diag([4.0, 5.0, 6.0]))
    assert not first.pbc.any()


def test_energy_and_forces_may_be_plain_arrays():
    atoms = Atoms("OHH", POSITIONS)
    atoms.info["energy"] = -7.5
    atoms.arrays["forces"] = FORCES
    read = from_ase(atoms, "water", "here")
    assert read.energy == -7.5
    np.testing.assert_array_equal(read.forces, FORCES)
    assert from_ase(Atoms("H", [[0, 0, 0]]), "h", "here").energy is None


def test_other_formats_of_ase_are_read(tmp_path):
    path = tmp_path / "set.traj"
    write_ase(path, [water(), water(energy=-3.0)])
    assert [s.energy for s in iter_structures(path)] == [-2081.5, -3.0]


def test_examples_are_read_without_ase(tmp_path):
    example(tmp_path, "a.example")
    script = (
        "import sys; from annpot.structures.readers import iter_structures; "
        f"print(len(list(iter_structures({str(tmp_path)!r}))), 'ase' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True
    )
    assert done.stdout.split() == ["1", "False"], done.stderr


def raises(path, message):
    with pytest.raises(InputError) as caught:
        list(iter_structures(path))
    assert message in str(caught.value)


def test_a_missing_folder_is_named(tmp_path):
    raises(tmp_path / "absent", "absent: no such folder or file. Give a folder of")


def test_an_empty_folder_is_named(tmp_path):
    raises(tmp_path, f"{tmp_path}: no .example file in this folder. Check the path")


def test_an_unknown_format_is_named(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("nothing of interest\n")
    raises(path, "notes.txt: frame 1 cannot be read by ASE (")


def test_a_frame_cut_short_is_named(tmp_path):
    path = tmp_path / "set.xyz"
    write_ase(path, [water(), water()], format="extxyz")
    path.write_text("\n".join(path.read_text().splitlines()[:-1]))
    raises(path, "set.xyz: frame")


def test_an_empty_file_is_named(tmp_path):
    path = tmp_path / "set.xyz"
    path.write_text("")
    raises(path, "set.xyz: ")


def test_two_structures_of_one_name_are_refused(tmp_path):
    path = tmp_path / "set.xyz"
    write_ase(path, [water(name="same"), water(name="same")], format="extxyz")
    raises(path, "set.xyz: two structures are called 'same'; their files would")


@pytest.mark.parametrize("name", ["a/b", ".hidden"])
def test_a_name_that_cannot_be_a_file_is_refused(tmp_path, name):
    path = tmp_path / "set.xyz"
    write_ase(path, [water(name=name)], format="extxyz")
    raises(path, f"frame 1: the name {name!r} cannot be the name of a file")


def test_a_periodic_direction_needs_a_cell_vector():
    atoms = water(pbc=[False, False, True])
    with pytest.raises(InputError, match=r"here: pbc = .*has no cell vector"):
        from_ase(atoms, "water", "here")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda a: a.calc.results.update(energy=np.nan),
            "energy = nan: expected finite",
        ),
        (lambda a: a.arrays["positions"].fill(np.inf), "positions = .*expected finite"),
        (
            lambda a: a.calc.results.update(forces=np.zeros((2, 3))),
            r"forces = .*expected finite numbers of shape \(3, 3\)",
        ),
        (
            lambda a: a.calc.results["forces"].__setitem__(1, np.nan),
            r"the force on atom 2 is \[nan, nan, nan\], expected three finite "
            "numbers. Give the forces on all atoms, or on none.",
        ),
        (lambda a: a.info.update(charge="plus"), "charge = plus: expected finite"),
    ],
)
def test_wrong_values_are_named(spoil, message):
    atoms = water()
    spoil(atoms)
    with pytest.raises(InputError, match=f"(?s)set.xyz: frame 4: {message}"):
        from_ase(atoms, "water", "set.xyz: frame 4")


def test_a_dummy_atom_is_refused():
    with pytest.raises(
        InputError, match="here: no atoms, or an atom that is no chemical"
    ):
        from_ase(Atoms("X", [[0, 0, 0]]), "x", "here")
