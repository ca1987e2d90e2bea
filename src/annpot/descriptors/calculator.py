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

_constants = lru_cache(maxsize=16)(kernel_constants)


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
    for start, stop in _calls(structures):
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
    constants = _constants(settings)

    def fill(share):
        fill_descriptors(*share, batch.species, neighbors, constants, g)

    threads = threads or numba.config.NUMBA_NUM_THREADS
    mine, *others = _shares(len(g), threads)
    running = [_pool(os.getpid(), threads).submit(fill, share) for share in others]
    fill(mine)
    for share in running:
        share.result()
    return g


@lru_cache(maxsize=4)
def _pool(process, threads):
    """Threads of this process (those of a parent do not survive a fork)."""
    return ThreadPoolExecutor(threads)


def _shares(n_atoms, threads):
    """(start, stop) of the atoms of each thread; at least one share, maybe empty."""
    size = max(ATOMS_PER_SHARE, -(-n_atoms // threads))
    starts = range(0, max(n_atoms, 1), size)
    return [(start, min(start + size, n_atoms)) for start in starts]


def _calls(structures):
    """Yield (start, stop) of groups of structures of about ATOMS_PER_CALL atoms."""
    start = n_atoms = 0
    for k, structure in enumerate(structures):
        n_atoms += len(structure.positions)
        if n_atoms >= ATOMS_PER_CALL:
            yield start, k + 1
            start, n_atoms = k + 1, 0
    if start < len(structures):
        yield start, len(structures)
