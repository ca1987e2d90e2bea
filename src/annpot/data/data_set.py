"""Descriptor records, opened for training: counts, columns, access."""

from dataclasses import dataclass

import numpy as np

from annpot.data.atom_tables import FlatRecords
from annpot.data.component_extremes import ComponentExtremes
from annpot.data.pipeline import RecordStream


@dataclass(frozen=True)
class DataSet:
    """What is known of all records, and the records themselves where they fit.

    Attributes:
        stream: RecordStream over the records.
        energies: (n_records,) total energies, eV, float64.
        element_counts: (n_records, n_species) atoms of each element.
        extremes: ComponentExtremes of the descriptors.
        resident: FlatRecords, all of them in parts, or None when it is streamed.
    """

    stream: RecordStream
    energies: np.ndarray
    element_counts: np.ndarray
    extremes: ComponentExtremes
    resident: tuple[FlatRecords, ...] | None

    def __len__(self):
        return len(self.energies)

    @property
    def n_atoms(self):
        """(n_records,) atoms of each record."""
        return self.element_counts.sum(axis=1)

    @property
    def used(self):
        """(n_species, n_features) whether a descriptor column differs from zero.

        In any atom of the element.
        """
        return self.extremes.used


def open_data_set(index, n_features, n_species, options, memory_budget, advance):
    """Read records once and keep what training needs of them.

    Args:
        index: RecordIndex of a folder, or of a part of it.
        n_features: descriptor length (g_size).
        n_species: number of elements.
        options: ReadingOptions.
        memory_budget: bytes of records that may stay in memory; more are streamed,
            with memory that does not grow with their number but for the per-record
            counts.
        advance: called with the number of records after each part.

    Returns:
        DataSet.

    Raises:
        InputError: see `RecordStream.batches`.
    """
    stream = RecordStream(index, n_features, n_species, options)
    keep = index.n_bytes <= memory_budget
    parts, energies, counts = [], [], []
    extremes = ComponentExtremes.of_none(n_species, n_features)
    for part in stream.whole():
        energies.append(part.energies)
        counts.append(part.element_counts(n_species))
        extremes.widen(part.species, part.g)
        if keep:
            parts.append(part)
        advance(len(part.n_atoms))
    return DataSet(
        stream=stream,
        energies=np.concatenate(energies),
        element_counts=np.concatenate(counts),
        extremes=extremes,
        resident=tuple(parts) if keep else None,
    )
