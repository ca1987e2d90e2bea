"""What is stored for each structure once its descriptors are computed."""

from dataclasses import dataclass

import numpy as np

from annpot.errors import InputError

NO_NAME = "N.A."  # what a record without a name is called
LARGEST_EXACT_INDEX = 2**24  # of the sparse indices that files hold as float32


class TooLargeError(InputError):
    """A number of a structure is not finite in float32."""


@dataclass(frozen=True, eq=False)
class DenseDerivatives:
    """All derivatives of the descriptors with respect to the positions.

    Attributes:
        values: (n_atoms, g_size, n_atoms, 3) float32, 1/angstrom;
            values[i, c, k, x] = dG_ic / dr_kx.
    """

    values: np.ndarray


@dataclass(frozen=True, eq=False)
class SparseDerivatives:
    """The derivatives that are not zero, as coordinates of the dense array.

    Attributes:
        values: (n_values,) float32, 1/angstrom.
        rows: (n_values,) int64, i * g_size + c of dG_ic / dr_kx.
        columns: (n_values,) int64, 3 k + x of dG_ic / dr_kx.
    """

    values: np.ndarray
    rows: np.ndarray
    columns: np.ndarray

    def dense(self, n_atoms, g_size):
        """The same derivatives as a DenseDerivatives."""
        values = np.zeros((n_atoms * g_size, 3 * n_atoms), dtype=np.float32)
        values[self.rows, self.columns] = self.values
        return DenseDerivatives(values.reshape(n_atoms, g_size, n_atoms, 3))


@dataclass(frozen=True, eq=False)
class DescriptorRecord:
    """Descriptors and labels of one structure.

    Attributes:
        name: key of the structure.
        species: (n_atoms,) int64, index of each atom in the ordered species list.
        g: (n_atoms, g_size) float32, the descriptors.
        energy: total energy, eV; a file that has it only in float32 gives that.
        forces: (n_atoms, 3) float32, eV/angstrom, or None.
        derivatives: DenseDerivatives, SparseDerivatives or None.
        per_atom_quantity: (n_atoms,) float32, or None.
    """

    name: str
    species: np.ndarray
    g: np.ndarray
    energy: float
    forces: np.ndarray | None = None
    derivatives: DenseDerivatives | SparseDerivatives | None = None
    per_atom_quantity: np.ndarray | None = None

    @property
    def n_atoms(self):
        """Number of atoms."""
        return len(self.species)

    @property
    def g_size(self):
        """Number of descriptor components of an atom."""
        return self.g.shape[1]

    @property
    def derivatives_kind(self):
        """ "dense", "sparse" or None, as DescriptorOrigin.derivatives."""
        kinds = {DenseDerivatives: "dense", SparseDerivatives: "sparse"}
        return kinds.get(type(self.derivatives))


def sparse_derivatives(dense):
    """SparseDerivatives with the values of DenseDerivatives that are not zero."""
    n_atoms, g_size = dense.values.shape[:2]
    table = dense.values.reshape(n_atoms * g_size, 3 * n_atoms)
    rows, columns = np.nonzero(table)
    return SparseDerivatives(table[rows, columns], rows, columns)


def are_sparse_indices(rows, columns, n_atoms, g_size):
    """Whether numbers are whole ones inside the dense array."""
    limits = (rows, n_atoms * g_size), (columns, 3 * n_atoms)
    return all(
        ((indices >= 0) & (indices < limit) & (indices == np.floor(indices))).all()
        for indices, limit in limits
    )


def check_finite(record):
    """Raise a TooLargeError where a number of a record is not finite in float32."""
    derivatives = getattr(record.derivatives, "values", None)
    parts = {
        "energy": record.energy,
        "descriptors": record.g,
        "derivatives": derivatives,
        "forces": record.forces,
        "energies of single atoms": record.per_atom_quantity,
    }
    for label, values in parts.items():
        if values is None:
            continue
        with np.errstate(over="ignore"):
            bad = ~np.isfinite(np.asarray(values, np.float32))
        if bad.any():
            raise TooLargeError(
                f"{record.name}: {label}: found {np.asarray(values)[bad].flat[0]}, "
                "expected numbers that are finite in float32 (below 3.4e38). Correct "
                "or remove the structure."
            )


def has_exact_float_indices(n_atoms, g_size):
    """Whether float32 holds every sparse index of a structure exactly."""
    return n_atoms * g_size <= LARGEST_EXACT_INDEX
