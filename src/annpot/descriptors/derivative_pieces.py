"""Derivatives of the descriptors of a batch, some atoms at a time.

For uses that need each derivative once: a cell of a thousand atoms has gigabytes of
them, the pieces stay small.
"""

import numpy as np

from annpot.descriptors.atom_blocks import find_blocks
from annpot.descriptors.calculator import calls, constants_of, for_all_atoms
from annpot.descriptors.derivatives import DescriptorDerivatives
from annpot.descriptors.symmetry_derivatives import fill_derivatives
from annpot.neighbors import neighbor_list

VALUES_PER_PIECE = 2**22  # 34 MB of derivatives in float64


def derivative_pieces(
    batch, settings, threads=None, strain=False, largest=VALUES_PER_PIECE
):
    """Descriptors and derivatives of a StructureBatch, piece by piece, in float64.

    Args:
        batch: StructureBatch.
        settings: DescriptorSettings.
        threads: number of cores to use; all when None.
        strain: whether to give derivatives by the strain too.
        largest: numbers after which a piece is closed; it has at least one atom.

    Yields:
        atoms: slice of the batch's atoms whose descriptors these are.
        g: (n, n_features) their descriptors.
        derivatives: DescriptorDerivatives of them; `moved` counts the atoms of the
            whole batch.
    """
    found = neighbor_list(batch, settings.r_cut)
    first, own, of_pair, moved = find_blocks(found.first, found.j)
    constants, n_features = constants_of(settings), settings.n_features
    sizes = n_features * (3 * np.diff(first) + (6 if strain else 0))
    for start, stop in calls(sizes.tolist(), largest):
        n, n_blocks = stop - start, first[stop] - first[start]
        neighbors = (found.j, found.vectors, found.distances, found.first[start:])
        blocks = (first[start : stop + 1] - first[start], own[start:stop], of_pair)
        results = (
            np.empty((n, n_features)),
            np.empty((n_blocks, n_features, 3)),
            np.empty((n if strain else 0, n_features, 6)),
            np.zeros(n, np.int64),
        )
        _fill(n, batch.species, neighbors, constants, blocks, results, threads)
        g, values, by_strain, n_collinear = results
        yield (
            slice(start, stop),
            g,
            DescriptorDerivatives(
                first=blocks[0],
                moved=moved[first[start] : first[stop]],
                values=values,
                strain=by_strain if strain else None,
                n_collinear=n_collinear,
            ),
        )


def _fill(n_atoms, species, neighbors, constants, blocks, results, threads):
    def fill(start, stop):
        fill_derivatives(start, stop, species, neighbors, constants, blocks, results)

    for_all_atoms(fill, n_atoms, threads)
