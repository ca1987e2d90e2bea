"""Stress and virial of structures: signs, units, order, sources, wrong input."""

import json
from collections import Counter

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write as write_ase

from annpot.errors import InputError
from annpot.structures.example_json import read_example, write_example
from annpot.structures.readers import from_ase, iter_structures
from annpot.structures.stress import (
    full_tensor,
    six_components,
    stress_unit,
    virial_of_stress,
)
from annpot.structures.structure_hash import structure_hash

ORDER = [(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]
STRESS = np.array([0.01, -0.02, 0.03, 0.004, -0.005, 0.006])  # eV/angstrom^3
CELL = [[4.0, 0.0, 0.0], [1.0, 5.0, 0.0], [0.0, 0.5, 6.0]]  # 120 angstrom^3


def strained_copper():
    """A sheared, compressed and rattled cell of copper."""
    atoms = bulk("Cu", "fcc", a=3.5, cubic=True)
    atoms.set_cell(atoms.cell @ np.array([[1, 0, 0], [0.05, 1, 0], [0, 0.02, 1.03]]))
    atoms.rattle(0.1, seed=3)
    atoms.calc = EMT()
    return atoms


def energy_of_strain(atoms, strain):
    """Energy after r -> (1 + strain) r, eV."""
    moved = atoms.copy()
    moved.set_cell(atoms.cell @ (np.eye(3) + strain).T, scale_atoms=True)
    moved.calc = EMT()
    return moved.get_potential_energy()


def test_the_virial_is_minus_the_derivative_of_the_energy_by_strain():
    atoms = strained_copper()
    atoms.get_potential_energy(), atoms.get_stress()
    virial = from_ase(atoms, "copper", "here").virial
    step = 1e-5  # error of the central difference about 1e-8 eV
    for component, (row, column) in enumerate(ORDER):
        strain = np.zeros((3, 3))
        strain[row, column] += step / 2
        strain[column, row] += step / 2
        difference = energy_of_strain(atoms, strain) - energy_of_strain(atoms, -strain)
        assert virial[component] == pytest.approx(-difference / (2 * step), abs=1e-5)


def test_a_compressed_crystal_wants_to_expand():
    atoms = bulk("Cu", "fcc", a=3.3, cubic=True)
    atoms.calc = EMT()
    atoms.get_potential_energy(), atoms.get_stress()
    assert from_ase(atoms, "copper", "here").virial[:3].min() > 1  # eV


def test_the_order_of_the_six_components_is_that_of_voigt():
    tensor = np.array([[1.0, 6, 5], [6, 2, 4], [5, 4, 3]])
    assert six_components(tensor).tolist() == [1, 2, 3, 4, 5, 6]
    assert six_components(tensor.ravel()).tolist() == [1, 2, 3, 4, 5, 6]
    np.testing.assert_array_equal(full_tensor([1.0, 2, 3, 4, 5, 6]), tensor)
    assert full_tensor(np.ones((7, 6))).shape == (7, 3, 3)


@pytest.mark.parametrize(
    ("unit", "in_gpa"),
    [
        ("eV/angstrom^3", 160.2176634),  # exact in the SI
        ("GPa", 1.0),
        ("kbar", 0.1),
        ("Ha/bohr^3", 29421.0157),  # CODATA: atomic unit of pressure, Pa
        ("Ry/bohr^3", 29421.0157 / 2),
        ("eV/A**3", 160.2176634),
        ("KBAR", 0.1),
    ],
)
def test_units_of_stress(unit, in_gpa):
    assert stress_unit(unit) * 160.2176634 == pytest.approx(in_gpa, rel=1e-7)


def example(folder, **changes):
    content = {
        "atoms": [[1, "H", [0, 0, 0]], [2, "H", [1, 1, 1]]],
        "unit_of_length": "angstrom",
        "lattice_vectors": CELL,
        "energy": [-1.0, "eV"],
    }
    path = folder / "h.example"
    path.write_text(json.dumps(content | changes))
    return path


def test_an_example_states_unit_and_sign_of_its_stress(tmp_path):
    expected = -120 * STRESS  # eV
    told = {"stress_unit": "eV/angstrom^3", "stress_sign": "tension"}
    read = read_example(example(tmp_path, stress=STRESS.tolist(), **told))
    np.testing.assert_allclose(read.virial, expected, rtol=1e-14)
    told = {"stress_unit": "kbar", "stress_sign": "compression"}
    in_kbar = (-1602.176634 * full_tensor(STRESS)).tolist()
    read = read_example(example(tmp_path, stress=in_kbar, **told))
    np.testing.assert_allclose(read.virial, expected, rtol=1e-14)


def test_a_stress_without_unit_and_sign_is_that_of_quantum_espresso(tmp_path):
    # pw.x prints "P= 147.11" kbar for 0.001 Ry/bohr**3 on the diagonal: 147.105
    # kbar are a compressed cell, that is W = + P V
    counted = Counter()
    path = example(tmp_path, stress=np.diag([1e-3] * 3).tolist())
    read = read_example(path, assumptions=counted)
    pressure = 147.105078 / 1602.176634  # eV/angstrom^3
    np.testing.assert_allclose(read.virial[:3], pressure * 120, rtol=1e-7)
    assert list(counted) == [
        "the stress has neither stress_unit nor stress_sign: Ry/bohr^3 with positive "
        "compression was assumed, as Quantum ESPRESSO prints it"
    ]


def test_a_virial_has_the_unit_of_the_energy_and_is_written_exactly(tmp_path):
    path = example(tmp_path, virial=[1, 2, 3, 4, 5, 6], energy=[-1, "Ha"])
    read = read_example(path)
    np.testing.assert_allclose(read.virial, 27.211386245981 * np.arange(1, 7))
    write_example(tmp_path / "again.example", read)
    again = read_example(tmp_path / "again.example")
    assert again.virial.tobytes() == read.virial.tobytes()


@pytest.mark.parametrize("sign", [1, -1])
def test_stress_and_virial_have_to_agree(tmp_path, sign):
    told = {"stress_unit": "eV/angstrom^3", "stress_sign": "tension"}
    virial = (-120 * sign * STRESS).tolist()
    path = example(tmp_path, stress=STRESS.tolist(), virial=virial, **told)
    if sign == 1:
        assert read_example(path).virial.tolist() == virial
        return
    with pytest.raises(InputError, match=r"h.example: virial = 1.2, -2.4, .* eV, but "):
        read_example(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"stress_unit": "psi", "stress_sign": "tension"},
            "stress: unknown stress unit 'psi'",
        ),
        ({"stress_unit": "GPa", "stress_sign": "plus"}, "stress: unknown sign 'plus'"),
        ({"stress_unit": "GPa"}, "stress_sign is missing. Programs differ in it; give"),
        ({"stress_sign": "tension"}, "stress_unit is missing. Programs differ in it"),
        ({"stress": [-20.5] + [0] * 5}, r"stress: found 20\.5 without stress_unit and"),
        ({"stress": [1, 2]}, r"stress: \[1, 2\]: expected six finite numbers"),
        ({"virial": [np.nan] * 6}, "virial: .*: expected six finite numbers"),
        (
            {"virial": [[1, 2, 3], [0, 1, 0], [0, 0, 1]]},
            "virial: .* the tensor is not symmetric",
        ),
    ],
)
def test_wrong_labels_are_named(tmp_path, changes, message):
    path = example(tmp_path, **{"stress": STRESS.tolist()} | changes)
    with pytest.raises(InputError, match=f"h.example: {message}"):
        read_example(path)


def test_a_stress_needs_three_periodic_directions(tmp_path):
    told = {"stress_unit": "GPa", "stress_sign": "tension", "stress": [1.0] * 6}
    slab = [CELL[0], CELL[1], [0, 0, 0]]
    counted = Counter()
    path = example(tmp_path, lattice_vectors=slab, **told)
    assert read_example(path, assumptions=counted).virial is None
    assert [text.split(":")[0] for text in counted] == ["the stress was not used"]
    path = example(tmp_path, lattice_vectors=slab, virial=[1.0] * 6)
    assert read_example(path).virial.tolist() == [1.0] * 6
    path = example(tmp_path, lattice_vectors=[], virial=[1.0] * 6)
    assert read_example(path, assumptions=counted).virial is None
    assert "the virial was not used: nothing repeats" in counted


def crystal(**results):
    atoms = bulk("Cu", "fcc", a=3.6, cubic=True)
    atoms.calc = SinglePointCalculator(atoms, energy=-1.0, **results)
    return atoms


def test_extended_xyz_keeps_stress_and_virial(tmp_path):
    path = tmp_path / "set.xyz"
    frames = [crystal(stress=STRESS), crystal(), crystal()]
    expected = virial_of_stress(STRESS, frames[0].cell.array)
    frames[1].info["virial"] = full_tensor(expected)
    write_ase(path, frames, format="extxyz")
    first, second, third = iter_structures(path)
    np.testing.assert_allclose(first.virial, -(3.6**3) * STRESS, rtol=1e-7)
    np.testing.assert_allclose(second.virial, expected, rtol=1e-7)
    assert third.virial is None


def test_a_contradiction_in_a_frame_is_named():
    atoms = crystal(stress=STRESS)
    atoms.info["virial"] = full_tensor(3.6**3 * STRESS)  # the sign of another program
    with pytest.raises(InputError, match=r"frame 7: virial = .*: expected the same"):
        from_ase(atoms, "copper", "set.xyz: frame 7")


@pytest.mark.parametrize("key", ["stress", "virial"])
def test_a_label_that_is_no_number_is_named(key):
    atoms = crystal()
    atoms.info[key] = np.array([1, 2, 3, np.nan, 5, 6])
    with pytest.raises(InputError, match=rf"here: {key} = \[.*nan.*: expected six"):
        from_ase(atoms, "copper", "here")


def test_an_empty_stress_is_none(tmp_path):
    assert read_example(example(tmp_path, stress=[])).virial is None


def test_a_flat_cell_is_refused():
    atoms = crystal()
    atoms.set_cell([[1, 0, 0], [2, 0, 0], [0, 0, 3]])
    with pytest.raises(InputError, match=r"here: the periodic cell vectors .* volume"):
        from_ase(atoms, "copper", "here")


def test_another_virial_changes_the_hash_where_it_is_stored(tmp_path):
    one = read_example(example(tmp_path, virial=[1.0] * 6))
    other = read_example(example(tmp_path, virial=[2.0] * 6))
    without = read_example(example(tmp_path))
    plain = {structure_hash(s, False) for s in (one, other, without)}
    stored = {structure_hash(s, False, with_virial=True) for s in (one, other, without)}
    assert len(plain) == 1
    assert len(stored) == 3
