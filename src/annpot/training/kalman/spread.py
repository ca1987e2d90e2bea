"""Units of observed energies and forces: how far the references are spread.

n2p2 normalizes a data set so that energies per atom and force components have a
standard deviation of one; errors in these units are what the defaults of the filter
are made for.

Source: A. Singraber, T. Morawietz, J. Behler, C. Dellago, J. Chem. Theory Comput. 15,
3075 (2019); `nnp-norm` of n2p2.
"""

import numpy as np


def energy_spread(energies, n_atoms, per_atom=True):
    """Standard deviation of the energies, per atom or in total, eV; 1 without any.

    Args:
        energies: (n_structures,) without offsets, eV; NaN where there is none.
        n_atoms: (n_structures,).
        per_atom: whether they are divided by the atoms first.
    """
    return _spread(energies / n_atoms if per_atom else energies)


def force_spread(forces):
    """Standard deviation of the components, eV/angstrom; 1 without any.

    Args:
        forces: (n_atoms, 3), eV/angstrom; NaN where there are none.
    """
    return _spread(forces)


def _spread(values):
    known = np.asarray(values, np.float64)
    known = known[~np.isnan(known)]
    spread = float(np.std(known)) if known.size else 0.0
    return spread if spread > 0.0 else 1.0
