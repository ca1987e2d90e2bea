"""Neighbour lists of all structures, made once: in memory, or in a nameless file.

A structure with 60,000 triplets has lists of half a megabyte, so that those of a large
data set do not fit into memory. Beyond the budget they are written to a temporary file
once, and those of a batch are read from it. The file vanishes with the process.
"""

import os
import tempfile
import weakref
from typing import NamedTuple

import numpy as np

from annpot import files
from annpot.descriptors.pair_lists import pair_lists

ATOMS_TOGETHER = 2048
# Which arrays count what: they are as long as there are pairs, near pairs, ...
ROWS_OF = {
    "i": "pair_first",
    "j": "pair_first",
    "neighbor_species": "pair_first",
    "vectors": "pair_first",
    "near": "near_first",
    "a": "triplet_first",
    "b": "triplet_first",
    "centre": "block_first",
    "pair_type": "block_first",
}
FIRSTS = ("pair_first", "near_first", "block_first", "triplet_first")


class NeighborLists(NamedTuple):
    """PairLists of some structures; `vectors` in the precision of the run.

    `*_first` (n_structures + 1,) int64: where the entries of each structure start.
    For the rest see `annpot.descriptors.pair_lists.PairLists`.
    """

    pair_first: np.ndarray
    near_first: np.ndarray
    block_first: np.ndarray
    triplet_first: np.ndarray
    i: np.ndarray
    j: np.ndarray
    neighbor_species: np.ndarray
    vectors: np.ndarray
    near: np.ndarray
    a: np.ndarray
    b: np.ndarray
    centre: np.ndarray
    pair_type: np.ndarray


class NeighborStore:
    """Lists of a StructureSet.

    Args:
        structures: StructureSet.
        settings: DescriptorSettings.
        block: triplets per block, see `annpot.descriptors.pair_lists`.
        dtype: of the neighbour vectors.
        budget: bytes that may stay in memory.
        folder: where a temporary file may be made.
        advance: called with the number of structures after each part.
    """

    def __init__(self, structures, settings, block, dtype, budget, folder, advance):
        self.block = block
        self._parts, self._file, self.n_bytes = [], None, 0
        counts = {name: [] for name in FIRSTS}
        with files.explained_write_errors(folder):
            for records, batch in structures.parts(ATOMS_TOGETHER):
                lists = pair_lists(batch, settings, block)
                for name in FIRSTS[:3]:
                    counts[name].append(np.diff(getattr(lists, name)))
                counts["triplet_first"].append(np.diff(lists.block_first) * block)
                self._keep(_arrays(lists, dtype), budget, folder)
                advance(len(records))
            for file in (self._file or {}).values():
                file.flush()
        self.first = {
            name: np.concatenate([[0], np.cumsum(np.concatenate(counts[name]))])
            for name in FIRSTS
        }
        self._lists = self._joined()

    def _keep(self, arrays, budget, folder):
        """Add the arrays of a part to the memory, or to the file once it is full."""
        self.n_bytes += sum(values.nbytes for values in arrays.values())
        self._parts.append(arrays)
        if self.n_bytes > budget and self._file is None:
            files.make_folder(folder)
            self._file = {
                name: tempfile.TemporaryFile(dir=folder)  # noqa: SIM115, lives on
                for name in arrays
            }
            weakref.finalize(self, _close, list(self._file.values()))
        if self._file is not None:
            for part in self._parts:
                for name, values in part.items():
                    self._file[name].write(values.tobytes())
            self._forms = {n: (v.dtype, v.shape[1:]) for n, v in arrays.items()}
            self._parts = []

    def _joined(self):
        if self._file is not None:
            return None
        columns = {
            name: np.concatenate([part[name] for part in self._parts])
            for name in ROWS_OF
        }
        self._parts = []
        return NeighborLists(**self.first, **columns)

    @property
    def is_resident(self):
        """Whether the lists are in memory."""
        return self._lists is not None

    def counts(self):
        """(n_structures, 3) pairs, near pairs and blocks of each structure."""
        return np.stack([np.diff(self.first[name]) for name in FIRSTS[:3]], axis=1)

    def lists_of(self, records):
        """Lists that cover some structures, and their numbers in them.

        Args:
            records: integer array of structures, of any shape.

        Returns:
            NeighborLists, and `records` renumbered for it.
        """
        if self._lists is not None:
            return self._lists, records
        distinct, renumbered = np.unique(records, return_inverse=True)
        firsts = {
            name: np.concatenate([[0], np.cumsum(np.diff(first)[distinct])])
            for name, first in self.first.items()
        }
        columns = {
            name: self._read(name, self.first[rows], distinct)
            for name, rows in ROWS_OF.items()
        }
        lists = NeighborLists(**firsts, **columns)
        return lists, renumbered.reshape(records.shape)

    def _read(self, name, first, records):
        dtype, shape = self._forms[name]
        row = dtype.itemsize * int(np.prod(shape))
        descriptor = self._file[name].fileno()
        pieces = [
            os.pread(
                descriptor, int(first[r + 1] - first[r]) * row, int(first[r]) * row
            )
            for r in records
        ]
        return np.frombuffer(b"".join(pieces), dtype).reshape(-1, *shape)


def _close(opened):
    for file in opened:
        file.close()


def _arrays(lists, dtype):
    return {
        name: np.ascontiguousarray(
            getattr(lists, name), dtype if name == "vectors" else np.int32
        )
        for name in ROWS_OF
    }
