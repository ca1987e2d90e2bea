"""Descriptors of structures in memory, made when they are asked for."""

import numpy as np

from annpot.data.atom_tables import FlatRecords
from annpot.data.component_extremes import ComponentExtremes
from annpot.data.data_set import DataSet
from annpot.data.pipeline import ReadingOptions
from annpot.data.structure_set import selected
from annpot.descriptors.calculator import batch_descriptors

ATOMS_TOGETHER = 4096


class StructureStream:
    """Batches of a StructureSet as FlatRecords, like `annpot.data.pipeline` gives.

    Args:
        structures: StructureSet.
        settings: DescriptorSettings.
        dtype: of the descriptors.
        options: ReadingOptions; only `prefetch` means something here.
    """

    def __init__(self, structures, settings, dtype, options=None):
        self.structures, self.settings, self.dtype = structures, settings, dtype
        self.options = options or ReadingOptions()

    def batches(self, record_batches, prefetch=None):
        """FlatRecords of each array of structure numbers, in the same order."""
        for records in record_batches:
            yield self._descriptors(
                records, selected(self.structures.batch, np.asarray(records))
            )

    def whole(self):
        """FlatRecords of the data set from first to last."""
        for records, batch in self.structures.parts(ATOMS_TOGETHER):
            yield self._descriptors(records, batch)

    def _descriptors(self, records, batch):
        return FlatRecords(
            energies=self.structures.energies[records],
            n_atoms=np.diff(batch.first),
            species=batch.species,
            g=batch_descriptors(batch, self.settings, self.dtype),
        )


def structure_data_set(structures, settings, dtype, budget, advance, options=None):
    """DataSet of a StructureSet, and which structures hold an atom that sees no other.

    Args:
        structures: StructureSet.
        settings: DescriptorSettings.
        dtype: of the descriptors.
        budget: bytes of descriptors that may stay in memory; 0 or less keeps none.
        advance: called with the number of structures after each part.
        options: ReadingOptions.

    Returns:
        DataSet, and the numbers of structures of several atoms in which the descriptor
        of an atom is zero.
    """
    stream = StructureStream(structures, settings, dtype, options)
    n_bytes = len(structures.batch.species) * settings.n_features
    keep = n_bytes * np.dtype(dtype).itemsize <= budget
    extremes = ComponentExtremes.of_none(structures.n_species, settings.n_features)
    parts, alone = [], [np.empty(0, np.int64)]
    n_done = 0
    for part in stream.whole():
        n_structures = len(part.n_atoms)
        owner = np.repeat(np.arange(n_structures), part.n_atoms)
        blind = np.unique(owner[~part.g.any(axis=1)])
        alone.append(n_done + blind[part.n_atoms[blind] > 1])
        n_done += n_structures
        extremes.widen(part.species, part.g)
        if keep:
            parts.append(part)
        advance(n_structures)
    data = DataSet(
        stream=stream,
        energies=structures.energies,
        element_counts=structures.element_counts,
        extremes=extremes,
        resident=tuple(parts) if keep else None,
    )
    return data, np.concatenate(alone)
