"""Pair and triplet lists against plain loops over images."""

from itertools import combinations

import numpy as np
import pytest

from annpot.descriptors.pair_lists import best_block, in_blocks, pair_lists
from annpot.structures.batch import structure_batch
from reference.descriptor_cases import (
    CASES,
    FORMS,
    SKEWED,
    SMALL_BP,
    SMALL_MBP,
    SPECIES,
    placed,
    scattered,
    settings_of,
)
from reference.numpy_symmetry_functions import neighbors_of, species_block

SETTINGS = {
    "mBP": settings_of(SPECIES, SMALL_MBP),
    "BP": settings_of(SPECIES, SMALL_BP, kind="BP"),
    "angular reaches further": settings_of(
        SPECIES, FORMS["angular reaches further"][0]
    ),
}
every_descriptor = pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)


def lists_of(structures, settings, block=1):
    return pair_lists(structure_batch(structures, settings.species), settings, block)


def pieces(lists):
    """Each structure's (pairs, near, blocks) slices."""
    edges = (lists.pair_first, lists.near_first, lists.block_first)
    for s in range(len(lists.pair_first) - 1):
        yield tuple(slice(first[s], first[s + 1]) for first in edges)


def rounded(*vectors):
    """Vectors as numbers that compare; images differ by far more than 1e-9."""
    return tuple(tuple((np.round(v, 9) + 0.0).tolist()) for v in vectors)


def found_pairs(lists, pairs):
    rows = zip(lists.i[pairs], lists.j[pairs], lists.neighbor_species[pairs],
               lists.vectors[pairs], strict=True)  # fmt: skip
    return sorted((int(i), int(j), int(s), *rounded(v)) for i, j, s, v in rows)


def found_triplets(lists, pieces):
    """Sorted (atom, pair type, two vectors) of the triplets of one structure."""
    pairs, near, blocks = pieces
    vectors = lists.vectors[pairs][lists.near[near]]
    centres = lists.i[pairs][lists.near[near]]
    of_pair = lists.neighbor_species[pairs][lists.near[near]]
    places = slice(blocks.start * lists.block, blocks.stop * lists.block)
    rows = zip(
        np.repeat(lists.centre[blocks], lists.block),
        np.repeat(lists.pair_type[blocks], lists.block),
        lists.a[places], lists.b[places], strict=True,
    )  # fmt: skip
    found = []
    for centre, pair_type, a, b in rows:
        assert (a < 0) == (b < 0)
        if a >= 0:
            assert centres[a] == centres[b] == centre
            assert of_pair[a] <= of_pair[b]
            both = sorted(rounded(vectors[a], vectors[b]))
            found.append((int(centre), int(pair_type), *both))
    return sorted(found)


def expected(structure, settings):
    """Pairs and triplets by loops over atoms and images."""
    pairs, triplets = [], []
    for i in range(len(structure.symbols)):
        place = (structure.positions, structure.cell, structure.pbc)
        for j, vector in neighbors_of(i, *place, settings.r_cut):
            species = SPECIES.index(structure.symbols[j])
            pairs.append((i, j, species, *rounded(vector)))
        near = neighbors_of(i, *place, settings.r_cut_angular)
        for (j, to_j), (k, to_k) in combinations(near, 2):
            symbols = structure.symbols[j], structure.symbols[k]
            both = sorted(rounded(to_j, to_k))
            triplets.append((i, species_block(SPECIES, *symbols), *both))
    return sorted(pairs), sorted(triplets)


@every_descriptor
@pytest.mark.parametrize("block", [1, 4])
def test_all_pairs_and_triplets_are_there_once(settings, block):
    cases = [case for name, case in CASES.items() if name != "at the cutoffs"]
    lists = lists_of(cases, settings, block)
    for piece, case in zip(pieces(lists), cases, strict=True):
        pairs, triplets = expected(case, settings)
        assert found_pairs(lists, piece[0]) == pairs
        assert found_triplets(lists, piece) == triplets


def test_pairs_are_sorted_by_atom_then_species():
    lists = lists_of([CASES["slab"]], SETTINGS["mBP"])
    key = lists.i * len(SPECIES) + lists.neighbor_species
    assert (np.diff(key) >= 0).all()
    assert (np.diff(lists.near) > 0).all()


def test_lists_of_a_structure_do_not_depend_on_the_batch():
    structures = [CASES["molecule"], CASES["one atom and its images"], CASES["chain"]]
    settings = SETTINGS["mBP"]
    together = lists_of(structures, settings, 2)
    for (pairs, near, blocks), structure in zip(
        pieces(together), structures, strict=True
    ):
        alone = lists_of([structure], settings, 2)
        places = slice(2 * blocks.start, 2 * blocks.stop)
        for name, part in {
            "i": pairs, "j": pairs, "neighbor_species": pairs, "vectors": pairs,
            "near": near, "a": places, "b": places, "centre": blocks,
            "pair_type": blocks,
        }.items():  # fmt: skip
            assert (getattr(together, name)[part] == getattr(alone, name)).all(), name


def test_neighbouring_atoms_of_one_number_do_not_share_a_block():
    """Two structures of one atom with its images: both have number 0."""
    one = CASES["one atom and its images"]
    lists = lists_of([one, one], SETTINGS["mBP"], 8)
    alone = lists_of([one], SETTINGS["mBP"], 8)
    assert lists.block_first.tolist() == [0, len(alone.centre), 2 * len(alone.centre)]


def test_indices_are_small_and_vectors_exact():
    lists = lists_of([CASES["slab"]], SETTINGS["mBP"], 2)
    for name in ("i", "j", "neighbor_species", "near", "a", "b", "centre", "pair_type"):
        assert getattr(lists, name).dtype == np.int32, name
    for name in ("pair_first", "near_first", "block_first"):
        assert getattr(lists, name).dtype == np.int64, name
    assert lists.vectors.dtype == np.float64


@pytest.mark.parametrize("structures", [[], [CASES["lone atom"]] * 2])
def test_nothing_to_list(structures):
    lists = in_blocks(lists_of(structures, SETTINGS["mBP"]), 4)
    assert lists.block_first.tolist() == [0] * (len(structures) + 1)
    assert len(lists.a) == len(lists.i) == len(lists.centre) == 0
    assert best_block(lists_of(structures, SETTINGS["mBP"])) == 1


def test_blocks_are_long_where_atoms_are_many():
    """Water has one triplet per segment; a dense cell of one species has dozens."""
    water = placed("HOH", [[0.76, 0.59, 0], [0, 0, 0], [-0.76, 0.59, 0]])
    dense = scattered("CCC", SKEWED, (True,) * 3)
    assert best_block(lists_of([water], SETTINGS["mBP"])) == 1
    assert best_block(lists_of([dense], SETTINGS["mBP"])) >= 4
