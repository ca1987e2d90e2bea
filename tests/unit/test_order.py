"""The order of records: permutations laid end to end, a function of (seed, batch)."""

import numpy as np
import pytest

from annpot.training.order import batch_records


@pytest.mark.parametrize("batch_size", [1, 4, 10, 23])
def test_every_pass_is_a_permutation(batch_size):
    n_records, n_passes = 10, 23
    n_batches = n_records * n_passes // batch_size
    drawn = batch_records(3, n_records, batch_size, 0, n_batches).ravel()
    complete = drawn[: len(drawn) // n_records * n_records].reshape(-1, n_records)
    assert len(complete) >= n_passes - 2
    for one_pass in complete:
        np.testing.assert_array_equal(np.sort(one_pass), np.arange(n_records))


def test_pass_p_is_the_permutation_of_seed_and_p():
    drawn = batch_records(5, 8, 4, 0, 4).reshape(2, 8)
    np.testing.assert_array_equal(
        drawn[0], np.random.default_rng([5, 0]).permutation(8)
    )
    np.testing.assert_array_equal(
        drawn[1], np.random.default_rng([5, 1]).permutation(8)
    )
    # Written down once: a NumPy with other streams would break every resumed run.
    assert drawn[0].tolist() == [1, 4, 2, 3, 7, 5, 6, 0]


def test_a_batch_does_not_depend_on_how_it_is_asked_for():
    at_once = batch_records(7, 11, 3, 0, 40)
    one_by_one = [batch_records(7, 11, 3, t, 1)[0] for t in reversed(range(40))]
    np.testing.assert_array_equal(at_once, one_by_one[::-1])
    np.testing.assert_array_equal(at_once[13:29], batch_records(7, 11, 3, 13, 16))


def test_passes_and_seeds_differ():
    first = batch_records(1, 50, 50, 0, 2)
    assert (first[0] != first[1]).any()
    assert (first[0] != batch_records(2, 50, 50, 0, 1)[0]).any()


def test_without_a_seed_the_order_of_the_files_is_kept():
    drawn = batch_records(None, 5, 3, 0, 5)
    assert drawn.ravel().tolist() == [0, 1, 2, 3, 4] * 3


def test_a_batch_may_be_larger_than_the_data():
    drawn = batch_records(9, 4, 10, 1, 1)[0]  # records 10 to 19: passes 2 to 4
    passes = [np.random.default_rng([9, p]).permutation(4) for p in (2, 3, 4)]
    np.testing.assert_array_equal(drawn, np.concatenate(passes)[2:12])


def test_a_batch_far_into_a_run_is_drawn_at_once():
    drawn = batch_records(1, 1000, 20, 10**9, 2)  # pass 20 million
    np.testing.assert_array_equal(
        drawn[0], np.random.default_rng([1, 20_000_000]).permutation(1000)[:20]
    )
