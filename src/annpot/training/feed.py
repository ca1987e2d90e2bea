"""Chunks of batches for the compiled step, from memory or streamed from disk."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from annpot.data.atom_tables import AtomTables, atom_tables
from annpot.training.batch import Chunk, make_chunk
from annpot.training.cuts import CutSettings, cuts
from annpot.training.shares import chunk_of_shares


@dataclass(frozen=True)
class FeedSettings(CutSettings):
    """What the feed needs to know of a run.

    Attributes:
        columns: for each element the descriptor columns in use, or None for all.
    """

    columns: tuple


@dataclass(frozen=True)
class Piece:
    """A chunk with the tables that its rows point into.

    Attributes:
        tables: AtomTables.
        chunk: Chunk; with several devices a tuple of them, one for each.
    """

    tables: AtomTables
    chunk: Chunk | tuple[Chunk, ...]


class Feed:
    """Pieces of a run, in order.

    Resident data are sorted by element once; streamed data are read batch by batch
    into small tables of the same form. The step sees the same numbers either way.

    Args:
        data: DataSet.
        targets: (n_records,) energies without offsets, eV, float64.
        settings: FeedSettings.
    """

    def __init__(self, data, targets, settings):
        self.targets = targets
        self.settings = settings
        self.is_resident = data.resident is not None
        self._tables = (
            atom_tables(data.resident, settings.columns) if self.is_resident else None
        )
        self.data = replace(data, resident=None)  # the tables hold it all

    def pieces(self, segments) -> Iterator[Piece]:
        """Pieces of consecutive segments.

        Args:
            segments: iterable of (first_step, n_steps).
        """
        stretches = cuts(self.settings, self.data.element_counts, segments)
        if self.is_resident:
            return self._resident(stretches)
        return self._streamed(stretches)

    def _resident(self, stretches):
        for records, room in stretches:
            yield self._piece(self._tables, records, room, self.targets)

    def _streamed(self, stretches):
        known = []  # what was asked of the stream and not yet received

        def asked():
            for records, room in stretches:
                known.append((records, room))
                yield records.ravel()

        stream = self.data.stream
        ahead = max(1, stream.options.prefetch // self.settings.chunk_size)
        for flat in stream.batches(asked(), prefetch=ahead):
            records, room = known.pop(0)
            most = self.settings.chunk_size * self.settings.n_devices
            n_rows = [most * capacity + 1 for capacity in room]
            tables = atom_tables([flat], self.settings.columns, n_rows)
            local = np.arange(records.size).reshape(records.shape)
            yield self._piece(tables, local, room, self.targets[records.ravel()])

    def _piece(self, tables, records, room, targets):
        chunk = chunk_of_shares(
            lambda part: make_chunk(tables, part, room, targets),
            records,
            self.settings.n_devices,
        )
        return Piece(tables, chunk)
