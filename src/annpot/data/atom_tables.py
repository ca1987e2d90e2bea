"""Records as flat arrays, and atoms sorted by element: the shapes training works on."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class FlatRecords:
    """Many structures, their atoms one after another.

    Attributes:
        energies: (n_records,) total energies, eV, float64.
        n_atoms: (n_records,).
        species: (n_atoms_total,) index of the element of each atom.
        g: (n_atoms_total, n_features) descriptors, float32.
    """

    energies: np.ndarray
    n_atoms: np.ndarray
    species: np.ndarray
    g: np.ndarray

    def element_counts(self, n_species):
        """(n_records, n_species) atoms of each element in each record."""
        n_records = len(self.n_atoms)
        owner = np.repeat(np.arange(n_records), self.n_atoms)
        flat = np.bincount(
            owner * n_species + self.species, minlength=n_records * n_species
        )
        return flat.reshape(n_records, n_species)


@dataclass(frozen=True)
class AtomTables:
    """Atoms of many records sorted by element, a record's atoms side by side.

    Attributes:
        g: for each element (n_rows_s, n_columns_s) descriptors; rows after the last
            atom, at least one, are zero and stand for "no atom".
        first: (n_records, n_species) row of a record's first atom of each element.
        counts: (n_records, n_species) number of its atoms of each element.
        energies: (n_records,) total energies, eV, float64.
    """

    g: tuple[np.ndarray, ...]
    first: np.ndarray
    counts: np.ndarray
    energies: np.ndarray


def atom_tables(parts, columns, n_rows=None):
    """Sort the atoms of records by element.

    Args:
        parts: sequence of FlatRecords.
        columns: for each element the indices of the descriptor columns to keep, or
            None for all.
        n_rows: for each element the number of rows of its table; the number of its
            atoms plus one when None.

    Returns:
        AtomTables of the records of all parts, in their order.
    """
    n_species = len(columns)
    counts = np.concatenate([part.element_counts(n_species) for part in parts])
    n_rows = counts.sum(axis=0) + 1 if n_rows is None else n_rows
    tables = []
    for element, kept in enumerate(columns):
        width = parts[0].g.shape[1] if kept is None else len(kept)
        table = np.zeros((n_rows[element], width), parts[0].g.dtype)
        row = 0
        for part in parts:
            atoms = np.flatnonzero(part.species == element)
            chosen = atoms if kept is None else np.ix_(atoms, kept)
            table[row : row + len(atoms)] = part.g[chosen]
            row += len(atoms)
        tables.append(table)
    first = np.cumsum(counts, axis=0) - counts
    energies = np.concatenate([part.energies for part in parts])
    return AtomTables(tuple(tables), first, counts, energies)
