"""How far predicted energies, forces and virials are from reference values."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Accuracy:
    """Errors of structures, atoms or tensors; all in the unit of the errors.

    Attributes:
        count: how many of them have errors.
        mae: mean of |error| over all their components.
        rmse: sqrt of the mean of error^2 over all their components.
        largest: largest |error| of a component.
    """

    count: int
    mae: float
    rmse: float
    largest: float


def errors_per_atom(e_nn, e_ref, n_atoms):
    """(E_nn - E_ref) / n_atoms of each structure, eV/atom; all arguments (n,)."""
    return (np.asarray(e_nn) - np.asarray(e_ref)) / np.asarray(n_atoms)


def accuracy(errors, n_components=None):
    """Accuracy of errors; rows with NaN have no label and are left out.

    Args:
        errors: (n,), or (n, k) with k components each.
        n_components: (n,) how many components of a row count, where others are 0;
            all when None.

    Returns:
        Accuracy, of NaN where nothing counts.
    """
    rows = np.abs(errors).reshape(len(errors), -1)
    if n_components is None:
        n_components = np.full(len(rows), rows.shape[1])
    there = np.isfinite(rows).all(axis=1) & (n_components > 0)
    if not there.any():
        return Accuracy(0, *[float("nan")] * 3)
    sizes, total = rows[there], n_components[there].sum()
    return Accuracy(
        count=int(there.sum()),
        mae=float(sizes.sum() / total),
        rmse=float(np.sqrt(np.sum(sizes**2) / total)),
        largest=float(sizes.max()),
    )


def accuracy_by_group(errors, groups):
    """Accuracy of the structures of each composition, or the atoms of each element.

    Args:
        errors: (n,) or (n, k), see `accuracy`.
        groups: (n,) chemical formula or symbol of each.

    Returns:
        {group: Accuracy}, the most frequent first, then by alphabet.
    """
    groups = np.asarray(groups)
    names, counts = np.unique(groups, return_counts=True)
    order = np.lexsort((names, -counts))
    return {str(names[i]): accuracy(errors[groups == names[i]]) for i in order}
