"""How far predicted energies are from reference energies."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Accuracy:
    """Errors of energies per atom over some structures, eV/atom.

    Attributes:
        n_structures: number of structures.
        mae: mean over structures of |dE| / n_atoms.
        rmse: sqrt of the mean over structures of (dE / n_atoms)^2.
        largest: largest |dE| / n_atoms.
    """

    n_structures: int
    mae: float
    rmse: float
    largest: float


def errors_per_atom(e_nn, e_ref, n_atoms):
    """(E_nn - E_ref) / n_atoms of each structure, eV/atom; all arguments (n,)."""
    return (np.asarray(e_nn) - np.asarray(e_ref)) / np.asarray(n_atoms)


def accuracy(errors):
    """Accuracy of (n,) errors per atom, eV/atom; n >= 1."""
    sizes = np.abs(errors)
    return Accuracy(
        n_structures=len(sizes),
        mae=float(sizes.mean()),
        rmse=float(np.sqrt(np.mean(sizes**2))),
        largest=float(sizes.max()),
    )


def accuracy_by_composition(errors, compositions):
    """Accuracy of the structures of each composition.

    Args:
        errors: (n,) errors per atom, eV/atom.
        compositions: (n,) chemical formula of each structure.

    Returns:
        {formula: Accuracy}, the most frequent first, then by alphabet.
    """
    compositions = np.asarray(compositions)
    names, counts = np.unique(compositions, return_counts=True)
    order = np.lexsort((names, -counts))
    return {str(names[i]): accuracy(errors[compositions == names[i]]) for i in order}
