"""Derivatives of descriptors in tables, and what a batch takes from them.

A block holds dG_i/dr_k of one atom i and one atom k that it depends on. Blocks of an
atom i are kept in groups of a fixed number, the last one filled up with zeros: a group
times dE/dG_i is one small product of matrices, and atoms with many and with few
neighbours waste little. Tables are per element and hold the columns in use only.
"""

from typing import NamedTuple

import numpy as np

from annpot.compiled import compiled
from annpot.training.forms.placing import most_atoms, place_structures

GROUP_SIZES = (2, 3, 4, 5, 6, 8, 10, 12, 16)
GROUP_OVERHEAD = 100  # numbers that can be read in the time a group costs in addition


class StoredTables(NamedTuple):
    """Tables of the step, one array per element; the last row of each is zero.

    Attributes:
        g: (n_atoms_s + 1, n_columns_s) descriptors.
        blocks: (n_groups_s + 1, 3 group_s, n_columns_s) dG_i/dr_k, 1/angstrom.
        strain: (n_atoms_s + 1, 6, n_columns_s) dG_i/dstrain; empty without virials.
    """

    g: tuple[np.ndarray, ...]
    blocks: tuple[np.ndarray, ...]
    strain: tuple[np.ndarray, ...]


class StoredChunk(NamedTuple):
    """Groups of a run of batches; the first axis counts the steps.

    Attributes:
        rows: for each element (n_steps, n_groups_s) int32 rows of its blocks.
        atoms: the same shape: atom i, counted within the places of the element.
        moved: for each element (n_steps, n_groups_s group_s) int32 places of the
            atoms k; n_places for unused ones.
    """

    rows: tuple[np.ndarray, ...]
    atoms: tuple[np.ndarray, ...]
    moved: tuple[np.ndarray, ...]


class DerivativePart(NamedTuple):
    """Derivatives of the atoms of some consecutive structures.

    Attributes:
        species: (n_atoms,) element of each atom.
        first: (n_atoms + 1,) first block of each atom.
        moved: (n_blocks,) atom k, counted within its structure.
        values: (n_blocks, n_features, 3) dG_i/dr_k, 1/angstrom.
        strain: (n_atoms, n_features, 6), or None.
    """

    species: np.ndarray
    first: np.ndarray
    moved: np.ndarray
    values: np.ndarray
    strain: np.ndarray | None


class StoredBlocks:
    """Tables of derivatives of a data set.

    Args:
        parts: iterable of DerivativePart, the whole data set in order.
        columns: for each element the columns to keep, or None for all.
        dtype: of the tables.
    """

    def __init__(self, parts, columns, dtype):
        n_species = len(columns)
        counts = [[] for _ in columns]  # blocks of each atom, by element
        moved, values, strain = ([[] for _ in columns] for _ in range(3))
        species = []
        for part in parts:
            species.append(part.species)
            per_atom = np.diff(part.first)
            of_block = np.repeat(part.species, per_atom)
            for element, kept in enumerate(columns):
                kept = slice(None) if kept is None else kept
                chosen = np.flatnonzero(of_block == element)
                counts[element].append(per_atom[part.species == element])
                moved[element].append(part.moved[chosen])
                found = part.values[chosen][:, kept]
                values[element].append(found.transpose(0, 2, 1).astype(dtype))
                if part.strain is not None:
                    own = part.strain[part.species == element][:, kept]
                    strain[element].append(own.transpose(0, 2, 1).astype(dtype))
        self.species = np.concatenate(species)
        self.group_first = np.zeros(len(self.species), np.int64)
        self.group_count = np.zeros(len(self.species), np.int64)
        self.moved, self.blocks, self.strain = [], [], []
        for element in range(n_species):
            of_atom = np.concatenate(counts[element])
            self._pack(element, of_atom, moved[element], values[element])
            if any(strain):
                joined = np.concatenate(strain[element])
                blank = np.zeros((1, *joined.shape[1:]), dtype)
                self.strain.append(np.concatenate([joined, blank]))

    def _pack(self, element, counts, moved, values):
        """Put the blocks of an element into groups."""
        n_columns = values[0].shape[2]
        size = group_size(counts, n_columns)
        groups = -(-counts // size)
        first = np.cumsum(groups) - groups
        atoms = self.species == element
        self.group_first[atoms], self.group_count[atoms] = first, groups
        n_groups = int(groups.sum())
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        row, slot = np.repeat(first, counts) + within // size, within % size
        table = np.zeros((n_groups + 1, size, 3, n_columns), values[0].dtype)
        neighbors = np.full((n_groups, size), -1, np.int32)
        start = 0
        for part, ends in zip(values, moved, strict=True):
            here = slice(start, start + len(part))
            table[row[here], slot[here]] = part
            neighbors[row[here], slot[here]] = ends
            start += len(part)
        values.clear()
        self.blocks.append(table.reshape(n_groups + 1, size * 3, n_columns))
        self.moved.append(neighbors)

    def tables(self, g):
        """StoredTables with descriptors `g` of each element."""
        return StoredTables(tuple(g), tuple(self.blocks), tuple(self.strain))

    def group_counts(self, first):
        """(n_structures, n_species) groups of each structure.

        Args:
            first: (n_structures + 1,) first atom of each structure.
        """
        n_structures, n_species = len(first) - 1, len(self.blocks)
        owner = np.repeat(np.arange(n_structures), np.diff(first))
        slots = owner * n_species + self.species
        found = np.bincount(slots, self.group_count, n_structures * n_species)
        return found.astype(np.int64).reshape(n_structures, n_species)

    def chunk(self, records, first, starts, n_places, capacities):
        """StoredChunk of some batches.

        Args:
            records: (n_steps, batch_size) structures.
            first: (n_structures + 1,) first atom of each.
            starts: (n_species,) first place of each element.
            n_places: places for atoms of a batch.
            capacities: for each element the groups that a batch has room for.
        """
        n_steps, rows, atoms, moved = len(records), [], [], []
        for element, room in enumerate(capacities):
            size = self.moved[element].shape[1]
            last = len(self.blocks[element]) - 1
            rows.append(np.full((n_steps, room), last, np.int32))
            atoms.append(np.zeros((n_steps, room), np.int32))
            moved.append(np.full((n_steps, room * size), n_places, np.int32))
            fill_groups(
                records, first, self.species, starts, element,
                (self.group_first, self.group_count, self.moved[element]),
                (rows[-1], atoms[-1], moved[-1]),
            )  # fmt: skip
        return StoredChunk(tuple(rows), tuple(atoms), tuple(moved))


def group_size(counts, n_columns):
    """Blocks per group that make an element's table cheapest to read.

    Args:
        counts: (n_atoms,) blocks of each atom.
        n_columns: descriptor columns.
    """

    def cost(size):
        return int((-(-counts // size)).sum()) * (3 * size * n_columns + GROUP_OVERHEAD)

    return min(GROUP_SIZES, key=cost)


@compiled(nogil=True)
def fill_groups(records, first, species, starts, element, groups, out):
    """Write the groups of one element into the arrays of some batches.

    Args:
        records: (n_steps, batch_size).
        first, species, starts: see `placing.place_structures`.
        element: the element.
        groups: first group and number of groups of each atom, and the atoms k of each
            group (n_groups, group_size), -1 for none.
        out: rows, atoms and moved of the element.
    """
    group_first, group_count, neighbors = groups
    rows, atoms, moved = out
    size = neighbors.shape[1]
    place = np.empty(most_atoms(records, first), np.int64)
    for t in range(len(records)):
        place_structures(records[t], first, species, starts, place)
        before = k = 0
        for r in records[t]:
            for atom in range(first[r], first[r + 1]):
                if species[atom] != element:
                    continue
                own = place[before + atom - first[r]] - starts[element]
                for group in range(
                    group_first[atom], group_first[atom] + group_count[atom]
                ):
                    rows[t, k] = group
                    atoms[t, k] = own
                    for m in range(size):
                        if neighbors[group, m] >= 0:
                            moved[t, k * size + m] = place[before + neighbors[group, m]]
                    k += 1
            before += first[r + 1] - first[r]
