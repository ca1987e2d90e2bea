"""Neighbour lists of a batch of structures.

Two searches, chosen by what was measured (cutoff 4.6 angstrom, one core):

- Isolated structures go, all of a batch in one call, through a compiled search over
  all pairs: 0.15 microseconds for a water molecule, where one call of a library with
  what surrounds it costs 170. It stays ahead up to about `ALL_PAIRS_LIMIT` atoms.
- Periodic or larger structures go through vesin's cell list: 0.7 ms for a periodic
  cell of 64 atoms and 16 ms for 2000. matscipy's search alone takes 1.8 ms for the
  64. Both find the same pairs in partially periodic, skewed and small cells.

Pairs are sorted by i, then j, then cell shift, so results do not depend on the
search or on the number of threads.
"""

from dataclasses import dataclass
from itertools import groupby

import numpy as np
import vesin

from annpot.compiled import compiled
from annpot.errors import InputError

ALL_PAIRS_LIMIT = 500  # atoms
SAME_PLACE = 1e-3  # angstrom; no two atoms of any substance come this close
FLAT_CELL = 1e-6  # volume over product of edge lengths of a cell without volume
MARGIN = 1.0  # angstrom around the atoms along a direction without periodicity


@dataclass(frozen=True, eq=False)
class NeighborList:
    """Ordered pairs (i, j) closer than the cutoff, both (i, j) and (j, i).

    An atom is its own neighbour through its periodic images. Atoms are numbered
    through the whole batch.

    Attributes:
        i, j: (n_pairs,) int64 atoms.
        vectors: (n_pairs, 3) float64, r_j + shift @ cell - r_i, angstrom.
        distances: (n_pairs,) float64, angstrom; all smaller than the cutoff.
        first: (n_atoms + 1,) int64; pairs first[i]:first[i + 1] are those of atom i.
    """

    i: np.ndarray
    j: np.ndarray
    vectors: np.ndarray
    distances: np.ndarray
    first: np.ndarray


def neighbor_list(batch, r_cut):
    """Neighbours with r_ij < r_cut of every atom of a StructureBatch.

    Args:
        batch: StructureBatch; atoms may lie outside their cell.
        r_cut: cutoff radius, angstrom; it may exceed the cell.

    Raises:
        InputError: a periodic cell without volume, or two atoms at one place; all
            such structures at once.
    """
    _require_volume(batch)
    pieces = [_NO_PAIRS]
    for isolated, start, stop in _searches(batch):
        if isolated:
            first = batch.first[start : stop + 1]
            pieces.append(_all_pairs(batch.positions, first, r_cut))
        else:
            pieces.append(_cell_list(batch, start, r_cut))
    i, j, vectors, distances = map(np.concatenate, zip(*pieces, strict=True))
    _require_apart(batch, i, j, distances)
    first = np.zeros(len(batch.positions) + 1, dtype=np.int64)
    np.cumsum(np.bincount(i, minlength=len(batch.positions)), out=first[1:])
    return NeighborList(i, j, vectors, distances, first)


_NO_PAIRS = (
    np.empty(0, np.int64),
    np.empty(0, np.int64),
    np.empty((0, 3)),
    np.empty(0),
)


def _searches(batch):
    """Yield (by all pairs?, first structure, one past the last) in order."""
    by_all_pairs = ~batch.pbc.any(axis=1) & (np.diff(batch.first) <= ALL_PAIRS_LIMIT)
    for isolated, run in groupby(range(batch.n_structures), by_all_pairs.__getitem__):
        run = list(run)
        if isolated:
            yield True, run[0], run[-1] + 1
        else:
            yield from ((False, s, s + 1) for s in run)


@compiled(nogil=True)
def _all_pairs(positions, first, r_cut):
    """(i, j, vectors, distances) of isolated structures, by comparing all atoms."""
    n_pairs = 0
    for s in range(len(first) - 1):
        for i in range(first[s], first[s + 1]):
            for j in range(first[s], first[s + 1]):
                if i != j and _distance(positions, i, j) < r_cut:
                    n_pairs += 1
    i_of, j_of = np.empty(n_pairs, np.int64), np.empty(n_pairs, np.int64)
    vectors, distances = np.empty((n_pairs, 3)), np.empty(n_pairs)
    p = 0
    for s in range(len(first) - 1):
        for i in range(first[s], first[s + 1]):
            for j in range(first[s], first[s + 1]):
                if i == j:
                    continue
                distance = _distance(positions, i, j)
                if distance < r_cut:
                    i_of[p], j_of[p], distances[p] = i, j, distance
                    for x in range(3):
                        vectors[p, x] = positions[j, x] - positions[i, x]
                    p += 1
    return i_of, j_of, vectors, distances


@compiled(inline="always")
def _distance(positions, i, j):
    """Distance between two atoms."""
    square = 0.0
    for x in range(3):
        square += (positions[j, x] - positions[i, x]) ** 2
    return np.sqrt(square)


def _cell_list(batch, s, r_cut):
    """(i, j, vectors, distances) of structure `s`, by a cell list."""
    start, stop = batch.first[s], batch.first[s + 1]
    positions, box, _ = _placed(
        batch.positions[start:stop], batch.cells[s], batch.pbc[s]
    )
    # Each pair once and mirrored here takes two thirds of the time of a full list.
    search = vesin.NeighborList(cutoff=r_cut, full_list=False, n_threads=1)
    pairs, shift = search.compute(positions, box, batch.pbc[s], "PS")
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    shift = np.concatenate([shift, -shift])
    order = np.lexsort((*shift.T[::-1], *pairs.T[::-1]))
    return _geometry(order, pairs, shift, positions, box, r_cut, start)


def pair_shifts(batch, s, reach):
    """Pairs of structure `s` with their cell shifts, by a cell list.

    Returns:
        pairs (n_pairs, 2) atoms i and j of the structure and shift (n_pairs, 3)
        int64, |r_j + shift @ cell - r_i| < reach; of (i, j, shift) and
        (j, i, -shift) one is there, in no order.

    Raises:
        InputError: a periodic cell without volume.
    """
    _require_volume(batch)
    start, stop = batch.first[s], batch.first[s + 1]
    positions, box, away = _placed(
        batch.positions[start:stop], batch.cells[s], batch.pbc[s]
    )
    search = vesin.NeighborList(cutoff=reach, full_list=False, n_threads=1)
    pairs, shift = search.compute(positions, box, batch.pbc[s], "PS")
    return pairs, shift + away[pairs[:, 0]] - away[pairs[:, 1]]


@compiled(nogil=True)
def _geometry(order, pairs, shift, positions, box, r_cut, start):
    """(i, j, vectors, distances) of found pairs; `start` is their first atom."""
    n_pairs = 0
    i_of, j_of = np.empty(len(pairs), np.int64), np.empty(len(pairs), np.int64)
    vectors, distances = np.empty((len(pairs), 3)), np.empty(len(pairs))
    for p in order:
        i, j = np.int64(pairs[p, 0]), np.int64(pairs[p, 1])
        square = 0.0
        for x in range(3):
            to_image = 0.0
            for k in range(3):
                to_image += shift[p, k] * box[k, x]
            vectors[n_pairs, x] = positions[j, x] - positions[i, x] + to_image
            square += vectors[n_pairs, x] ** 2
        distances[n_pairs] = np.sqrt(square)
        if distances[n_pairs] < r_cut:
            i_of[n_pairs], j_of[n_pairs] = start + i, start + j
            n_pairs += 1
    return i_of[:n_pairs], j_of[:n_pairs], vectors[:n_pairs], distances[:n_pairs]


def _placed(positions, cell, pbc):
    """Positions moved into a box that has three vectors, and that box.

    Periodic directions keep their cell vector. Where there is no periodicity the
    box gets an orthogonal vector long enough to hold all atoms; the atoms' place
    along it is unchanged but for the common origin.

    Returns:
        positions (n_atoms, 3) and box (3, 3), angstrom, and by how many cell vectors
        (n_atoms, 3) each atom was moved back.
    """
    box = cell.copy()
    directions = np.linalg.svd(cell[pbc], full_matrices=True)[2][pbc.sum() :]
    for k, direction in zip(np.flatnonzero(~pbc), directions, strict=True):
        along = positions @ direction
        box[k] = (np.ptp(along) + 2 * MARGIN) * direction
        positions = positions - (along.min() - MARGIN) * direction
    cells_away = np.floor(positions @ np.linalg.inv(box)) * pbc
    return positions - cells_away @ box, box, cells_away.astype(np.int64)


def _require_volume(batch):
    """Refuse periodic cells whose vectors do not span a volume, area or length."""
    problems = []
    for s in np.flatnonzero(batch.pbc.any(axis=1)):
        vectors = batch.cells[s][batch.pbc[s]]
        extent = np.sqrt(abs(np.linalg.det(vectors @ vectors.T)))
        edges = np.prod(np.linalg.norm(vectors, axis=1))
        if not extent > FLAT_CELL * edges:
            periodic = ", ".join(str(k + 1) for k in np.flatnonzero(batch.pbc[s]))
            problems.append(
                f"{batch.names[s]}: periodic along cell vector {periodic}, but the "
                f"cell {batch.cells[s].tolist()} has no volume. Expected independent "
                "vectors in the periodic directions; correct the cell or the "
                "periodicity."
            )
    if problems:
        raise InputError(problems)


def _require_apart(batch, i, j, distances):
    """Refuse structures with two atoms at one place."""
    if not len(distances) or distances.min() > SAME_PLACE:
        return
    problems = {}
    for p in np.flatnonzero(distances <= SAME_PLACE):
        s = np.searchsorted(batch.first, i[p], side="right") - 1
        a, b = sorted((i[p] - batch.first[s], j[p] - batch.first[s]))
        of, symbols = batch.names[s], batch.symbols[s]
        problems.setdefault(
            s,
            f"{of}: atoms {a + 1} ({symbols[a]}) and {b + 1} ({symbols[b]}), counted "
            f"from 1, are at the same place ({distances[p]:.1e} angstrom apart), "
            "expected distinct positions. Correct the positions, their unit or the "
            "cell.",
        )
    raise InputError(list(problems.values()))
