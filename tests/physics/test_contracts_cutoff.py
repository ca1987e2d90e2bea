"""Energies and forces of atoms that cross a cutoff: no jump, no kink.

With f_c = (1 + cos(pi r / r_cut)) / 2 the contribution at a distance h inside is about
(pi h / 2 r_cut)^2, and its slope pi^2 h / (2 r_cut^2): h = 1e-6 leaves 1e-12 of an
energy and 1e-6 of a force. The second derivative jumps.
"""

import numpy as np
import pytest

from reference.descriptor_cases import placed
from reference.small_potentials import POTENTIALS, energy, predicted, tensor

every_potential = pytest.mark.parametrize(
    "potential", POTENTIALS.values(), ids=POTENTIALS
)
H = 1e-6
TURN = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]


def pair(potential, h):
    """Two atoms a distance h inside the radial cutoff."""
    return placed("CO", [[0, 0, 0], [potential.settings.r_cut_radial - h, 0, 0]] @ TURN)


def pair_in_a_triplet(potential, h):
    """C and O at the angular cutoff, H near both; angles are there with either."""
    r = potential.settings.r_cut_angular - h
    return placed("COH", [[0, 0, 0], [r, 0, 0], [1.1, 1.3, 0]] @ TURN)


def image(potential, h):
    """A chain whose atoms are at the radial cutoff from their own images."""
    stretch = np.diag([1 - h / potential.settings.r_cut_radial, 1, 1])
    cell = potential.settings.r_cut_radial * np.eye(3)
    positions = np.array([[0.1, 0.2, 0.3], [1.3, 1.0, 0.2]])
    directions = stretch @ TURN
    return placed("CH", positions @ directions, cell @ directions, (True, False, False))


def slope_by_force(potential, at):
    """dE/dr of the atom that moves away, or of the cell vector that grows."""
    found = predicted(potential, at(potential, 0.0))
    if at is image:
        along = TURN[0] @ tensor(found.virials[0]) @ TURN[0]
        return -along / potential.settings.r_cut_radial
    return -found.forces[1] @ TURN[0]


every_crossing = pytest.mark.parametrize("at", [pair, pair_in_a_triplet, image])


@every_potential
@every_crossing
def test_the_energy_is_continuous(potential, at):
    inside, there, outside = (energy(potential, at(potential, h)) for h in (H, 0.0, -H))
    # In a triplet the other distances go on changing: forces below 1 times h.
    assert inside == pytest.approx(there, rel=0, abs=H)
    assert outside == pytest.approx(there, rel=0, abs=H)
    # What a cutoff function that jumps to 0 a little earlier would do.
    assert abs(energy(potential, at(potential, 0.3)) - there) > 5 * H


@every_potential
@every_crossing
def test_forces_and_virials_are_continuous(potential, at):
    """The slope of the energy, by which molecular dynamics crosses the cutoff."""
    inside, there, outside = (
        predicted(potential, at(potential, h)) for h in (H, 0.0, -H)
    )
    for found in (inside, outside):
        # Second derivatives below 1 times h; for the virial times distances.
        np.testing.assert_allclose(found.forces, there.forces, rtol=0, atol=H)
        np.testing.assert_allclose(found.virials, there.virials, rtol=0, atol=5 * H)
    further = predicted(potential, at(potential, 0.3))
    assert abs(further.forces - there.forces).max() > 50 * H


@every_potential
@every_crossing
def test_the_slope_from_either_side_is_the_force(potential, at):
    """One-sided differences of second order, which never look across the cutoff."""
    h = 1e-4
    for side in (1, -1):
        e = [energy(potential, at(potential, side * k * h)) for k in range(3)]
        # The distance shrinks by what `at` puts inside.
        slope = -side * (-3 * e[0] + 4 * e[1] - e[2]) / (2 * h)
        # Third derivatives of order 100 times h^2 / 3.
        assert slope == pytest.approx(slope_by_force(potential, at), rel=0, abs=2e-6)


@every_potential
def test_a_pair_beyond_the_cutoff_does_not_see_itself(potential):
    for h in (0.0, -1e-9, -1.0):
        found = predicted(potential, pair(potential, h))
        assert not found.forces.any()
        assert not found.virials.any()
