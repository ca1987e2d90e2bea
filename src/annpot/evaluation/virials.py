"""Errors of virials and stresses where only some directions repeat.

A strain along a direction that does not repeat is no strain of a cell: of a virial W
counts P W P, where P projects on the span of the periodic cell vectors.
"""

import numpy as np

from annpot.structures.stress import GPA_PER_EV_ANGSTROM3, full_tensor


def periodic_frame(cell, pbc):
    """(3, d) orthonormal columns that span the d periodic cell vectors.

    The axes themselves where all three repeat; else those that Gram and Schmidt give,
    which are axes too where the cell is along axes.
    """
    if pbc.all():
        return np.eye(3)
    return np.linalg.qr(cell[pbc].T)[0]


def counted_components(virials, cells, pbc):
    """Independent components of virials in the periodic directions.

    Args:
        virials: (n, 6) xx, yy, zz, yz, xz, xy; for example differences, eV.
        cells: (n, 3, 3) rows are the cell vectors.
        pbc: (n, 3) bool.

    Returns:
        (n, 6), NaN for those that do not count: d (d + 1) / 2 do, with d periodic
        directions.
    """
    found = np.full((len(virials), 6), np.nan)
    for row, tensor, cell, periodic in zip(
        found, full_tensor(virials), cells, pbc, strict=True
    ):
        frame = periodic_frame(cell, periodic)
        inside = frame.T @ tensor @ frame
        d = len(inside)
        row[: d * (d + 1) // 2] = inside[np.triu_indices(d)]
    return found


def stresses(virials, cells, pbc):
    """sigma = -W / V in GPa; NaN where not all three directions repeat.

    Args:
        virials: (n, 6) eV.
        cells, pbc: as in `counted_components`.

    Returns:
        (n, 6) GPa, tension positive.
    """
    volumes = np.abs(np.linalg.det(cells))
    volumes = np.where(pbc.all(axis=1), volumes, np.nan)
    return -GPA_PER_EV_ANGSTROM3 * virials / volumes[:, None]
