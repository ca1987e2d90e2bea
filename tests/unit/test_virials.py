"""Which components of a virial count, by rotations and by hand."""

import numpy as np
import pytest

from annpot.evaluation.batches import Labelled
from annpot.evaluation.results import VirialResults
from annpot.evaluation.virials import in_periodic_directions, stresses
from annpot.structures.stress import full_tensor

W = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])  # xx, yy, zz, yz, xz, xy
CELL = np.diag([2.0, 3.0, 5.0])


def inside(cell, pbc, virial=W):
    """(3, 3) part of a virial that counts."""
    found = in_periodic_directions(virial[None], np.array([cell]), np.array([pbc]) > 0)
    return found.reshape(3, 3)


@pytest.mark.parametrize(
    ("pbc", "masked"),
    [((1, 1, 1), []), ((1, 1, 0), [2]), ((0, 1, 1), [0]), ((0, 0, 1), [0, 1])],
)
def test_directions_that_do_not_repeat_do_not_count(pbc, masked):
    expected = full_tensor(W).copy()
    expected[masked, :] = expected[:, masked] = 0
    found = inside(CELL * np.array(pbc)[:, None], pbc)
    np.testing.assert_allclose(found, expected, atol=1e-13)


def test_a_skewed_slab_counts_what_its_plane_does():
    cell = np.array([[2.0, 0, 0], [1.0, 3.0, 0], [0, 0, 0]])
    expected = full_tensor(W * [1, 1, 0, 0, 0, 1])
    np.testing.assert_allclose(inside(cell, (1, 1, 0)), expected, atol=1e-13)


def test_turning_a_chain_does_not_change_what_counts():
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    turned = rotation @ full_tensor(W) @ rotation.T
    six = turned[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]
    found = inside(np.diag([0, 0, 5.0]) @ rotation.T, (0, 0, 1), six)
    along = rotation[:, 2]
    np.testing.assert_allclose(found, 4.0 * np.outer(along, along), atol=1e-12)


def test_stress_is_minus_the_virial_per_volume_in_gpa():
    found = stresses(np.array([W, W]), np.array([CELL] * 2), np.ones((2, 3), bool))
    # 30 angstrom^3; one eV/angstrom^3 is 160.2176634 GPa.
    expected = -full_tensor(W).ravel() / 30 * 160.2176634
    np.testing.assert_allclose(found[0], expected, rtol=1e-14)
    slab = stresses(W[None], CELL[None], np.array([[True, True, False]]))
    assert np.isnan(slab).all()


def test_a_slab_and_a_crystal_count_by_their_components():
    both = VirialResults(
        structures=np.arange(3),
        values=Labelled(np.array([W, W, W]), np.array([0 * W, 0 * W, np.nan * W])),
        n_atoms=np.array([2, 4, 1]),
        cells=np.array([CELL, CELL, CELL]),
        pbc=np.array([[1, 1, 1], [1, 1, 0], [1, 1, 1]]) > 0,
    )
    # Off-diagonal components twice: 9 of the crystal, 4 of the slab.
    total = (7 + 2 * 56) / 2 + (3 + 2 * 32) / 4
    squares = (21 + 2 * 1344) / 4 + (5 + 2 * 1024) / 16
    result = both.accuracy
    assert result.count == 2
    assert result.mae == pytest.approx(total / 13, rel=1e-13)
    assert result.rmse == pytest.approx((squares / 13) ** 0.5, rel=1e-13)
    stress = both.stress_accuracy
    assert stress.count == 1
    assert stress.mae == pytest.approx(119 / 9 / 30 * 160.2176634, rel=1e-13)
