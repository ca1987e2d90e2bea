"""Shares of a batch: nothing is lost, and counts are those of the whole."""

import numpy as np

from annpot.training.batch import Chunk, ForceLabels
from annpot.training.shares import (
    chunk_of_shares,
    common_share,
    divided,
    largest_needs,
)

RECORDS = np.arange(14).reshape(2, 7)


def test_the_first_devices_get_one_structure_more():
    parts = divided(RECORDS, 3)
    assert [part.shape[1] for part in parts] == [3, 2, 2]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), RECORDS)


def test_a_single_device_gets_the_batch_itself():
    assert chunk_of_shares(lambda records: records, RECORDS, 1) is RECORDS
    parts = chunk_of_shares(lambda records: records.shape, RECORDS, 2)
    assert parts == ((2, 4), (2, 3))


def test_room_is_that_of_the_fullest_share():
    counts = np.array([[n % 3, 10 * n] for n in range(14)])
    needs = largest_needs(counts, RECORDS, 3)
    # Batch 0: {0, 1, 2}, {3, 4}, {5, 6}; batch 1: {7, 8, 9}, {10, 11}, {12, 13}.
    np.testing.assert_array_equal(needs, [[3, 110], [3, 250]])
    whole = largest_needs(counts, RECORDS, 1)
    np.testing.assert_array_equal(whole, counts[RECORDS].sum(axis=1))


def chunk(n_steps, n_structures, labels=()):
    ones = np.ones((n_steps, n_structures))
    return Chunk((), (), ones, ones, labels)


def test_every_energy_counts_where_no_label_may_be_missing():
    share = common_share([chunk(2, 4), chunk(2, 3)])
    assert share.fraction.tolist() == [0.5, 0.5]
    assert share.n_energies.tolist() == [7.0, 7.0]


def test_labels_are_counted_over_all_shares():
    def labels(energy, forces, virial):
        return ForceLabels(*map(np.array, (energy, 0, forces, 0, virial, 0)))

    one = labels([[True, False]], [[True, True]], [[False, False]])
    other = labels([[True]], [[False]], [[True]])
    share = common_share([chunk(1, 2, one), chunk(1, 1, other)])
    assert share.n_energies.tolist() == [2.0]
    assert share.n_forces.tolist() == [2.0]
    assert share.n_virials.tolist() == [1.0]
