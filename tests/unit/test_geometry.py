"""Neighbours of padded batches, against pairs and triplets counted one by one."""

from itertools import combinations, product

import numpy as np
import pytest

from annpot.data.structure_set import read_structure_set
from annpot.structures.stress import periodic_projectors
from annpot.training.forms.force_data import ComputedData
from annpot.training.forms.neighbor_store import NeighborStore
from reference.small_structures import SPECIES, settings, small_structures
from reference.training_forms import targets_of

STRUCTURES = small_structures(6)
ORDER = np.array([[4, 1, 1], [0, 5, 3], [2, 3, 1]])  # one structure twice in a batch
PAIR_TYPES = {(0, 0): 0, (0, 1): 1, (1, 1): 2}


def nothing(_):
    """Progress that is not shown."""


@pytest.fixture(params=[1, 4], ids=["single triplets", "blocks of four"])
def data(request, tmp_path):
    structures = read_structure_set(STRUCTURES, SPECIES, nothing)
    chosen = settings()
    store = NeighborStore(
        structures, chosen, request.param, np.float64, 1e9, tmp_path, nothing
    )
    return ComputedData(
        targets_of(structures), structures.element_counts, True, store, chosen,
        (None, None), np.float64,
    )  # fmt: skip


def places_of(records, capacities):
    """{(number in the batch, atom): place}: element by element, in order."""
    places = {}
    start = 0
    for element, capacity in enumerate(capacities):
        following = start
        for s, record in enumerate(records):
            for atom, symbol in enumerate(STRUCTURES[record].symbols):
                if SPECIES.index(symbol) == element:
                    places[s, atom] = following
                    following += 1
        assert following <= start + capacity
        start += capacity
    return places


def neighbours(structure, cutoff):
    """[(i, j, r_j + image - r_i)] closer than a cutoff, all images tried."""
    reach = [range(-4, 5) if repeats else (0,) for repeats in structure.pbc]
    found = []
    for shift in product(*reach):
        image = np.array(shift) @ structure.cell
        for i, j in product(range(structure.n_atoms), repeat=2):
            d = structure.positions[j] + image - structure.positions[i]
            if 0 < np.linalg.norm(d) < cutoff:
                found.append((i, j, d))
    return found


def rounded(vector):
    return tuple(np.round(vector, 9) + 0.0)


def expected_pairs(records, places):
    return sorted(
        (
            places[s, i],
            places[s, j],
            SPECIES.index(STRUCTURES[r].symbols[j]),
            rounded(d),
        )
        for s, r in enumerate(records)
        for i, j, d in neighbours(STRUCTURES[r], settings().r_cut)
    )


def expected_triplets(records, places):
    found = []
    for s, r in enumerate(records):
        structure = STRUCTURES[r]
        species = [SPECIES.index(symbol) for symbol in structure.symbols]
        near = neighbours(structure, settings().r_cut_angular)
        for centre in range(structure.n_atoms):
            own = [(j, d) for i, j, d in near if i == centre]
            for (j, d), (k, e) in combinations(own, 2):
                kind = PAIR_TYPES[tuple(sorted((species[j], species[k])))]
                both = tuple(sorted((rounded(d), rounded(e))))
                found.append((places[s, centre], kind, *both))
    return sorted(found)


def room_for(data, spare):
    return tuple(int(n) + spare for n in data.counts[ORDER].sum(axis=1).max(axis=0))


@pytest.mark.parametrize("spare", [0, 5])
def test_pairs_and_triplets_are_those_counted_one_by_one(data, spare):
    shape = room_for(data, spare)
    geometry = data.chunk(ORDER, shape).geometry
    n_places, block = sum(shape[:2]), data.store.block
    for step, records in enumerate(ORDER):
        places = places_of(records, shape[:2])
        i, j, vectors = (x[step] for x in (geometry.i, geometry.j, geometry.vectors))
        used = i < n_places
        kinds = geometry.segment[step] - i * 2
        pairs = [
            (i[p], j[p], kinds[p], rounded(vectors[p])) for p in np.flatnonzero(used)
        ]
        assert sorted(pairs) == expected_pairs(records, places)
        # Unused pairs: of no atom, and never of length 0.
        assert (j[~used] == n_places).all()
        assert (geometry.segment[step][~used] == n_places * 2).all()
        assert (vectors[~used] == (1.0, 0.0, 0.0)).all()
        near = vectors[geometry.near[step]]
        a, b = geometry.a[step], geometry.b[step]
        of = np.repeat(geometry.block_segment[step], block)
        real = a < shape[3]
        assert (b[~real] == shape[3]).all()
        triplets = [
            (of[t] // 3, of[t] % 3, *sorted((rounded(near[a[t]]), rounded(near[b[t]]))))
            for t in np.flatnonzero(real)
        ]
        assert sorted(triplets) == expected_triplets(records, places)
        assert (of[~real] <= n_places * 3).all()


def test_counts_say_what_a_structure_needs_room_for(data):
    for record, structure in enumerate(STRUCTURES):
        elements = [structure.symbols.count(symbol) for symbol in SPECIES]
        n_pairs = len(neighbours(structure, settings().r_cut))
        n_near = len(neighbours(structure, settings().r_cut_angular))
        assert data.counts[record, :4].tolist() == [*elements, n_pairs, n_near]
        places = places_of([record], (9, 9))
        n_triplets = len(expected_triplets([record], places))
        n_blocks = data.counts[record, 4]
        if data.store.block == 1:
            assert n_blocks == n_triplets
        else:
            assert n_triplets <= 4 * n_blocks


def test_places_hold_their_atoms_with_their_labels(data):
    shape = room_for(data, 2)
    chunk = data.chunk(ORDER, shape)
    owners = np.concatenate(chunk.owners, axis=1)
    for step, records in enumerate(ORDER):
        places = places_of(records, shape[:2])
        for place in range(sum(shape[:2])):
            atom = next((key for key, at in places.items() if at == place), None)
            if atom is None:
                assert owners[step, place] == ORDER.shape[1]
                assert not chunk.labels.forces[step, place].any()
            else:
                s, number = atom
                assert owners[step, place] == s
                np.testing.assert_array_equal(
                    chunk.labels.forces[step, place],
                    STRUCTURES[records[s]].forces[number],
                )
        np.testing.assert_array_equal(
            chunk.n_atoms[step], [STRUCTURES[r].n_atoms for r in records]
        )


def test_projectors_are_those_of_the_periodic_vectors():
    oblique = np.array([[1.0, 1.0, 0.0], [0.0, 2.0, 1.0], [9.0, 9.0, 9.0]])
    cells = np.array([oblique] * 3)
    pbc = np.array([[True, True, True], [True, False, False], [False, False, False]])
    one, line, none = periodic_projectors(cells, pbc)
    np.testing.assert_array_equal(one, np.eye(3))
    along = oblique[0] / np.sqrt(2)
    np.testing.assert_allclose(line, np.outer(along, along), atol=1e-15)
    np.testing.assert_array_equal(none, np.zeros((3, 3)))
