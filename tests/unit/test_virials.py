"""Which components of a virial count, by rotations and by hand."""

import numpy as np
import pytest

from annpot.evaluation.virials import counted_components, stresses
from annpot.structures.stress import full_tensor

W = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])  # xx, yy, zz, yz, xz, xy
CELL = np.diag([2.0, 3.0, 5.0])


def counted(cell, pbc, virial=W):
    """Sizes of the components that count, in order of size."""
    found = counted_components(virial[None], np.array([cell]), np.array([pbc], bool))[0]
    return sorted(np.abs(found[np.isfinite(found)]))


@pytest.mark.parametrize(
    ("pbc", "expected"),
    [
        ((1, 1, 1), [1, 2, 4, 8, 16, 32]),
        ((1, 1, 0), [1, 2, 32]),
        ((1, 0, 1), [1, 4, 16]),
        ((0, 1, 1), [2, 4, 8]),
        ((0, 0, 1), [4]),
        ((0, 0, 0), []),
    ],
)
def test_directions_that_do_not_repeat_do_not_count(pbc, expected):
    found = counted(CELL * np.array(pbc)[:, None], pbc)
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_a_skewed_slab_counts_what_its_plane_does():
    cell = np.array([[2.0, 0, 0], [1.0, 3.0, 0], [0, 0, 0]])
    found = counted(cell, (1, 1, 0))
    np.testing.assert_allclose(found, [1, 2, 32], rtol=1e-14)


def test_turning_a_chain_does_not_change_what_counts():
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    turned = rotation @ full_tensor(W) @ rotation.T
    six = turned[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]
    cell = np.diag([0, 0, 5.0]) @ rotation.T
    np.testing.assert_allclose(counted(cell, (0, 0, 1), six), [4.0], rtol=1e-12)


def test_stress_is_minus_the_virial_per_volume_in_gpa():
    found = stresses(np.array([W, W]), np.array([CELL] * 2), np.eye(2, 3) > -1)
    # 30 angstrom^3; one eV/angstrom^3 is 160.2176634 GPa.
    np.testing.assert_allclose(found[0], -W / 30 * 160.2176634, rtol=1e-14)
    slab = stresses(W[None], CELL[None], np.array([[True, True, False]]))
    assert np.isnan(slab).all()
