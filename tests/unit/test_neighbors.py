"""Neighbour lists against a loop over images, and what they refuse."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from annpot import neighbors
from annpot.errors import InputError
from annpot.neighbors import neighbor_list
from annpot.structures.batch import structure_batch
from annpot.structures.structure import Structure
from reference.numpy_symmetry_functions import neighbors_of

R_CUT = 4.6
SKEWED = np.array([[3.0, 0.4, 0.0], [-1.1, 3.4, 0.3], [0.5, 1.2, 2.8]])
PERIODICITIES = [
    (a, b, c) for a in (True, False) for b in (True, False) for c in (True, False)
]


def structure(n_atoms, cell, pbc, seed=1):
    """Random atoms, many of them outside the cell, and the cell."""
    rng = np.random.default_rng(seed)
    cell = np.where(np.array(pbc)[:, None], cell, 0.0)
    grid = np.indices((3, 3, 3)).reshape(3, -1).T[:n_atoms] * 0.9
    outside = rng.integers(-2, 3, (n_atoms, 3)) @ cell
    positions = grid + rng.uniform(0, 0.4, (n_atoms, 3)) + outside
    return Structure("cell", ("H",) * n_atoms, positions, cell, np.array(pbc))


def found(structures, r_cut=R_CUT):
    return neighbor_list(structure_batch(structures, ("H", "O")), r_cut)


def assert_same_pairs(pairs, one, offset=0):
    """Same neighbours and vectors as the loop over images, in any order of images."""
    for i in range(one.n_atoms):
        expected = neighbors_of(i, one.positions, one.cell, one.pbc, R_CUT)
        inside = slice(*pairs.first[offset + i : offset + i + 2])
        got = list(zip(pairs.j[inside] - offset, pairs.vectors[inside], strict=True))
        assert len(got) == len(expected)
        order = [
            sorted(g, key=lambda p: (p[0], *p[1].round(6))) for g in (got, expected)
        ]
        for (j, vector), (j_expected, vector_expected) in zip(*order, strict=True):
            assert j == j_expected
            # Rounding of coordinates up to 20 angstrom.
            np.testing.assert_allclose(vector, vector_expected, rtol=0, atol=2e-14)


@pytest.mark.parametrize("pbc", PERIODICITIES)
@pytest.mark.parametrize("scale", [0.6, 1.0, 3.0])
def test_every_periodicity_of_a_skewed_cell(pbc, scale):
    """Cells below the cutoff included, where atoms neighbour their own images."""
    one = structure(6, SKEWED * scale, pbc)
    assert_same_pairs(found([one]), one)


def test_an_atom_neighbours_its_own_images():
    one = Structure("He", ("H",), np.zeros((1, 3)), np.eye(3) * 4.0, np.ones(3, bool))
    pairs = found([one])
    assert len(pairs.j) == 6
    np.testing.assert_array_equal(pairs.distances, np.full(6, 4.0))
    np.testing.assert_array_equal(pairs.first, [0, 6])


def test_both_searches_agree_on_an_isolated_structure(monkeypatch):
    one = structure(20, SKEWED, (False, False, False))
    compared = found([one])
    monkeypatch.setattr(neighbors, "ALL_PAIRS_LIMIT", 5)
    listed = found([one])
    np.testing.assert_array_equal(compared.j, listed.j)
    np.testing.assert_array_equal(compared.first, listed.first)
    np.testing.assert_allclose(compared.vectors, listed.vectors, rtol=0, atol=2e-14)


def test_structures_of_a_batch_do_not_see_each_other():
    mixed = [
        structure(3, SKEWED, (False,) * 3, seed=1),
        structure(4, SKEWED, (True, True, False), seed=2),
        structure(0, SKEWED, (False,) * 3),
        structure(5, SKEWED, (False,) * 3, seed=3),
        structure(2, SKEWED, (True,) * 3, seed=4),
    ]
    pairs = found(mixed)
    offset = 0
    for one in mixed:
        assert_same_pairs(pairs, one, offset)
        offset += one.n_atoms
    assert pairs.first[-1] == len(pairs.i)
    np.testing.assert_array_equal(
        pairs.i, np.repeat(np.arange(14), np.diff(pairs.first))
    )


def test_pairs_come_sorted_from_any_thread():
    structures = [structure(12, SKEWED * 2, (True,) * 3, seed=k) for k in range(6)]
    alone = [found([one]) for one in structures]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda one: found([one]), structures))
    for a, b in zip(alone, together, strict=True):
        assert (np.diff(a.i) >= 0).all()
        assert (np.diff(a.j)[np.diff(a.i) == 0] >= 0).all()
        for name in ("i", "j", "vectors", "distances"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def test_a_distance_of_exactly_the_cutoff_is_outside():
    positions = np.array([[0.0, 0, 0], [R_CUT, 0, 0]])
    pair = Structure("pair", ("H", "H"), positions)
    assert len(found([pair]).j) == 0
    assert len(found([pair], np.nextafter(R_CUT, 5)).j) == 2


def test_no_structures_and_lone_atoms_have_no_pairs():
    assert len(found([]).first) == 1
    lone = Structure("lone", ("O",), np.array([[1.0, 2.0, 3.0]]))
    pairs = found([lone])
    assert pairs.vectors.shape == (0, 3)
    np.testing.assert_array_equal(pairs.first, [0, 0])


@pytest.mark.parametrize(
    ("cell", "pbc"),
    [
        (np.zeros((3, 3)), (True, True, True)),
        (np.array([[3.0, 0, 0], [6.0, 0, 0], [0, 0, 3.0]]), (True, True, True)),
        (np.array([[3.0, 0, 0], [3.0, 0, 0], [0, 0, 3.0]]), (True, True, False)),
    ],
)
def test_a_periodic_cell_without_volume_is_refused(cell, pbc):
    flat = Structure("slab_7", ("H",), np.zeros((1, 3)), cell, np.array(pbc))
    with pytest.raises(
        InputError, match="slab_7: periodic along cell vector 1, 2"
    ) as e:
        found([flat])
    assert "has no volume. Expected independent vectors" in str(e.value)


def test_a_flat_cell_that_is_not_periodic_is_fine():
    cell = np.array([[3.0, 0, 0], [3.0, 0, 0], [0, 0, 0]])
    one = Structure(
        "row", ("H",), np.zeros((1, 3)), cell, np.array([True, False, False])
    )
    assert len(found([one]).j) == 2


def test_two_atoms_at_one_place_are_refused_with_their_names():
    positions = np.array([[0.0, 0, 0], [2.0, 0, 0], [2.0, 0, 0]])
    good = Structure("good", ("H", "O"), positions[:2])
    bad = Structure("bad", ("H", "O", "H"), positions)
    image = Structure(
        "image", ("H", "O"), positions[:2], np.eye(3) * 2, np.ones(3, bool)
    )
    with pytest.raises(InputError) as caught:
        found([good, bad, good, image])
    text = str(caught.value)
    assert "bad: atoms 2 (O) and 3 (H), counted from 1, are at the same place" in text
    assert "image: atoms 1 (H) and 2 (O), counted from 1, are at the same" in text
    assert "good" not in text


def test_coordinates_that_are_not_numbers_are_refused():
    positions = np.array([[0.0, 0, 0], [np.nan, 0, 0]])
    nan = Structure("nan", ("H", "O"), positions)
    cell = Structure("inf", ("H",), positions[:1], np.full((3, 3), np.inf))
    with pytest.raises(InputError) as caught:
        found([nan, cell])
    text = str(caught.value)
    assert "nan: the position of atom 2 (O) is not a number, expected three" in text
    assert "inf: the cell holds a value that is not a number, expected three" in text


def test_an_unknown_element_is_refused_with_the_known_ones():
    silane = Structure("silane", ("Si", "H"), np.eye(3)[:2])
    with pytest.raises(
        InputError, match="silane: element Si found, expected only H, O"
    ):
        found([silane])
