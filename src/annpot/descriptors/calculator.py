"""Descriptors of structures."""

import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numba
import numpy as np

from annpot.descriptors.kernel_constants import kernel_constants
from annpot.descriptors.symmetry_functions import fill_descriptors
from annpot.neighbors import neighbor_list
from annpot.structures.batch import structure_batch

ATOMS_PER_CALL = 8192  # bounds the memory of neighbour lists
ATOMS_PER_SHARE = 16  # least work worth handing to a thread

constants_of = lru_cache(maxsize=16)(kernel_constants)


def descriptors(structures, settings, dtype=np.float64, threads=None):
    """Descriptor of every atom of every structure.

    A structure's numbers do not depend on what else is in the call or on the number
    of threads, to the last bit.

    Args:
        structures: sequence of objects with symbols, positions (n_atoms, 3) and cell
            (3, 3) in angstrom, and pbc (3,); for example Structure or ase.Atoms.
        settings: DescriptorSettings.
        dtype: of the result; sums are always float64.
        threads: number of cores to use; all when None.

    Returns:
        List of arrays (n_atoms, n_features), one per structure; views of larger
        arrays, so copy the few that are kept out of many.

    Raises:
        InputError: unknown elements, coordinates that are not numbers, cells
            without volume, atoms at one place.
    """
    structures = list(structures)
    result = []
    sizes = [len(structure.positions) for structure in structures]
    for start, stop in calls(sizes, ATOMS_PER_CALL):
        batch = structure_batch(structures[start:stop], settings.species)
        g = batch_descriptors(batch, settings, dtype, threads)
        edges = batch.first.tolist()
        result += [g[a:b] for a, b in itertools.pairwise(edges)]
    return result


def batch_descriptors(batch, settings, dtype=np.float64, threads=None):
    """Descriptors (n_atoms, n_features) of the atoms of a StructureBatch."""
    found = neighbor_list(batch, settings.r_cut)
    neighbors = (found.j, found.vectors, found.distances, found.first)
    g = np.empty((len(batch.positions), settings.n_features), dtype)
    constants = constants_of(settings)

    def fill(start, stop):
        fill_descriptors(start, stop, batch.species, neighbors, constants, g)

    for_all_atoms(fill, len(g), threads)
    return g


def for_all_atoms(fill, n_atoms, threads=None):
    """Call fill(start, stop) for parts of the atoms, on several cores at once.

    Args:
        fill: function that releases the interpreter while it works.
        threads: number of cores to use; all when None.
    """
    threads = threads or numba.config.NUMBA_NUM_THREADS
    mine, *others = _shares(n_atoms, threads)
    running = [_pool(os.getpid(), threads).submit(fill, *share) for share in others]
    fill(*mine)
    for share in running:
        share.result()


@lru_cache(maxsize=4)
def _pool(process, threads):
    """Threads of this process (those of a parent do not survive a fork)."""
    return ThreadPoolExecutor(threads)


def _shares(n_atoms, threads):
    """(start, stop) of the atoms of each thread; at least one share, maybe empty."""
    size = max(ATOMS_PER_SHARE, -(-n_atoms // threads))
    starts = range(0, max(n_atoms, 1), size)
    return [(start, min(start + size, n_atoms)) for start in starts]


def calls(sizes, limit):
    """Yield (start, stop) of runs of structures whose sizes add up to about `limit`."""
    start = total = 0
    for k, size in enumerate(sizes):
        total += size
        if total >= limit:
            yield start, k + 1
            start, total = k + 1, 0
    if start < len(sizes):
        yield start, len(sizes)
