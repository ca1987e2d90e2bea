"""Pairs and triplets of padded batches, for descriptors made in the step."""

from typing import NamedTuple

import numpy as np

from annpot.compiled import compiled
from annpot.training.forms.placing import most_atoms, place_structures


class GeometryChunk(NamedTuple):
    """Neighbours of a run of batches; the first axis counts the steps.

    Attributes:
        vectors: (n_steps, n_pairs, 3) neighbour vectors, angstrom; (1, 0, 0) in unused
            entries.
        i, j: (n_steps, n_pairs) int32 places of the two atoms; n_places if unused.
        segment: (n_steps, n_pairs) int32 place * n_species + species of j.
        near: (n_steps, n_near) int32 pairs within the angular cutoff.
        a, b: (n_steps, n_triplets) int32 near pairs of a triplet; n_near if unused.
        block_segment: (n_steps, n_blocks) int32 place * n_species_pairs + pair.
    """

    vectors: np.ndarray
    i: np.ndarray
    j: np.ndarray
    segment: np.ndarray
    near: np.ndarray
    a: np.ndarray
    b: np.ndarray
    block_segment: np.ndarray


def empty_geometry(n_steps, room, n_places, n_species, block, dtype):
    """GeometryChunk in which nothing is used.

    Args:
        room: pairs, near pairs and blocks of a batch.
        n_places: places for atoms of a batch.
        block: triplets per block.
        dtype: of the vectors.
    """
    n_pairs, n_near, n_blocks = room
    vectors = np.zeros((n_steps, n_pairs, 3), dtype)
    vectors[..., 0] = 1.0
    n_types = n_species * (n_species + 1) // 2

    def full(columns, value):
        return np.full((n_steps, columns), value, np.int32)

    return GeometryChunk(
        vectors=vectors,
        i=full(n_pairs, n_places),
        j=full(n_pairs, n_places),
        segment=full(n_pairs, n_places * n_species),
        near=full(n_near, 0),
        a=full(n_blocks * block, n_near),
        b=full(n_blocks * block, n_near),
        block_segment=full(n_blocks, n_places * n_types),
    )


@compiled(nogil=True)
def fill_geometry(records, listed, first, species, starts, lists, n_species, out):
    """Write the neighbours of some batches into an empty GeometryChunk.

    Args:
        records: (n_steps, batch_size) structures of the data set.
        listed: the same structures as numbered in `lists`.
        first, species: atoms of the data set, see `placing.place_structures`.
        starts: (n_species,) first place of each element.
        lists: NeighborLists.
        n_species: number of elements.
        out: GeometryChunk.
    """
    n_types = n_species * (n_species + 1) // 2
    place = np.empty(most_atoms(records, first), np.int64)
    block = out.a.shape[1] // max(1, out.block_segment.shape[1])
    for t in range(len(records)):
        place_structures(records[t], first, species, starts, place)
        atom = pair = near = blocks = 0
        for s in range(records.shape[1]):
            q = listed[t, s]
            first_pair, first_near = pair, near
            for m in range(lists.pair_first[q], lists.pair_first[q + 1]):
                centre = place[atom + lists.i[m]]
                out.i[t, pair] = centre
                out.j[t, pair] = place[atom + lists.j[m]]
                out.segment[t, pair] = centre * n_species + lists.neighbor_species[m]
                for x in range(3):
                    out.vectors[t, pair, x] = lists.vectors[m, x]
                pair += 1
            for m in range(lists.near_first[q], lists.near_first[q + 1]):
                out.near[t, near] = first_pair + lists.near[m]
                near += 1
            for m in range(lists.block_first[q], lists.block_first[q + 1]):
                centre = place[atom + lists.centre[m]]
                out.block_segment[t, blocks] = centre * n_types + lists.pair_type[m]
                for k in range(block):
                    a, b = lists.a[m * block + k], lists.b[m * block + k]
                    if a >= 0:
                        out.a[t, blocks * block + k] = first_near + a
                        out.b[t, blocks * block + k] = first_near + b
                blocks += 1
            atom += first[records[t, s] + 1] - first[records[t, s]]
