"""Flat lists of pairs and triplets of atoms, from which descriptors are differentiated.

They depend on the geometry alone, so training makes them once. All atoms, pairs and
near pairs are numbered within their structure: a batch of structures is joined by
adding offsets.
"""

from dataclasses import dataclass, replace

import numpy as np

from annpot.compiled import compiled
from annpot.neighbors import neighbor_list

BLOCKS = (1, 2, 4, 8)
# Cost of a block in triplets: what reading and adding up its row of functions takes.
# Measured: dense cells of one species, 32 to 64 functions, are fastest in blocks of 8,
# those of four species in blocks of 4, small molecules in blocks of 1 or 2.
BLOCK_COST = 0.5


@dataclass(frozen=True, eq=False)
class PairLists:
    """Pairs and triplets of atoms of several structures, one after the other.

    A triplet is an atom with two of its near neighbours. Triplets are kept in blocks
    of one length whose atom and pair of species are the same.

    Attributes:
        pair_first, near_first, block_first: (n_structures + 1,) int64; pairs
            pair_first[s]:pair_first[s + 1] are those of structure s, and so on.
        i, j: (n_pairs,) int32, the atoms of a pair, sorted by i, then species of j.
        neighbor_species: (n_pairs,) int32, species of j.
        vectors: (n_pairs, 3) float64, r_j + shift @ cell - r_i, angstrom.
        near: (n_near,) int32, pairs closer than the angular cutoff.
        a, b: (n_blocks * block,) int32, the two near pairs of each triplet, places
            in `near`; -1 where a block has no more triplets.
        centre: (n_blocks,) int32, the atom.
        pair_type: (n_blocks,) int32, place in DescriptorSettings.species_pairs.
        block: triplets in a block.
    """

    pair_first: np.ndarray
    near_first: np.ndarray
    block_first: np.ndarray
    i: np.ndarray
    j: np.ndarray
    neighbor_species: np.ndarray
    vectors: np.ndarray
    near: np.ndarray
    a: np.ndarray
    b: np.ndarray
    centre: np.ndarray
    pair_type: np.ndarray
    block: int


def pair_lists(batch, settings, block=1):
    """PairLists of all structures of a StructureBatch.

    Pairs are those within the larger cutoff of the DescriptorSettings.

    Args:
        block: triplets in a block; see `best_block` and `in_blocks`.

    Raises:
        InputError: as `neighbors.neighbor_list`.
    """
    found = neighbor_list(batch, settings.r_cut)
    n_atoms, n_species = len(batch.positions), len(settings.species)
    order = _by_species(found.first, batch.species[found.j], n_species)
    i, j = found.i[order], found.j[order]
    species = batch.species[j]
    near = np.flatnonzero(found.distances[order] < settings.r_cut_angular)
    # Near pairs first[k]:first[k + 1] are those of atom k // n_species with
    # neighbours of species k % n_species.
    first = np.zeros(n_atoms * n_species + 1, np.int64)
    of_kind = i[near] * n_species + species[near]
    np.cumsum(np.bincount(of_kind, minlength=len(first) - 1), out=first[1:])
    pair_first = found.first[batch.first]
    near_first = first[batch.first * n_species]
    structure = np.repeat(np.arange(batch.n_structures), np.diff(batch.first))
    a, b, centre, pair_type = _triplets(first, n_species, near_first[structure])
    own_first, of_near = batch.first[structure], structure[i[near]]
    lists = PairLists(
        pair_first=pair_first,
        near_first=near_first,
        block_first=np.searchsorted(centre, batch.first),
        i=_small(i - own_first[i]),
        j=_small(j - own_first[j]),
        neighbor_species=_small(species),
        vectors=found.vectors[order],
        near=_small(near - pair_first[of_near]),
        a=a,
        b=b,
        centre=_small(centre - own_first[centre]),
        pair_type=pair_type,
        block=1,
    )
    return in_blocks(lists, block)


def in_blocks(lists, block):
    """PairLists with `block` triplets in a block, from those with one."""
    if lists.block == block:
        return lists
    start, length = _segments(lists)
    n_blocks = -(-length // block)
    first = np.cumsum(n_blocks) - n_blocks
    place = np.arange(len(lists.a)) + np.repeat(first * block - start, length)
    a, b = np.full((2, n_blocks.sum() * block), -1, np.int32)
    a[place], b[place] = lists.a, lists.b
    all_first = np.append(first, n_blocks.sum())
    return replace(
        lists,
        block_first=all_first[np.searchsorted(start, lists.block_first)],
        a=a,
        b=b,
        centre=np.repeat(lists.centre[start], n_blocks),
        pair_type=np.repeat(lists.pair_type[start], n_blocks),
        block=block,
    )


def best_block(lists):
    """Length of blocks that costs least, of PairLists with one triplet in a block.

    A longer block adds up more before it writes, but its unused places cost as much
    as triplets do: atoms of a small molecule have few neighbours of each species.
    """
    length = _segments(lists)[1]
    costs = []
    for block in BLOCKS:
        n_blocks = -(-length // block)
        costs.append(n_blocks.sum() * (block + BLOCK_COST))
    return BLOCKS[int(np.argmin(costs))]


def _segments(lists):
    """Start and length of the runs of triplets of one atom and pair of species."""
    of = np.stack([lists.centre, lists.pair_type])
    is_start = np.ones(len(lists.centre), bool)
    is_start[1:] = (of[:, 1:] != of[:, :-1]).any(axis=0)
    is_start[lists.block_first[lists.block_first < len(is_start)]] = True
    start = np.flatnonzero(is_start)
    return start, np.diff(start, append=len(is_start))


def _small(numbers):
    return numbers.astype(np.int32)


@compiled(nogil=True)
def _by_species(first, species, n_species):
    """Numbers of the pairs in the order of atom, then species of the neighbour."""
    order = np.empty(len(species), np.int64)
    n = 0
    for i in range(len(first) - 1):
        for s in range(n_species):
            for p in range(first[i], first[i + 1]):
                if species[p] == s:
                    order[n] = p
                    n += 1
    return order


@compiled(nogil=True)
def _triplets(first, n_species, near_start):
    """All triplets, by atom, pair of species, then first and second neighbour.

    Args:
        first: (n_atoms * n_species + 1,) near pairs of each atom and species.
        near_start: (n_atoms,) first near pair of the structure of each atom.

    Returns:
        a, b (n,) int32 near pairs numbered from near_start, centre (n,) int64 and
        pair_type (n,) int32.
    """
    n_atoms = len(near_start)
    n = 0
    for i in range(n_atoms):
        m = first[(i + 1) * n_species] - first[i * n_species]
        n += m * (m - 1) // 2
    a, b = np.empty(n, np.int32), np.empty(n, np.int32)
    centre, pair_type = np.empty(n, np.int64), np.empty(n, np.int32)
    n = 0
    for i in range(n_atoms):
        block = 0
        for s in range(n_species):
            for t in range(s, n_species):
                for p in range(first[i * n_species + s], first[i * n_species + s + 1]):
                    start = first[i * n_species + t]
                    for q in range(max(p + 1, start), first[i * n_species + t + 1]):
                        a[n], b[n] = p - near_start[i], q - near_start[i]
                        centre[n], pair_type[n] = i, block
                        n += 1
                block += 1
    return a, b, centre, pair_type
