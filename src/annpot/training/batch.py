"""From record numbers to the index arrays that the compiled step reads."""

from typing import NamedTuple

import numpy as np

LADDER = 2.0  # batches that differ more in size than this get shapes of their own
MOST_SMALLER_SHAPES = 3
SIGMAS = 5.0  # within which almost every batch lies
COMMON = 2.0  # within which most of them lie
# Where forces are trained, every place costs what all its neighbours do: a smaller
# margin, which one batch in some thousands leaves.
SIGMAS_OF_FORCES = 3.5


class ForceLabels(NamedTuple):
    """What a chunk holds beside energies when forces or virials are trained.

    Attributes:
        has_energy: (n_steps, batch_size) bool.
        forces: (n_steps, n_places, 3) float64, eV/angstrom; 0 where there is none.
        has_forces: (n_steps, batch_size) bool.
        virials: (n_steps, batch_size, 6) float64, eV; 0 where there is none.
        has_virial: (n_steps, batch_size) bool; not where nothing is periodic.
        projectors: (n_steps, batch_size, 3, 3) on the span of the periodic directions.
    """

    has_energy: np.ndarray
    forces: np.ndarray
    has_forces: np.ndarray
    virials: np.ndarray
    has_virial: np.ndarray
    projectors: np.ndarray


class Chunk(NamedTuple):
    """Arrays of a run of consecutive batches; the first axis counts the steps.

    The places of a batch are those of the first element, then those of the second and
    so on: n_places = sum of the capacities.

    Attributes:
        rows: for each element (n_steps, capacity_s) int32 rows of its atom table;
            unused places point to the table's last row, which is zero. Without tables
            an empty tuple.
        owners: for each element (n_steps, capacity_s) int32 structure of the batch
            that each atom belongs to; batch_size for unused places.
        targets: (n_steps, batch_size) energies without offsets, eV, float64.
        n_atoms: (n_steps, batch_size) atoms per structure, float64.
        labels: ForceLabels, or an empty tuple when energies alone are trained.
        geometry: what forces are made from, see `stored_blocks` and `geometry` in
            `annpot.training.forms`; or an empty tuple.
    """

    rows: tuple[np.ndarray, ...]
    owners: tuple[np.ndarray, ...]
    targets: np.ndarray
    n_atoms: np.ndarray
    labels: ForceLabels | tuple = ()
    geometry: tuple = ()


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


def batch_shapes(counts, batch_size, sizes, sigmas=SIGMAS):
    """Capacities of the programs of a run, from small to large.

    One shape for almost all batches, `batch_capacities`. Where batches differ more
    than twice in size, halves, quarters and eighths of it as well, down to the small
    ones among them. Last, where it is more, the shape of the fullest batch there can
    be. A function of the data and the batch size alone.

    Args:
        counts: (n_records, n_columns) what a record needs room for: atoms of each
            element and whatever else a batch lists.
        batch_size: structures per batch.
        sizes: (n_records,) what a record costs.
        sigmas: see `batch_capacities`.

    Returns:
        tuple of tuples of n_columns integers.
    """
    usual = batch_capacities(counts, batch_size, sigmas)
    largest = largest_capacities(counts, batch_size)
    spread = COMMON * sizes.std() * np.sqrt(batch_size)
    ends = np.sort(np.resize(np.sort(sizes), max(batch_size, len(sizes))))
    low = max(sizes.mean() * batch_size - spread, ends[:batch_size].sum(), 1.0)
    high = min(sizes.mean() * batch_size + spread, ends[-batch_size:].sum())
    halvings = int(np.clip(np.log2(max(high / low, 1.0)), 0, MOST_SMALLER_SHAPES))
    if high <= LADDER * low:
        halvings = 0
    shapes = [-(-usual // 2**k) for k in range(halvings, -1, -1)]
    if (largest > usual).any():
        shapes.append(np.maximum(largest, usual))
    return tuple(tuple(int(n) for n in shape) for shape in shapes)


def batch_capacities(counts, batch_size, sigmas=SIGMAS):
    """Atoms of each element (or what else is counted) that a batch has room for.

    mean B + sigmas sigma sqrt(B), at most the B fullest records: a function of the data
    and the batch size alone, never of the length of the run. A batch beyond it (one in
    millions with 5 sigmas) runs in a program of `largest_capacities` instead.

    Args:
        counts: (n_records, n_species) atoms of each element in each record.
        batch_size: structures per batch.
        sigmas: standard deviations of the sum over a batch that still have room.

    Returns:
        (n_species,) int64, each at least 1.
    """
    expected = counts.mean(axis=0) * batch_size
    spread = sigmas * counts.std(axis=0) * np.sqrt(batch_size)
    usual = np.ceil(expected + spread).astype(np.int64)
    return np.minimum(usual, largest_capacities(counts, batch_size)).clip(min=1)


def largest_capacities(counts, batch_size):
    """Atoms of each element in the fullest batch that any order can draw."""
    repeats = -(-batch_size // len(counts))  # a batch may hold a record twice
    fullest = np.sort(np.tile(counts, (repeats + 1, 1)), axis=0)[::-1][:batch_size]
    return fullest.sum(axis=0).clip(min=1)
