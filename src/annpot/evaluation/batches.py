"""What networks predict for a batch of structures, beside its labels."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Labelled:
    """Predicted and reference values; NaN stands for a label that is not there.

    Attributes:
        predicted: (n, k) or (n,).
        reference: of the same shape, in the scale of the networks.
    """

    predicted: np.ndarray
    reference: np.ndarray

    @property
    def errors(self):
        """Predicted minus reference; NaN without label."""
        return self.predicted - self.reference

    @property
    def has_label(self):
        """(n,) bool."""
        return np.isfinite(self.reference.reshape(len(self.reference), -1)).all(axis=1)

    @property
    def n_labels(self):
        """How many have a label."""
        return int(self.has_label.sum())


@dataclass(frozen=True, eq=False)
class EvaluatedBatch:
    """Some structures as flat arrays.

    Attributes:
        names: (n,) keys of the structures.
        species: (n_atoms,) index of each atom in the elements of the networks.
        structure: (n_atoms,) which of the n structures each atom belongs to.
        energies: Labelled (n,), total energies, eV.
        forces: Labelled (n_atoms, 3), eV/angstrom, or None.
        virials: Labelled (n, 6), eV, or None.
        cells: (n, 3, 3) cell vectors, angstrom, and
        pbc: (n, 3) bool, where virials are given.
        at_kink: names of structures whose forces were taken at a kink.
    """

    names: tuple[str, ...]
    species: np.ndarray
    structure: np.ndarray
    energies: Labelled
    forces: Labelled | None = None
    virials: Labelled | None = None
    cells: np.ndarray | None = None
    pbc: np.ndarray | None = None
    at_kink: tuple[str, ...] = ()

    def element_counts(self, n_species):
        """(n, n_species) atoms of each element in each structure."""
        slots = self.structure * n_species + self.species
        counts = np.bincount(slots, minlength=len(self.names) * n_species)
        return counts.reshape(-1, n_species)
