"""Minimum, maximum, mean and spread of each descriptor component of an element."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class ComponentMoments:
    """Statistics of the descriptors of some atoms of one element.

    Two of them merge without the atoms themselves, so that a data set of any size
    needs the memory of one batch.

    Attributes:
        n_atoms: how many atoms.
        minimum, maximum, mean: (g_size,) float64.
        m2: (g_size,) float64, sum over atoms of (G - mean)^2.
    """

    n_atoms: int
    minimum: np.ndarray
    maximum: np.ndarray
    mean: np.ndarray
    m2: np.ndarray

    @property
    def std(self):
        """(g_size,) standard deviation over the atoms, sqrt(m2 / n_atoms)."""
        return np.sqrt(self.m2 / self.n_atoms)

    def merged(self, other):
        """Statistics of both sets of atoms together.

        With d the difference of the means and n = n1 + n2:
        mean = mean1 + d n2 / n,  m2 = m2_1 + m2_2 + d^2 n1 n2 / n.

        Source: T. F. Chan, G. H. Golub, R. J. LeVeque, Am. Stat. 37, 242 (1983).
        """
        n_atoms = self.n_atoms + other.n_atoms
        difference = other.mean - self.mean
        fraction = other.n_atoms / n_atoms
        return ComponentMoments(
            n_atoms=n_atoms,
            minimum=np.minimum(self.minimum, other.minimum),
            maximum=np.maximum(self.maximum, other.maximum),
            mean=self.mean + difference * fraction,
            m2=self.m2 + other.m2 + difference**2 * self.n_atoms * fraction,
        )

    def to_dict(self):
        """The same as lists of numbers, exact."""
        arrays = ("minimum", "maximum", "mean", "m2")
        return {"n_atoms": self.n_atoms} | {
            a: getattr(self, a).tolist() for a in arrays
        }

    @classmethod
    def from_dict(cls, content):
        """The inverse of `to_dict`."""
        arrays = ("minimum", "maximum", "mean", "m2")
        return cls(content["n_atoms"], *(np.array(content[a], float) for a in arrays))


def component_moments(species, g):
    """Statistics of each element among some atoms.

    Args:
        species: (n_atoms,) species index of each atom.
        g: (n_atoms, g_size) descriptors; summed in float64.

    Returns:
        species index -> ComponentMoments, of the elements that occur.
    """
    moments = {}
    for index in np.unique(species).tolist():
        own = g[species == index].astype(np.float64)
        mean = own.mean(axis=0)
        moments[index] = ComponentMoments(
            n_atoms=len(own),
            minimum=own.min(axis=0),
            maximum=own.max(axis=0),
            mean=mean,
            m2=((own - mean) ** 2).sum(axis=0),
        )
    return moments


def merge_moments(one, other):
    """Species index -> ComponentMoments of two sets of atoms together."""
    merged = dict(one)
    for index, moments in other.items():
        merged[index] = merged[index].merged(moments) if index in merged else moments
    return merged
