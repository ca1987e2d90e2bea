"""Neighbour lists in memory and in a file: the same, and read only where asked."""

import os
import tracemalloc

import numpy as np
import pytest

from annpot.data.structure_set import read_structure_set
from annpot.errors import InputError
from annpot.training.forms import neighbor_store
from annpot.training.forms.neighbor_store import ROWS_OF, NeighborStore
from reference.small_structures import SPECIES, settings, small_structures

BLOCK = 2


def nothing(_):
    """Progress that is not shown."""


def structures_of(n):
    return read_structure_set(small_structures(n), SPECIES, nothing)


@pytest.fixture(scope="module")
def structures():
    return structures_of(9)


def store_of(structures, folder, budget, dtype=np.float32):
    return NeighborStore(structures, settings(), BLOCK, dtype, budget, folder, nothing)


def lists_of_structure(store, record):
    """{name: its entries} of one structure."""
    lists, (number,) = store.lists_of(np.array([record]))
    return {
        name: getattr(lists, name)[
            getattr(lists, first)[number] : getattr(lists, first)[number + 1]
        ]
        for name, first in ROWS_OF.items()
    }


@pytest.mark.parametrize("budget", [0, 5000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_file_holds_what_memory_holds(
    structures, tmp_path, monkeypatch, budget, dtype
):
    # Several parts, of which with 5000 bytes the first ones stay in memory at first.
    monkeypatch.setattr(neighbor_store, "ATOMS_TOGETHER", 8)
    resident = store_of(structures, tmp_path, 1e9, dtype)
    filed = store_of(structures, tmp_path / "new", budget, dtype)
    assert resident.is_resident
    assert not filed.is_resident
    assert filed.n_bytes == resident.n_bytes > 5000
    np.testing.assert_array_equal(filed.counts(), resident.counts())
    for record in range(len(structures)):
        one, other = (lists_of_structure(s, record) for s in (filed, resident))
        for name, values in other.items():
            np.testing.assert_array_equal(one[name], values, strict=True)
    assert other["vectors"].dtype == dtype


def test_lists_of_several_structures_are_renumbered(structures, tmp_path):
    store = store_of(structures, tmp_path, 0)
    records = np.array([[7, 2], [2, 4]])
    lists, listed = store.lists_of(records)
    assert listed.tolist() == [[2, 0], [0, 1]]
    assert len(lists.pair_first) == 4
    for record, number in zip(records.ravel(), listed.ravel(), strict=True):
        pairs = slice(*lists.pair_first[number : number + 2])
        expected = lists_of_structure(store, record)["vectors"]
        np.testing.assert_array_equal(lists.vectors[pairs], expected)


def test_only_what_a_batch_needs_is_read(structures, tmp_path, monkeypatch):
    store = store_of(structures, tmp_path, 0)
    read, pread = [], os.pread

    def counted(descriptor, n_bytes, offset):
        read.append(n_bytes)
        return pread(descriptor, n_bytes, offset)

    monkeypatch.setattr(os, "pread", counted)
    own = lists_of_structure(store, 3)
    assert sum(read) == sum(values.nbytes for values in own.values())
    assert 0 < sum(read) < store.n_bytes / 4
    read.clear()
    store.lists_of(np.array([3, 3, 3]))  # once is enough
    assert sum(read) == sum(values.nbytes for values in own.values())


def test_memory_does_not_grow_with_the_data(tmp_path, monkeypatch):
    monkeypatch.setattr(neighbor_store, "ATOMS_TOGETHER", 64)

    def peak(copies, budget):
        structures = read_structure_set(small_structures(20) * copies, SPECIES, nothing)
        tracemalloc.start()
        store = store_of(structures, tmp_path, budget)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used, store.n_bytes

    peak(1, 0)  # compiles
    small, _ = peak(2, 0)
    filed, n_bytes = peak(20, 0)
    resident, _ = peak(20, 1e9)
    assert n_bytes > 1e6
    # What grows are the counts of the structures.
    assert filed < small + 0.2 * n_bytes
    assert resident > n_bytes


def test_the_file_has_no_name(structures, tmp_path):
    store = store_of(structures, tmp_path / "run", 0)
    assert not store.is_resident
    assert list((tmp_path / "run").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told(structures, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file.*cannot be (written|made|created)"):
        store_of(structures, tmp_path / "file" / "run", 0)
