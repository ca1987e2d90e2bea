"""The least and the greatest descriptor of each component among atoms of an element."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class ComponentExtremes:
    """Extremes over the atoms seen so far; inf and -inf of an element without atoms.

    Attributes:
        minimum, maximum: (n_species, n_features) float64.
    """

    minimum: np.ndarray
    maximum: np.ndarray

    @classmethod
    def of_none(cls, n_species, n_features):
        """Those of no atom at all."""
        shape = n_species, n_features
        return cls(np.full(shape, np.inf), np.full(shape, -np.inf))

    @property
    def used(self):
        """(n_species, n_features) whether a component differs from zero anywhere."""
        differs = (self.minimum != 0) | (self.maximum != 0)
        return differs & (self.minimum <= self.maximum)

    def widen(self, species, g):
        """Take more atoms in.

        Args:
            species: (n_atoms,) species index of each atom.
            g: (n_atoms, n_features) descriptors.
        """
        for index in np.flatnonzero(np.bincount(species)):
            own = g[species == index]
            least, most = self.minimum[index], self.maximum[index]
            np.minimum(least, own.min(axis=0), out=least)
            np.maximum(most, own.max(axis=0), out=most)
