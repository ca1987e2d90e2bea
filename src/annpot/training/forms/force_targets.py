"""Labels of a data set as training on forces compares them with the network."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from annpot.training.batch import Chunk, ForceLabels
from annpot.training.forms.placing import place_atoms


@dataclass(frozen=True, eq=False)
class ForceTargets:
    """Reference values of all structures; atoms one after another.

    Attributes:
        first: (n_structures + 1,) first atom of each structure.
        species: (n_atoms,) element of each atom.
        energies: (n_structures,) without offsets, eV; NaN where there is none.
        forces: (n_atoms, 3) eV/angstrom; NaN where there are none.
        virials: (n_structures, 6) eV; NaN where there is none.
        projectors: (n_structures, 3, 3) on the span of the periodic directions.
    """

    first: np.ndarray
    species: np.ndarray
    energies: np.ndarray
    forces: np.ndarray
    virials: np.ndarray
    projectors: np.ndarray

    @cached_property
    def n_atoms(self):
        """(n_structures,) atoms of each structure."""
        return np.diff(self.first)

    @cached_property
    def has_energy(self):
        """(n_structures,) whether there is an energy."""
        return ~np.isnan(self.energies)

    @cached_property
    def has_forces(self):
        """(n_structures,) whether there are forces."""
        missing = np.isnan(self.forces).any(axis=1)
        owner = np.repeat(np.arange(len(self.energies)), self.n_atoms)
        return np.bincount(owner[missing], minlength=len(self.energies)) == 0

    @cached_property
    def has_virial(self):
        """(n_structures,) whether there is a virial that means something."""
        periodic = self.projectors.any(axis=(1, 2))
        return periodic & ~np.isnan(self.virials).any(axis=1)

    def chunk(self, records, capacities):
        """(Chunk without rows and geometry, atoms (n_steps, n_places)).

        Args:
            records: (n_steps, batch_size).
            capacities: for each element the atoms that a batch has room for.

        Returns:
            the Chunk, and the atom of the data set in each place, -1 for none.
        """
        n_steps, batch_size = records.shape
        ends = np.cumsum(capacities)
        owners = np.full((n_steps, ends[-1]), batch_size, np.int32)
        atoms = np.full((n_steps, ends[-1]), -1, np.int64)
        starts = ends - np.array(capacities)
        place_atoms(records, self.first, self.species, starts, owners, atoms)
        chunk = Chunk(
            rows=(),
            owners=tuple(np.split(owners, ends[:-1], axis=1)),
            targets=np.nan_to_num(self.energies[records], nan=0.0),
            n_atoms=self.n_atoms[records].astype(np.float64),
            labels=self.labels(records, atoms),
        )
        return chunk, atoms

    def labels(self, records, atoms):
        """ForceLabels of some structures.

        Args:
            records: structures, in an array of any shape.
            atoms: atoms, in an array of any shape; -1 for none.
        """
        return ForceLabels(
            has_energy=self.has_energy[records],
            forces=np.where(atoms[..., None] >= 0, self._known_forces[atoms], 0.0),
            has_forces=self.has_forces[records],
            virials=np.nan_to_num(self.virials[records], nan=0.0),
            has_virial=self.has_virial[records],
            projectors=self.projectors[records],
        )

    @cached_property
    def _known_forces(self):
        return np.nan_to_num(self.forces, nan=0.0)
