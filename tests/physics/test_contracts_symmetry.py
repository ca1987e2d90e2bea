"""What energies, forces and virials must not notice, and how they must turn.

Tolerance 1e-11: coordinates moved by 20 angstrom are rounded to 4e-15, and energies of
50 eV to 7e-15; networks and descriptors of order 1 multiply that by less than 1000.
"""

from dataclasses import replace

import numpy as np
import pytest

from reference.small_potentials import (
    POTENTIALS,
    STRUCTURES,
    predicted,
    tensor,
    transformed,
)

every_potential = pytest.mark.parametrize(
    "potential", POTENTIALS.values(), ids=POTENTIALS
)
every_structure = pytest.mark.parametrize("case", STRUCTURES)


def agree(found, expected):
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11)


def rotation():
    """A proper rotation without special angles."""
    q, r = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q * np.linalg.det(q)


@every_potential
@pytest.mark.parametrize("case", ["molecule", "crystal", "slab", "wire"])
def test_equal_atoms_may_change_places(potential, case):
    """Each hydrogen at the place of the next: forces change places with them."""
    structure = STRUCTURES[case]
    order = list(range(structure.n_atoms))
    hydrogens = [k for k in order if structure.symbols[k] == "H"]
    for k, other in zip(hydrogens, hydrogens[1:] + hydrogens[:1], strict=True):
        order[k] = other
    assert len(hydrogens) > 1
    before = predicted(potential, structure)
    after = predicted(
        potential, replace(structure, positions=structure.positions[order])
    )
    agree(after.energies, before.energies)
    agree(after.forces, before.forces[order])
    agree(after.virials, before.virials)


@every_potential
@every_structure
def test_forces_follow_atoms_that_are_listed_in_another_order(potential, case):
    structure = STRUCTURES[case]
    order = np.random.default_rng(2).permutation(structure.n_atoms)
    listed = replace(
        structure,
        symbols=tuple(structure.symbols[k] for k in order),
        positions=structure.positions[order],
    )
    before, after = predicted(potential, structure), predicted(potential, listed)
    agree(after.energies, before.energies)
    agree(after.forces, before.forces[order])
    agree(after.virials, before.virials)


@every_potential
@every_structure
def test_translation_changes_nothing(potential, case):
    structure = STRUCTURES[case]
    shift = np.array([1.3, -20.1, 7.7])
    there = replace(structure, positions=structure.positions + shift)
    before, after = predicted(potential, structure), predicted(potential, there)
    agree(after.energies, before.energies)
    agree(after.forces, before.forces)
    agree(after.virials, before.virials)


@every_potential
@every_structure
@pytest.mark.parametrize(
    "turn",
    [rotation(), -np.eye(3), np.diag([1.0, -1.0, 1.0]) @ rotation()],
    ids=["rotation", "inversion", "improper rotation"],
)
def test_forces_turn_as_vectors_and_virials_as_tensors(potential, case, turn):
    """E(R r) = E(r), F(R r) = R F(r), W(R r) = R W(r) R^T."""
    structure = STRUCTURES[case]
    before = predicted(potential, structure)
    after = predicted(potential, transformed(structure, turn))
    agree(after.energies, before.energies)
    agree(after.forces, before.forces @ turn.T)
    expected = turn @ tensor(before.virials[0]) @ turn.T
    agree(tensor(after.virials[0]), expected)
    assert np.abs(before.forces).max() > 1e-3  # there was something to turn


@every_potential
@every_structure
def test_any_image_of_an_atom_may_stand_for_it(potential, case):
    """Wrapped into the cell or cells away, each atom differently."""
    structure = STRUCTURES[case]
    shifts = np.random.default_rng(1).integers(-3, 4, (structure.n_atoms, 3))
    images = replace(structure, positions=structure.positions + shifts @ structure.cell)
    before, after = predicted(potential, structure), predicted(potential, images)
    agree(after.energies, before.energies)
    agree(after.forces, before.forces)
    agree(after.virials, before.virials)


@every_potential
@every_structure
def test_forces_add_up_to_nothing(potential, case):
    forces = predicted(potential, STRUCTURES[case]).forces
    agree(forces.sum(axis=0), 0.0)


@every_potential
def test_a_free_molecule_feels_no_torque(potential):
    """And its virial is sum_k r_k (x) F_k, symmetric because there is no torque."""
    structure = STRUCTURES["molecule"]
    found = predicted(potential, structure)
    agree(np.cross(structure.positions, found.forces).sum(axis=0), 0.0)
    agree(tensor(found.virials[0]), structure.positions.T @ found.forces)
