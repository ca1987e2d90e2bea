"""From record numbers to the index arrays that the compiled step reads."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Chunk:
    """Arrays of a run of consecutive batches.

    Attributes:
        rows: for each element (n_steps, capacity_s) int32 rows of its atom table;
            unused places point to the table's last row, which is zero.
        owners: for each element (n_steps, capacity_s) int32 structure of the batch
            that each atom belongs to; batch_size for unused places.
        targets: (n_steps, batch_size) energies without offsets, eV, float64.
        n_atoms: (n_steps, batch_size) atoms per structure, float64.
    """

    rows: tuple[np.ndarray, ...]
    owners: tuple[np.ndarray, ...]
    targets: np.ndarray
    n_atoms: np.ndarray


def make_chunk(tables, records, capacities, targets):
    """Index arrays of the batches `records` over `tables`.

    Args:
        tables: AtomTables.
        records: (n_steps, batch_size) rows of `tables.first`.
        capacities: for each element the atoms that a batch has room for.
        targets: (n_records,) energies without offsets, eV, float64.

    Returns:
        Chunk.
    """
    n_steps, batch_size = records.shape
    rows, owners = [], []
    for element, capacity in enumerate(capacities):
        counts = tables.counts[records, element].ravel()
        per_step = counts.reshape(n_steps, batch_size).sum(axis=1)
        n_atoms = int(counts.sum())
        # Position of every atom within its structure, then within its step.
        structure = np.repeat(np.arange(n_steps * batch_size), counts)
        within = np.arange(n_atoms) - np.repeat(np.cumsum(counts) - counts, counts)
        step = structure // batch_size
        place = np.arange(n_atoms) - np.repeat(np.cumsum(per_step) - per_step, per_step)
        row = np.full((n_steps, capacity), len(tables.g[element]) - 1, np.int32)
        owner = np.full((n_steps, capacity), batch_size, np.int32)
        row[step, place] = tables.first[records, element].ravel()[structure] + within
        owner[step, place] = structure % batch_size
        rows.append(row)
        owners.append(owner)
    n_atoms = tables.counts.sum(axis=1)[records].astype(np.float64)
    return Chunk(tuple(rows), tuple(owners), targets[records], n_atoms)


def batch_capacities(counts, batch_size):
    """Atoms of each element that almost every batch has room for.

    mean B + 5 sigma sqrt(B), at most the B fullest records: a function of the data
    and the batch size alone, never of the length of the run. A batch beyond it (one
    in millions) runs in a program of `largest_capacities` instead.

    Args:
        counts: (n_records, n_species) atoms of each element in each record.
        batch_size: structures per batch.

    Returns:
        (n_species,) int64, each at least 1.
    """
    expected = counts.mean(axis=0) * batch_size
    spread = 5.0 * counts.std(axis=0) * np.sqrt(batch_size)
    usual = np.ceil(expected + spread).astype(np.int64)
    return np.minimum(usual, largest_capacities(counts, batch_size)).clip(min=1)


def largest_capacities(counts, batch_size):
    """Atoms of each element in the fullest batch that any order can draw."""
    repeats = -(-batch_size // len(counts))  # a batch may hold a record twice
    fullest = np.sort(np.tile(counts, (repeats + 1, 1)), axis=0)[::-1][:batch_size]
    return fullest.sum(axis=0).clip(min=1)
