"""Neighbour lists with a skin, kept while the atoms move.

The list holds all pairs closer than r_cut + skin at the time it was made. Later, with
positions r and cell h in the place of r0 and h0, let F = h0^-1 h be the deformation
of space that carries the old cell vectors to the new ones, and d_i = r_i - r0_i F what
an atom moved besides. A pair that is not in the list had |v0| >= r_cut + skin and is
now at v = v0 F + d_j - d_i, so

    |v| >= (1 - |F - 1|) (r_cut + skin) - 2 max |d|

with the Frobenius norm, which is not smaller than the spectral one. While the right
side is at least r_cut, no pair is missing.
"""

from dataclasses import dataclass

import numpy as np

from annpot.compiled import compiled
from annpot.neighbors import ALL_PAIRS_LIMIT, pair_shifts

MOST_IMAGES = 10_000  # shifts that are numbered whether they occur or not


@dataclass(frozen=True, eq=False)
class PairList:
    """All pairs of a structure within r_cut + skin.

    Attributes:
        first: (n_atoms * n_species + 1,) int64; pairs first[i * n_species + s] up to
            the next are those of atom i with neighbours of species s.
        atom_first: (n_atoms + 1,) int64, the same without the species.
        neighbor, image: (n_pairs,) int32, atom j and row of `shifts`.
        reverse: (n_pairs,) int64, place of the same pair seen from j.
        shifts: (n_images, 3) float64, the different cell shifts.
        positions: (n_atoms, 3) at which it was made, angstrom.
        cell: (3, 3), and pbc (3,) bool, likewise.
        inverse: (3, 3) inverse of the cell, in which directions without periodicity
            have a vector perpendicular to the others; `completion` are these, zeros
            where there is periodicity.
        reach: r_cut + skin, angstrom.
    """

    first: np.ndarray
    atom_first: np.ndarray
    neighbor: np.ndarray
    image: np.ndarray
    reverse: np.ndarray
    shifts: np.ndarray
    positions: np.ndarray
    cell: np.ndarray
    pbc: np.ndarray
    inverse: np.ndarray
    completion: np.ndarray
    reach: float


def pair_list(batch, n_species, reach):
    """PairList of a StructureBatch of one structure.

    Raises:
        InputError: a periodic cell without volume.
    """
    positions, cell, pbc = batch.positions.copy(), batch.cells[0].copy(), batch.pbc[0]
    species = batch.species
    if not pbc.any() and len(positions) <= ALL_PAIRS_LIMIT:
        shifts = np.zeros((1, 3))
        arrays = _all_pairs(positions, species, n_species, reach)
    else:
        pairs, shift = pair_shifts(batch, 0, reach)
        image, shifts = _images(shift)
        arrays = _both_ways(n_species, species, pairs, image, len(shifts) - 1)
    completion = np.zeros((3, 3))
    completion[~pbc] = np.linalg.svd(cell[pbc])[2][pbc.sum() :]
    filled = np.where(pbc[:, None], cell, completion)
    first, neighbor, image, reverse = arrays
    return PairList(
        first=first,
        atom_first=np.ascontiguousarray(first[::n_species]),
        neighbor=neighbor,
        image=image,
        reverse=reverse,
        shifts=np.ascontiguousarray(shifts, float),
        positions=positions,
        cell=cell,
        pbc=pbc.copy(),
        inverse=np.linalg.inv(filled),
        completion=completion,
        reach=reach,
    )


def _images(shift):
    """Number of each shift and the shifts, of which number n is minus number -1 - n."""
    most = np.array([max(-x.min(), x.max()) if len(x) else 0 for x in shift.T])
    counts = 2 * most + 1
    x, y, z = shift.T
    code = ((x + most[0]) * counts[1] + (y + most[1])) * counts[2] + (z + most[2])
    if np.prod(counts.astype(float)) < MOST_IMAGES:
        return code, np.indices(counts).reshape(3, -1).T - most
    # Atoms that went far without being wrapped: only the shifts that occur.
    used = np.unique(np.r_[code, np.prod(counts) - 1 - code])
    shifts = np.stack(np.unravel_index(used, tuple(counts)), axis=1) - most
    return np.searchsorted(used, code), shifts


@compiled()
def _all_pairs(positions, species, n_species, reach):
    """(first, neighbor, image, reverse) of an isolated structure."""
    n_atoms = len(positions)
    first = np.zeros(n_atoms * n_species + 1, np.int64)
    for i in range(n_atoms):
        for j in range(n_atoms):
            if i != j and _is_near(positions, i, j, reach):
                first[i * n_species + species[j] + 1] += 1
    for q in range(len(first) - 1):
        first[q + 1] += first[q]
    n = first[-1]
    neighbor, image = np.empty(n, np.int32), np.zeros(n, np.int32)
    reverse, place = np.empty(n, np.int64), first[:-1].copy()
    for i in range(n_atoms):
        for j in range(i):
            if _is_near(positions, i, j, reach):
                p, q = i * n_species + species[j], j * n_species + species[i]
                neighbor[place[p]], neighbor[place[q]] = j, i
                reverse[place[p]], reverse[place[q]] = place[q], place[p]
                place[p] += 1
                place[q] += 1
    return first, neighbor, image, reverse


@compiled(inline="always")
def _is_near(positions, i, j, reach):
    square = 0.0
    for x in range(3):
        square += (positions[j, x] - positions[i, x]) ** 2
    return square < reach * reach


@compiled()
def _both_ways(n_species, species, pairs, image, last):
    """(first, neighbor, image, reverse) of pairs that are listed one way.

    Image k seen from the other atom is image last - k.
    """
    first = np.zeros(len(species) * n_species + 1, np.int64)
    for p in range(len(pairs)):
        i, j = np.int64(pairs[p, 0]), np.int64(pairs[p, 1])
        first[i * n_species + species[j] + 1] += 1
        first[j * n_species + species[i] + 1] += 1
    for q in range(len(first) - 1):
        first[q + 1] += first[q]
    n = 2 * len(pairs)
    neighbor, images = np.empty(n, np.int32), np.empty(n, np.int32)
    reverse, place = np.empty(n, np.int64), first[:-1].copy()
    for p in range(len(pairs)):
        i, j = np.int64(pairs[p, 0]), np.int64(pairs[p, 1])
        to_j, to_i = i * n_species + species[j], j * n_species + species[i]
        a = place[to_j]
        place[to_j] += 1
        b = place[to_i]
        place[to_i] += 1
        neighbor[a], images[a], reverse[a] = j, image[p], b
        neighbor[b], images[b], reverse[b] = i, last - image[p], a
    return first, neighbor, images, reverse


@compiled(nogil=True, error_model="numpy")
def still_holds(numbers, positions, cell, pbc, r_cut, reach, made_for, images):
    """Whether no pair closer than r_cut is missing; if so the images are placed.

    Args:
        made_for: numbers, positions, cell, pbc, inverse, completion and shifts of
            the list.
        images: (n_images, 3) filled with shift @ cell, angstrom.
    """
    old_numbers, old_positions, old_cell, old_pbc, inverse, completion, shifts = (
        made_for
    )
    is_same = True
    if len(numbers) != len(old_numbers):
        return False
    for i in range(len(numbers)):
        if numbers[i] != old_numbers[i]:
            return False
    for k in range(3):
        if pbc[k] != old_pbc[k]:
            return False
        for x in range(3):
            is_same &= not pbc[k] or cell[k, x] == old_cell[k, x]
    strain, F = 0.0, np.zeros((3, 3))
    for x in range(3):
        F[x, x] = 1.0
    if not is_same:
        for x in range(3):
            for y in range(3):
                F[x, y] = 0.0
                for k in range(3):
                    F[x, y] += inverse[x, k] * (
                        cell[k, y] if pbc[k] else completion[k, y]
                    )
                strain += (F[x, y] - (1.0 if x == y else 0.0)) ** 2
    limit = 0.5 * ((1.0 - np.sqrt(strain)) * reach - r_cut)
    if not limit >= 0.0:
        return False
    for i in range(len(positions)):
        x0, y0, z0 = old_positions[i, 0], old_positions[i, 1], old_positions[i, 2]
        square = 0.0
        for x in range(3):
            square += (
                positions[i, x] - x0 * F[0, x] - y0 * F[1, x] - z0 * F[2, x]
            ) ** 2
        if not square <= limit * limit:
            return False
    for m in range(len(shifts)):
        for x in range(3):
            images[m, x] = 0.0
            for k in range(3):
                if shifts[m, k] != 0.0:
                    images[m, x] += shifts[m, k] * cell[k, x]
    return True
