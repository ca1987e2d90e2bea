"""One atomic structure: where the atoms are and what is known about them."""

from dataclasses import dataclass, field

import numpy as np

from annpot.elements import ATOMIC_NUMBERS


def _no_cell():
    return np.zeros((3, 3))


def _isolated():
    return np.zeros(3, dtype=bool)


@dataclass(frozen=True, eq=False)
class Structure:
    """Atoms in a cell, with the labels that came with them.

    Attributes:
        name: unique key of the structure; its files are named after it.
        symbols: chemical symbol of each atom.
        positions: (n_atoms, 3) float64, Cartesian, angstrom.
        cell: (3, 3) float64, rows are the cell vectors, angstrom; a row is zero
            where there is no cell vector.
        pbc: (3,) bool, whether the structure repeats along each cell vector.
        energy: total energy, eV, or None.
        forces: (n_atoms, 3) float64, eV/angstrom, or None.
        virial: (6,) float64, eV, W = -V sigma in the order xx, yy, zz, yz, xz, xy
            with the signs of doc/conventions.md, or None.
        per_atom_energy: (n_atoms,) float64, eV, or None.
        total_charge: elementary charges.
    """

    name: str
    symbols: tuple[str, ...]
    positions: np.ndarray
    cell: np.ndarray = field(default_factory=_no_cell)
    pbc: np.ndarray = field(default_factory=_isolated)
    energy: float | None = None
    forces: np.ndarray | None = None
    virial: np.ndarray | None = None
    per_atom_energy: np.ndarray | None = None
    total_charge: float = 0.0

    @property
    def n_atoms(self):
        """Number of atoms."""
        return len(self.symbols)


def in_atomic_order(symbols):
    """Each different symbol once, by atomic number."""
    return tuple(sorted(set(symbols), key=ATOMIC_NUMBERS.get))
