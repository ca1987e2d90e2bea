"""Periodic structures against explicit copies, boxes of vacuum, and each other.

Tolerance 1e-11 for numbers of order 1 as in test_contracts_symmetry, and 1e-13 for each
atom of a sum.
"""

from dataclasses import replace

import numpy as np
import pytest

from reference.descriptor_cases import CASES, SKEWED, placed, scattered
from reference.small_potentials import (
    POTENTIALS,
    STRUCTURES,
    energy,
    predicted,
    repeated,
    tensor,
)

every_potential = pytest.mark.parametrize(
    "potential", POTENTIALS.values(), ids=POTENTIALS
)


def agree(found, expected, n_atoms=100):
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13 * max(n_atoms, 100))


def widths(cell):
    """Distances between opposite faces of a cell."""
    return 1 / np.linalg.norm(np.linalg.inv(cell), axis=0)


@every_potential
@pytest.mark.parametrize(
    "case", ["skewed, smaller than the cutoff", "one atom and its images"]
)
def test_a_cell_smaller_than_the_cutoff_is_a_wide_cell_with_copies(potential, case):
    """In the wide one no atom sees itself, nor two images of another."""
    small = CASES[case]
    wide = repeated(small, (4, 4, 4))
    r_cut = potential.settings.r_cut
    assert max(widths(small.cell)) < r_cut
    assert min(widths(wide.cell)) > 2 * r_cut
    one, many = predicted(potential, small), predicted(potential, wide)
    agree(many.energies, 64 * one.energies, wide.n_atoms)
    agree(many.forces, np.tile(one.forces, (64, 1)))
    agree(many.virials, 64 * one.virials, wide.n_atoms)


@every_potential
@pytest.mark.parametrize("case", ["slab", "wire"])
def test_slabs_and_wires_are_crystals_with_vacuum_between(potential, case):
    structure = STRUCTURES[case]
    vacuum = np.where(structure.pbc[:, None], structure.cell, 60.0 * np.eye(3))
    crystal = replace(structure, cell=vacuum, pbc=np.ones(3, bool))
    found, expected = predicted(potential, structure), predicted(potential, crystal)
    agree(found.energies, expected.energies)
    agree(found.forces, expected.forces)
    agree(found.virials, expected.virials)


@every_potential
@pytest.mark.parametrize(
    ("pbc", "counts"),
    [((True, True, False), (7, 7, 1)), ((True, False, False), (7, 1, 1))],
    ids=["slab", "wire"],
)
def test_the_middle_of_a_free_flake_feels_what_slab_and_wire_do(potential, pbc, counts):
    """Forces depend on atoms within twice the cutoff: their neighbours' neighbours."""
    structure = placed("CHOH", scattered("CHOH").positions, SKEWED, pbc)
    flake = repeated(structure, counts, pbc=(False,) * 3)
    q, r = np.linalg.qr(structure.cell[structure.pbc].T)
    heights = 1 / np.linalg.norm(np.linalg.inv(r), axis=1)
    spread = np.ptp(structure.positions @ q, axis=0).max()
    assert min(heights) * 4 - spread > 2 * potential.settings.r_cut
    found, expected = predicted(potential, flake), predicted(potential, structure)
    n, middle = structure.n_atoms, np.prod(counts) // 2
    agree(found.forces[middle * n : (middle + 1) * n], expected.forces)


@every_potential
def test_a_free_chain_grows_by_the_energy_of_a_cell(potential):
    """Ends do not see each other through five cells; each further cell is the bulk."""
    wire = STRUCTURES["wire"]
    chains = [repeated(wire, (n, 1, 1), pbc=(False,) * 3) for n in (7, 8)]
    shorter, longer = (energy(potential, chain) for chain in chains)
    agree(longer - shorter, energy(potential, wire))


@every_potential
def test_a_free_flake_grows_by_the_energy_of_a_cell_of_the_slab(potential):
    """E(n, m) = n m E_cell + edges + corners; their mixed difference is E_cell."""
    slab = STRUCTURES["slab"]
    e = {
        (n, m): energy(potential, repeated(slab, (n, m, 1), pbc=(False,) * 3))
        for n in (7, 8)
        for m in (7, 8)
    }
    mixed = e[8, 8] - e[7, 8] - e[8, 7] + e[7, 7]
    agree(mixed, energy(potential, slab), 4 * 64 * slab.n_atoms)


@every_potential
def test_every_choice_of_periodic_directions_is_its_own(potential):
    """Which cell vector repeats decides; relabelled vectors are the same structure."""
    found = {}
    for pbc in np.ndindex(2, 2, 2):
        periodic = np.array(pbc, bool)
        structure = placed("CHO", scattered("CHO").positions, SKEWED, periodic)
        prediction = predicted(potential, structure)
        found[pbc] = prediction.energies[0]
        turned = replace(
            structure, cell=np.roll(structure.cell, 1, 0), pbc=np.roll(structure.pbc, 1)
        )
        other = predicted(potential, turned)
        agree(other.energies, prediction.energies)
        agree(other.forces, prediction.forces)
        agree(other.virials, prediction.virials)
    differences = np.diff(sorted(found.values()))
    assert min(differences) > 1e-9


@every_potential
def test_the_cell_vector_of_an_aperiodic_direction_means_nothing(potential):
    for case in ("slab", "wire", "molecule"):
        structure = STRUCTURES[case]
        boxed = replace(
            structure,
            cell=np.where(structure.pbc[:, None], structure.cell, 3.0 * SKEWED),
        )
        found, expected = predicted(potential, boxed), predicted(potential, structure)
        agree(found.energies, expected.energies)
        agree(found.forces, expected.forces)
        agree(tensor(found.virials[0]), tensor(expected.virials[0]))
