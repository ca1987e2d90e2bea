"""How far predicted energies, forces and virials are from reference values.

With d = prediction - reference y of each label, over the labels there are:

    MAE   mean |d|               RMSE  sqrt(mean d^2)         MSE  mean d^2
    MAPE  100 mean(|d| / |y|), in percent, over labels with |y| >= floor
    R2    1 - sum d^2 / sum (y - mean y)^2

An energy y is that per atom without offsets: what the binding of the atoms adds to
them, so that it does not depend on where the energies of a program have their zero.
"""

import math
from dataclasses import dataclass

import numpy as np

# Smallest |y| that counts for MAPE; a relative error of almost nothing says nothing.
FLOORS = {
    "energy": 1e-3,  # eV/atom
    "force": 1e-2,  # eV/angstrom, of a component
    "virial": 1e-3,  # eV/atom, of a component
    "stress": 1e-2,  # GPa, of a component
}
# A sum of squares keeps no smaller part of itself; below it all y are the same.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Accuracy:
    """Errors of structures, atoms or tensors; all in the unit of the errors.

    Attributes:
        count: how many of them have errors.
        mae: mean of |error| over all their components.
        rmse: sqrt of the mean of error^2 over all their components.
        largest: largest |error| of a component.
        mape: mean of |error| / |reference|, percent; NaN without references, or where
            all of them are below the floor.
        r2: coefficient of determination; NaN without references, or where they do
            not differ.
    """

    count: int
    mae: float
    rmse: float
    largest: float
    mape: float = math.nan
    r2: float = math.nan

    @property
    def mse(self):
        """Mean of error^2, in the square of the unit."""
        return self.rmse**2


@dataclass(frozen=True, eq=False)
class Reference:
    """What errors are compared with.

    Attributes:
        values: reference values in the shape and unit of the errors; energies without
            offsets.
        floor: smallest absolute value that counts for the relative error.
    """

    values: np.ndarray
    floor: float


def mean_relative(sum_relative, count):
    """MAPE in percent of sum |d|/|y| over `count` labels; NaN of none."""
    return 100.0 * sum_relative / count if count else math.nan


def r_squared(sum_square_errors, sum_reference, sum_square_reference, count):
    """R2 of sums over `count` labels; NaN where they do not differ.

    sum (y - mean y)^2 = sum y^2 - (sum y)^2 / n
    """
    spread = sum_square_reference - sum_reference**2 / count
    if spread <= ROUNDING * sum_square_reference:
        return math.nan
    return 1.0 - sum_square_errors / spread


def errors_per_atom(e_nn, e_ref, n_atoms):
    """(E_nn - E_ref) / n_atoms of each structure, eV/atom; all arguments (n,)."""
    return (np.asarray(e_nn) - np.asarray(e_ref)) / np.asarray(n_atoms)


def accuracy(errors, n_components=None, reference=None):
    """Accuracy of errors; rows with NaN have no label and are left out.

    Args:
        errors: (n,), or (n, k) with k components each.
        n_components: (n,) how many components of a row count, where others are 0;
            all when None.
        reference: Reference with values of the same shape, for MAPE and R2; or None.

    Returns:
        Accuracy, of NaN where nothing counts.
    """
    rows = np.abs(errors).reshape(len(errors), -1)
    if n_components is None:
        n_components = np.full(len(rows), rows.shape[1])
    there = np.isfinite(rows).all(axis=1) & (n_components > 0)
    if not there.any():
        return Accuracy(0, *[float("nan")] * 3)
    sizes, total = rows[there], float(n_components[there].sum())
    square = float(np.sum(sizes**2))
    relative = {}
    if reference is not None:
        values = reference.values.reshape(rows.shape)[there]
        large = np.abs(values) >= reference.floor
        ratios = sizes[large] / np.abs(values[large])
        sums = float(values.sum()), float(np.sum(values**2))
        relative["mape"] = mean_relative(float(ratios.sum()), ratios.size)
        relative["r2"] = r_squared(square, *sums, total)
    return Accuracy(
        count=int(there.sum()),
        mae=float(sizes.sum() / total),
        rmse=math.sqrt(square / total),
        largest=float(sizes.max()),
        **relative,
    )


def accuracy_by_group(errors, groups, reference=None):
    """Accuracy of the structures of each composition, or the atoms of each element.

    Args:
        errors: (n,) or (n, k), see `accuracy`.
        groups: (n,) chemical formula or symbol of each.
        reference: see `accuracy`.

    Returns:
        {group: Accuracy}, the most frequent first, then by alphabet.
    """
    groups = np.asarray(groups)
    names, counts = np.unique(groups, return_counts=True)
    order = np.lexsort((names, -counts))
    return {
        str(names[i]): accuracy(
            errors[groups == names[i]], reference=_rows(reference, groups == names[i])
        )
        for i in order
    }


def _rows(reference, chosen):
    """The Reference of some rows."""
    if reference is None:
        return None
    return Reference(reference.values[chosen], reference.floor)
