"""Forces and virials are the slopes of the energy, in float64.

Differences of order h^4 with h = 1e-4: fifth derivatives up to 1e4 times 1e-16, and
energies of 50 eV rounded to 7e-15, divided by h. A relu network has a kink where the
input of a neuron is 0; none of these structures is within h of one.
"""

from functools import partial

import numpy as np
import pytest

from reference.descriptor_cases import CASES
from reference.small_potentials import (
    DESCRIPTORS,
    POTENTIALS,
    STRUCTURES,
    VOIGT,
    moved,
    potential_of,
    predicted,
    slope,
    strained,
    tensor,
    transformed,
)

every_potential = pytest.mark.parametrize(
    "potential", POTENTIALS.values(), ids=POTENTIALS
)
every_structure = pytest.mark.parametrize("case", STRUCTURES)
LAYERED = {"slab": 2, "wire": 1}


def agree(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=2e-8)


@every_potential
@every_structure
def test_forces_are_minus_the_slope_of_the_energy(potential, case):
    structure = STRUCTURES[case]
    expected = [
        [-slope(potential, partial(moved, structure, k, x)) for x in range(3)]
        for k in range(structure.n_atoms)
    ]
    found = predicted(potential, structure).forces
    agree(found, expected)
    assert np.abs(found).max() > 1e-3


@every_potential
@every_structure
def test_the_virial_is_minus_the_slope_by_the_strain(potential, case):
    """By one off-diagonal entry alone: W_xy and W_yx, not their sum."""
    structure = STRUCTURES[case]
    expected = [
        [-slope(potential, partial(strained, structure, x, y)) for y in range(3)]
        for x in range(3)
    ]
    found = predicted(potential, structure).virials[0]
    agree(tensor(found), expected)
    np.testing.assert_array_equal(tensor(found)[tuple(zip(*VOIGT, strict=True))], found)


@every_potential
@pytest.mark.parametrize("case", LAYERED)
def test_stretching_the_periodic_vectors_meets_the_virial_within_them(potential, case):
    """Only what a strain within the periodic directions does can be measured.

    With P the projector on the periodic vectors, the strain P e P stretches them and
    carries the atoms along; atoms keep their heights across. dE = -sum (P W P) e.
    """
    structure = STRUCTURES[case]
    strain = np.random.default_rng(4).uniform(-1, 1, (3, 3))
    strain += strain.T
    q, _ = np.linalg.qr(structure.cell[structure.pbc].T)  # columns span the vectors
    assert q.shape[1] == LAYERED[case]
    within = q @ q.T @ strain @ q @ q.T

    def stretched(x):
        return transformed(structure, np.eye(3) + x * within)

    np.testing.assert_array_equal(stretched(0.5).cell[~structure.pbc], 0.0)
    virial = tensor(predicted(potential, structure).virials[0])
    counted = q @ q.T @ virial @ q @ q.T
    agree((counted * strain).sum(), -slope(potential, stretched))
    assert abs((virial - counted) * strain).max() > 1e-4  # the rest is another number


CORNERS = [
    name
    for name in CASES
    # In a line generations 0 and 1 have no slope; at the cutoff there is no second
    # derivative, see test_contracts_cutoff.
    if name not in ("collinear", "at the cutoffs") and CASES[name].n_atoms < 5
]


@pytest.mark.parametrize("settings", DESCRIPTORS.values(), ids=DESCRIPTORS)
@pytest.mark.parametrize("case", CORNERS)
def test_slopes_of_unusual_structures(settings, case):
    """Absent species, an atom and its images, other directions of slab and chain."""
    structure, potential = CASES[case], potential_of(settings)
    found = predicted(potential, structure)
    for k in range(structure.n_atoms):
        for x in range(3):
            expected = -slope(potential, partial(moved, structure, k, x))
            agree(found.forces[k, x], expected)
    for component, (x, y) in enumerate(VOIGT):
        expected = -slope(potential, partial(strained, structure, x, y))
        agree(found.virials[0, component], expected)


@pytest.mark.parametrize("name", ["mBP generation 2", "mBP generation 3", "ANI", "BP"])
def test_a_straight_molecule_has_slopes_where_the_descriptor_is_smooth(name):
    potential, structure = potential_of(DESCRIPTORS[name]), CASES["collinear"]
    found = predicted(potential, structure)
    expected = [
        [-slope(potential, partial(moved, structure, k, x)) for x in range(3)]
        for k in range(3)
    ]
    agree(found.forces, expected)
