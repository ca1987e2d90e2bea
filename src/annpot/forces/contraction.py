"""Forces and virials from the gradients of networks and derivatives of descriptors.

F_k = - sum_i,c (dE/dG_ic) dG_ic/dr_k,   W = - sum_i,c (dE/dG_ic) dG_ic/d(strain)
"""

import numpy as np

from annpot.compiled import compiled
from annpot.descriptors.calculator import for_all_atoms


def add_forces(forces, gradients, derivatives, threads=None):
    """Add the forces that come from the descriptors of some atoms.

    Args:
        forces: (n_atoms, 3) float64, eV/angstrom, of all atoms; changed.
        gradients: (n, n_features) float64 dE/dG_i, eV.
        derivatives: DescriptorDerivatives of the same n descriptors; `moved` counts
            the rows of `forces`.
        threads: number of cores to use; all when None.
    """
    first, values = derivatives.first, derivatives.values
    of_blocks = np.empty((len(values), 3))

    def fill(start, stop):
        _fill_block_slopes(start, stop, first, values, gradients, of_blocks)

    for_all_atoms(fill, len(gradients), threads)
    for x in range(3):
        forces[:, x] -= np.bincount(derivatives.moved, of_blocks[:, x], len(forces))


@compiled(nogil=True, fastmath={"contract", "reassoc"})
def _fill_block_slopes(start, stop, first, values, gradients, out):
    """dE/dr_k (n_blocks, 3) through the descriptors of atoms start to stop."""
    for i in range(start, stop):
        for b in range(first[i], first[i + 1]):
            x = y = z = 0.0
            for c in range(values.shape[1]):
                slope = gradients[i, c]
                x += slope * values[b, c, 0]
                y += slope * values[b, c, 1]
                z += slope * values[b, c, 2]
            out[b, 0], out[b, 1], out[b, 2] = x, y, z


def atomic_virials(gradients, strain):
    """Virial through the descriptor of each atom.

    Args:
        gradients: (n, n_features) dE/dG_i, eV.
        strain: (n, n_features, 6) of DescriptorDerivatives.

    Returns:
        (n, 6) eV; their sum over the atoms of a structure is its virial, in the
        order xx, yy, zz, yz, xz, xy; yz is W_yz = W_zy, once.
    """
    return -np.matmul(gradients[:, None, :], strain)[:, 0]
