"""Padded index arrays: they add up, they fit, and unused places point to nothing."""

import numpy as np
import pytest

from annpot.data.atom_tables import FlatRecords, atom_tables
from annpot.training.batch import batch_capacities, largest_capacities, make_chunk
from annpot.training.order import batch_records

N_SPECIES = 3


@pytest.fixture
def records():
    """Twelve structures of 1 to 6 atoms; the last element is in one of them only."""
    rng = np.random.default_rng(3)
    n_atoms = rng.integers(1, 7, 12)
    species = rng.integers(0, N_SPECIES - 1, n_atoms.sum())
    species[-1] = N_SPECIES - 1
    # Whole numbers: sums are exact in any order.
    g = rng.integers(1, 100, (n_atoms.sum(), 5)).astype(np.float32)
    return FlatRecords(rng.normal(size=12), n_atoms, species, g)


def sums_of_chunk(tables, chunk, batch_size, column):
    """(n_steps, batch_size) sum of a descriptor column over each structure's atoms."""
    n_steps = len(chunk.targets)
    sums = np.zeros((n_steps, batch_size + 1))
    for g, rows, owners in zip(tables.g, chunk.rows, chunk.owners, strict=True):
        for step in range(n_steps):
            np.add.at(sums[step], owners[step], g[rows[step], column])
    assert not sums[:, batch_size].any()  # what unused places point to is zero
    return sums[:, :batch_size]


@pytest.mark.parametrize("spare", [0, 3])
def test_sums_over_atoms_of_each_structure(records, spare):
    batches = np.random.default_rng(1).integers(0, 12, (7, 4))
    tables = atom_tables([records], (None,) * N_SPECIES)
    capacities = largest_capacities(tables.counts, 4) + spare
    chunk = make_chunk(tables, batches, capacities, records.energies)
    owner = np.repeat(np.arange(12), records.n_atoms)
    for column in range(5):
        expected = np.bincount(owner, weights=records.g[:, column])
        found = sums_of_chunk(tables, chunk, 4, column)
        np.testing.assert_array_equal(found, expected[batches])


def test_targets_and_sizes_follow_the_batches(records):
    batches = np.array([[0, 5], [5, 11]])
    tables = atom_tables([records], (None,) * N_SPECIES)
    chunk = make_chunk(tables, batches, [12] * 3, records.energies)
    np.testing.assert_array_equal(chunk.targets, records.energies[batches])
    np.testing.assert_array_equal(chunk.n_atoms, records.n_atoms[batches])
    assert chunk.targets.dtype == chunk.n_atoms.dtype == np.float64


def test_unused_places_belong_to_no_structure(records):
    tables = atom_tables([records], (None,) * N_SPECIES)
    chunk = make_chunk(tables, np.array([[0]]), [9, 9, 9], records.energies)
    for element, (rows, owners) in enumerate(
        zip(chunk.rows, chunk.owners, strict=True)
    ):
        n_used = tables.counts[0, element]
        assert (owners[0, :n_used] == 0).all()
        assert (owners[0, n_used:] == 1).all()  # the batch size
        assert (rows[0, n_used:] == len(tables.g[element]) - 1).all()
        assert not tables.g[element][-1].any()


def test_tables_keep_the_chosen_columns_of_each_element(records):
    columns = (np.array([0, 4]), None, np.array([2]))
    tables = atom_tables([records], columns)
    np.testing.assert_array_equal(
        tables.g[0][:-1], records.g[records.species == 0][:, [0, 4]]
    )
    np.testing.assert_array_equal(tables.g[1][:-1], records.g[records.species == 1])
    assert tables.g[2].shape == (2, 1)


COUNTS = np.array([[3, 0], [5, 0], [1, 0], [4, 0], [2, 0]])


@pytest.mark.parametrize("batch_size", [1, 2, 3, 4, 5])
def test_the_largest_capacity_is_that_of_the_fullest_batch(batch_size):
    # A batch is the end of one pass and the start of the next; the fullest one has
    # the fullest records in both.
    found = largest_capacities(COUNTS, batch_size)
    sizes = [0, 5, 9, 12, 14, 15]  # sums of the n fullest records
    expected = max(sizes[a] + sizes[batch_size - a] for a in range(batch_size + 1))
    assert found.tolist() == [expected, 1]  # no atoms: one place all the same


@pytest.mark.parametrize("batch_size", [6, 9, 10, 12, 13, 31])
def test_the_largest_capacity_covers_batches_larger_than_the_data(batch_size):
    drawn = batch_records(1, len(COUNTS), batch_size, 0, 3000)
    fullest = COUNTS[drawn, 0].sum(axis=1).max()
    assert largest_capacities(COUNTS, batch_size)[0] >= fullest


def test_usual_capacity_is_five_sigma_above_the_mean():
    counts = np.array([[1, 2], [3, 2]] * 500)  # means 2 and 2, sigmas 1 and 0
    # 100 structures: 200 + 5 x sqrt(100) and 200 exactly.
    assert batch_capacities(counts, 100).tolist() == [250, 200]
    # Two structures: 4 + 5 x sqrt(2) = 11.1, but no batch holds more than 3 + 3.
    assert batch_capacities(counts, 2).tolist() == [6, 4]
