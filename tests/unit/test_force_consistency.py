"""Forces in another unit than energies are noticed, right ones never."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from annpot.structures.force_consistency import agreement, unit_warning
from annpot.structures.readers import iter_structures
from annpot.structures.structure import Structure

DATA = Path(__file__).parents[2] / "tutorial_data"
BOHR, HARTREE, MOLE = 0.529177, 27.211386, 6.02214076e23  # angstrom, eV, 1/mol
JOULE = 1 / 1.602176634e-19  # eV
KCAL = 4184 * JOULE / MOLE  # 1 kcal/mol in eV


@pytest.fixture(scope="module")
def molecules():
    return list(iter_structures(DATA / "structures" / "train_validate.xyz"))


def times(factor, structures):
    return [replace(s, forces=s.forces * factor) for s in structures]


@pytest.mark.parametrize("name", ["train_validate", "test"])
def test_right_molecules_are_silent(name):
    assert unit_warning(iter_structures(DATA / "structures" / f"{name}.xyz")) is None


@pytest.mark.parametrize("name", ["train", "validate", "test"])
def test_right_cells_are_silent(name):
    assert unit_warning(iter_structures(DATA / "silicon" / f"{name}.xyz")) is None


@pytest.mark.parametrize(
    ("unit", "in_ev_per_angstrom"),
    [
        ("eV/bohr", 1 / BOHR),
        ("Ha/bohr", HARTREE / BOHR),
        ("Ry/bohr", HARTREE / 2 / BOHR),
        ("Ha/angstrom", HARTREE),
        ("Ry/angstrom", HARTREE / 2),
        ("kcal/mol/angstrom", KCAL),
        ("kJ/mol/angstrom", KCAL / 4.184),
        ("meV/angstrom", 1e-3),
    ],
)
def test_a_wrong_unit_is_named_with_its_factor(molecules, unit, in_ev_per_angstrom):
    message = unit_warning(times(1 / in_ev_per_angstrom, molecules))
    assert "The forces do not fit the energies: between neighbouring" in message
    assert f"They look like forces in {unit}: multiply them by " in message
    factor = float(message.split("multiply them by ")[1].split()[0])
    assert factor == pytest.approx(in_ev_per_angstrom, rel=1e-5)
    ratio = float(message.split("changes by ")[1].split()[0])
    assert ratio == pytest.approx(in_ev_per_angstrom, rel=0.02)


def test_gradients_are_told_from_forces(molecules):
    message = unit_warning(times(-1, molecules))
    assert "They look like gradients, not forces: multiply them by -1." in message
    message = unit_warning(times(-BOHR / HARTREE, molecules))
    assert "gradients, not forces, in Ha/bohr: multiply them by -51.422" in message


def test_an_unknown_factor_is_reported_without_a_guess(molecules):
    message = unit_warning(times(0.01, molecules))
    assert "changes by 100" in message
    assert message.endswith(
        "Check the units of energies (eV) and forces (eV/angstrom)."
    )


def test_small_errors_of_forces_are_not_a_unit(molecules):
    assert unit_warning(times(0.75, molecules)) is None
    assert unit_warning(times(1.4, molecules)) is None


@pytest.mark.parametrize("step", range(2, 61, 2))
def test_right_forces_are_silent_however_sparse_the_data(molecules, step):
    assert unit_warning(molecules[::step]) is None
    assert unit_warning(molecules[1::step]) is None


def test_few_pairs_do_not_tell(molecules):
    wrong = times(BOHR / HARTREE, molecules[:: len(molecules) // 9])
    assert agreement(wrong).n_pairs < 8
    assert unit_warning(wrong) is None


def test_configurations_that_are_far_apart_are_not_compared(molecules):
    """CH4 with its hydrogen atoms in another order: same energy, 1.8 angstrom off."""
    (methane,) = (s for s in molecules if s.name == "CH4_0000")
    order = np.array([0, 2, 3, 4, 1])
    moved = methane.positions[order], 0.1 * methane.forces[order]
    turned = replace(methane, positions=moved[0], forces=moved[1])
    assert agreement([methane, turned] * 20).n_pairs == 0


def test_forces_that_have_nothing_to_do_with_the_energies_do_not_tell(molecules):
    rng = np.random.default_rng(3)
    noise = [replace(s, forces=rng.normal(size=s.forces.shape)) for s in molecules]
    assert unit_warning(noise) is None


def test_missing_labels_are_passed_over(molecules):
    energies = [replace(s, forces=None) for s in molecules]
    forces = [replace(s, energy=None) for s in molecules]
    assert unit_warning([]) is None
    assert unit_warning(energies + forces) is None
    some = [s for trio in zip(energies, forces, molecules, strict=True) for s in trio]
    assert agreement(some).ratio == pytest.approx(1, abs=0.02)


def springs(n_structures, factor, seed=0):
    """Atoms on springs to their sites in a skew cell, wrapped into it.

    E = k/2 sum (u - mean u)^2 and F = -dE/du: the trapezoidal rule is exact, so that
    the ratio is 1/factor to rounding. Sites at the cell's faces make atoms cross them.
    """
    rng = np.random.default_rng(seed)
    cell = np.array([[6.0, 0, 0], [1, 5, 0], [0, 2, 7]])
    sites = np.array([[0, 0, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]) @ cell
    k = 3.0  # eV/angstrom^2
    for number in range(n_structures):
        u = rng.normal(size=(3, 3)) * 0.08
        bent = u - u.mean(axis=0)
        scaled = (sites + u) @ np.linalg.inv(cell)
        yield Structure(
            name=f"springs_{number}",
            symbols=("C", "C", "O"),
            positions=(scaled - np.floor(scaled)) @ cell,
            cell=cell,
            pbc=np.ones(3, dtype=bool),
            energy=k / 2 * (bent**2).sum() - 500.0,
            forces=-factor * k * bent,
        )


def test_atoms_that_cross_a_face_of_the_cell_are_followed():
    found = agreement(springs(200, 1.0))
    assert found.n_pairs >= 100
    assert found.ratio == pytest.approx(1, abs=1e-9)
    assert found.agreeing == pytest.approx(1, abs=1e-3)
    assert "in kcal/mol/angstrom" in unit_warning(springs(200, 1 / KCAL))


def test_cells_that_differ_are_not_compared():
    def stretched(number, structure):
        return replace(structure, cell=structure.cell * (1 + 1e-3 * number))

    different = [stretched(i, s) for i, s in enumerate(springs(50, 0.1))]
    assert agreement(different).n_pairs == 0


def test_only_the_first_structures_are_read():
    """Bounded time and memory, however many there are."""
    source = springs(10_000, 1.0)
    assert unit_warning(source) is None
    assert next(source).name == "springs_3000"
