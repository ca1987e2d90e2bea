"""Chunks of batches for the compiled step, from memory or streamed from disk."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from annpot.data.atom_tables import AtomTables, atom_tables
from annpot.training.batch import Chunk, largest_capacities, make_chunk
from annpot.training.order import batch_records


@dataclass(frozen=True)
class FeedSettings:
    """What the feed needs to know of a run.

    Attributes:
        order_seed: seed of the order of records, None for the order of the files.
        batch_size: structures per batch.
        chunk_size: most batches per chunk.
        columns: for each element the descriptor columns in use, or None for all.
        capacities: usual room for the atoms of each element in a batch.
    """

    order_seed: int | None
    batch_size: int
    chunk_size: int
    columns: tuple
    capacities: tuple[int, ...]


@dataclass(frozen=True)
class Piece:
    """A chunk with the tables that its rows point into.

    Attributes:
        tables: AtomTables.
        chunk: Chunk.
    """

    tables: AtomTables
    chunk: Chunk


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
        self.largest = tuple(
            int(n) for n in largest_capacities(data.element_counts, settings.batch_size)
        )
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
        cuts = (cut for segment in segments for cut in self._cuts(*segment))
        return self._resident(cuts) if self.is_resident else self._streamed(cuts)

    def _cuts(self, first_step, n_steps):
        """(records, is_large) of a segment, cut where a batch needs more room."""
        settings = self.settings
        end = first_step + n_steps
        for step in range(first_step, end, settings.chunk_size):
            records = batch_records(
                settings.order_seed,
                len(self.data),
                settings.batch_size,
                step,
                min(settings.chunk_size, end - step),
            )
            atoms = self.data.element_counts[records].sum(axis=1)  # (steps, n_species)
            is_large = (atoms > np.array(settings.capacities)).any(axis=1)
            borders = np.flatnonzero(np.diff(is_large)) + 1
            for steps in np.split(np.arange(len(records)), borders):
                yield records[steps], bool(is_large[steps[0]])

    def _room(self, is_large):
        return self.largest if is_large else self.settings.capacities

    def _resident(self, cuts):
        for records, is_large in cuts:
            chunk = make_chunk(
                self._tables, records, self._room(is_large), self.targets
            )
            yield Piece(self._tables, chunk)

    def _streamed(self, cuts):
        known = []  # what was asked of the stream and not yet received

        def asked():
            for records, is_large in cuts:
                known.append((records, is_large))
                yield records.ravel()

        stream = self.data.stream
        ahead = max(1, stream.options.prefetch // self.settings.chunk_size)
        for flat in stream.batches(asked(), prefetch=ahead):
            records, is_large = known.pop(0)
            room = self._room(is_large)
            n_rows = [self.settings.chunk_size * capacity + 1 for capacity in room]
            tables = atom_tables([flat], self.settings.columns, n_rows)
            local = np.arange(records.size).reshape(records.shape)
            chunk = make_chunk(tables, local, room, self.targets[records.ravel()])
            yield Piece(tables, chunk)
