"""Forces from derivatives of descriptors that were stored, without any compiler.

F_k = - sum_i,c (dE/dG_ic) dG_ic/dr_k
"""

import numpy as np


def forces_from_dense(gradients, values):
    """Forces on the atoms of one structure from its dense derivatives.

    Args:
        gradients: (n_atoms, n_features) float64 dE/dG_i, eV.
        values: (n_atoms, n_features, n_atoms, 3) dG_ic / dr_kx, 1/angstrom.

    Returns:
        (n_atoms, 3) float64, eV/angstrom.
    """
    n_atoms, n_features = gradients.shape
    forces = np.zeros(3 * n_atoms)
    # One atom at a time: float32 values are widened for the product.
    for slopes, of_atom in zip(gradients, values, strict=True):
        forces -= slopes @ of_atom.reshape(n_features, 3 * n_atoms)
    return forces.reshape(n_atoms, 3)


def forces_from_sparse(gradients, values, rows, columns):
    """Forces on the atoms of one structure from derivatives that are not zero.

    Args:
        gradients: (n_atoms, n_features) float64 dE/dG_i, eV.
        values: (n,) dG_ic / dr_kx, 1/angstrom.
        rows: (n,) i * n_features + c.
        columns: (n,) 3 k + x.

    Returns:
        (n_atoms, 3) float64, eV/angstrom.
    """
    size = 3 * len(gradients)
    slopes = gradients.ravel()[rows] * values
    return -np.bincount(columns, slopes, size).reshape(-1, 3)
