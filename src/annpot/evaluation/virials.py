"""Errors of virials and stresses where only some directions repeat.

A strain along a direction that does not repeat is no strain of a cell: of a virial W
counts P W P, where P projects on the span of the periodic cell vectors. Components are
those of the 3 x 3 matrix, off-diagonal ones twice, as in training.
"""

import numpy as np

from annpot.structures.stress import (
    GPA_PER_EV_ANGSTROM3,
    full_tensor,
    periodic_projectors,
)


def in_periodic_directions(virials, cells, pbc):
    """P W P of each structure.

    Args:
        virials: (n, 6) xx, yy, zz, yz, xz, xy; for example differences, eV.
        cells: (n, 3, 3) rows are the cell vectors.
        pbc: (n, 3) bool.

    Returns:
        (n, 9) eV; d^2 of them count, with d periodic directions.
    """
    p = periodic_projectors(cells, pbc)
    return (p @ full_tensor(virials) @ p).reshape(-1, 9)


def stresses(virials, cells, pbc):
    """sigma = -W / V in GPa; NaN where not all three directions repeat.

    Args:
        virials: (n, 6) eV.
        cells, pbc: as in `in_periodic_directions`.

    Returns:
        (n, 9) GPa, tension positive.
    """
    volumes = np.abs(np.linalg.det(cells))
    volumes = np.where(pbc.all(axis=1), volumes, np.nan)
    tensors = full_tensor(virials).reshape(-1, 9)
    return -GPA_PER_EV_ANGSTROM3 * tensors / volumes[:, None]
