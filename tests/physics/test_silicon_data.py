"""The periodic silicon data: derivatives of one energy, read as they were written."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.tersoff import Tersoff
from ase.io import read

from annpot.structures.readers import iter_structures

FOLDER = Path(__file__).parents[2] / "tutorial_data" / "silicon"
SUBSETS = ("train", "validate", "test")
H = 1e-4  # angstrom or strain
# Truncation at H, per atom: 1e-7 for third derivatives of 100 eV/angstrom^3.
TOLERANCE = 1e-6
CELLS = (
    "isotropic",
    "uniaxial",
    "triclinic",
    "rattled",
    "vacancy",
    "primitive",
    "double",
)
OPEN = ("slab", "wire")


@pytest.fixture(scope="module")
def potential():
    """Function from ase.Atoms to the energy, eV, of the shipped potential."""
    sys.path.insert(0, str(FOLDER))
    try:
        from tersoff_silicon import calculator
    finally:
        sys.path.remove(str(FOLDER))
    assert isinstance(calculator(), Tersoff)

    def energy(atoms):
        atoms = atoms.copy()
        atoms.calc = calculator()
        return atoms.get_potential_energy()

    return energy


@pytest.fixture(scope="module")
def frames():
    """{name: ase.Atoms} of all three files."""
    every = [a for subset in SUBSETS for a in read(FOLDER / f"{subset}.xyz", ":")]
    named = {atoms.info["name"]: atoms for atoms in every}
    assert len(named) == len(every)
    return named


def strained(atoms, i, j, size):
    """Atoms after r -> (1 + e) r with the symmetric strain e_ij = e_ji = size / 2 or,
    on the diagonal, size."""
    strain = np.zeros((3, 3))
    strain[i, j] += size / 2
    strain[j, i] += size / 2
    atoms = atoms.copy()
    atoms.set_cell(atoms.cell @ (np.eye(3) + strain), scale_atoms=True)
    return atoms


def moved(atoms, number, axis, distance):
    atoms = atoms.copy()
    atoms.positions[number, axis] += distance
    return atoms


def slope(energy, atoms, change, *where):
    """Central difference of the energy."""
    up, down = (energy(change(atoms, *where, sign * H)) for sign in (1, -1))
    return (up - down) / (2 * H)


@pytest.mark.parametrize("kind", CELLS + OPEN)
def test_forces_are_minus_the_slope_of_the_energy(kind, frames, potential):
    atoms = frames[f"{kind}_003"]
    forces = [
        [-slope(potential, atoms, moved, number, axis) for axis in range(3)]
        for number in range(len(atoms))
    ]
    np.testing.assert_allclose(atoms.get_forces(), forces, atol=TOLERANCE)


@pytest.mark.parametrize("kind", CELLS)
def test_stress_is_the_slope_by_strain_per_volume(kind, frames, potential):
    """An off-diagonal strain counts twice in dE and once in each stress component."""
    atoms = frames[f"{kind}_003"]
    order = [(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]
    slopes = [slope(potential, atoms, strained, *where) for where in order]
    stress = np.array(slopes) / atoms.get_volume()
    tolerance = TOLERANCE * len(atoms) / atoms.get_volume()
    np.testing.assert_allclose(atoms.get_stress(), stress, atol=tolerance)


def test_energies_are_those_of_the_shipped_potential(frames, potential):
    for name in list(frames)[::7]:
        energy = frames[name].get_potential_energy()
        assert energy == pytest.approx(potential(frames[name]), abs=1e-9), name


def test_crystal_has_the_published_lattice_constant_and_energy(potential):
    """Tersoff (1988): 5.432 angstrom, 4.63 eV/atom; a misread parameter would show."""
    lengths = np.linspace(5.40, 5.46, 7)
    energies = [potential(bulk("Si", a=a)) / 2 for a in lengths]
    curve = np.polynomial.Polynomial.fit(lengths, energies, 3)
    (minimum,) = (r.real for r in curve.deriv().roots() if 5.4 < r.real < 5.46)
    assert minimum == pytest.approx(5.432, abs=5e-4)
    assert curve(minimum) == pytest.approx(-4.63, abs=5e-3)


def test_crystal_has_the_published_elastic_constants(potential):
    """Tersoff (1988): C11 = 1.43, C12 = 0.75 Mbar."""
    crystal = bulk("Si", a=5.432)
    size = 2e-3

    def curvature(change):
        ends = sum(potential(change(sign * size)) for sign in (1, -1))
        return (ends - 2 * potential(crystal)) / size**2 / crystal.get_volume()

    def two_axes(e):
        return strained(strained(crystal, 0, 0, e), 1, 1, e)

    mbar = 1.6021766  # eV/angstrom^3
    c11 = curvature(lambda e: strained(crystal, 0, 0, e)) * mbar
    c12 = curvature(two_axes) * mbar / 2 - c11
    assert (c11, c12) == (pytest.approx(1.43, abs=0.01), pytest.approx(0.75, abs=0.01))


def test_annpot_reads_what_was_written(frames):
    """Virial -V sigma in eV; no label where a direction is not periodic."""
    structures = [s for x in SUBSETS for s in iter_structures(FOLDER / f"{x}.xyz")]
    assert {s.name for s in structures} == set(frames)
    for structure in structures:
        atoms = frames[structure.name]
        assert structure.energy == atoms.get_potential_energy()
        np.testing.assert_array_equal(structure.pbc, atoms.pbc)
        np.testing.assert_allclose(structure.forces, atoms.get_forces(), rtol=1e-15)
        if atoms.pbc.all():
            virial = -atoms.get_volume() * atoms.get_stress()
            np.testing.assert_allclose(structure.virial, virial, rtol=1e-12, atol=1e-9)
        else:
            assert structure.virial is None


def test_the_script_makes_the_shipped_files_again(tmp_path):
    """To 1e-7: another processor may round the last digits otherwise."""
    command = [sys.executable, FOLDER / "generate.py", "--output", tmp_path]
    subprocess.run(command, check=True)
    for subset in SUBSETS:
        made, shipped = (read(x / f"{subset}.xyz", ":") for x in (tmp_path, FOLDER))
        assert [a.info["name"] for a in made] == [a.info["name"] for a in shipped]
        for a, b in zip(made, shipped, strict=True):
            np.testing.assert_array_equal(a.positions, b.positions)
            np.testing.assert_array_equal(a.cell, b.cell)
            np.testing.assert_allclose(a.get_forces(), b.get_forces(), atol=1e-7)
    made, shipped = (table_lines(x / "README.md") for x in (tmp_path, FOLDER))
    assert made == shipped


def table_lines(path):
    """What the README says in tables; the version of ASE stands in its text."""
    return [line for line in path.read_text().splitlines() if line.startswith("|")]


def test_the_data_stay_small():
    assert sum(path.stat().st_size for path in FOLDER.glob("*.xyz")) < 1e6
