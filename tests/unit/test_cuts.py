"""Stretches of one shape: every batch has room, and no record changes."""

from dataclasses import replace

import numpy as np
import pytest

from annpot.training.batch import batch_shapes
from annpot.training.cuts import CutSettings, cuts
from annpot.training.order import batch_records

BATCH = 3
SMALL, LARGE = (2, 6), (20, 60)
# Nine small structures to one large: batches of 18 to 180 of the second column.
COUNTS = np.array(([SMALL] * 9 + [LARGE]) * 4)


@pytest.fixture
def settings():
    return CutSettings(
        order_seed=3,
        batch_size=BATCH,
        chunk_size=6,
        n_devices=1,
        shapes=batch_shapes(COUNTS, BATCH, COUNTS[:, 1]),
    )


def stretches(settings, segments=((0, 40),)):
    return list(cuts(settings, COUNTS, segments))


def test_sizes_that_differ_more_than_twice_have_several_shapes(settings):
    shapes = np.array(settings.shapes)
    assert len(shapes) >= 3
    assert (np.diff(shapes, axis=0) >= 0).all()
    assert (shapes[-1] >= np.array(LARGE) * BATCH).all()  # any batch there can be


def test_sizes_that_differ_less_have_one_shape_and_that_of_the_fullest():
    counts = np.array([[2, 30], [2, 40]] * 500)
    shapes = batch_shapes(counts, 100, counts[:, 1])
    # 100 times 35, and five sigma: 5 x 5 x sqrt(100).
    assert shapes == ((200, 3750), (200, 4000))
    equal = np.array([[2, 30]] * 7)
    assert batch_shapes(equal, 4, equal[:, 1]) == ((8, 120),)


def test_every_batch_has_room_in_the_smallest_shape_that_has_it(settings):
    shapes = [np.array(shape) for shape in settings.shapes]
    seen = set()
    for records, shape in stretches(settings):
        seen.add(shape)
        for batch in records:
            need = COUNTS[batch].sum(axis=0)
            smallest = next(s for s in shapes if (need <= s).all())
            assert tuple(smallest) == shape
    assert len(seen) > 1


@pytest.mark.parametrize("chunk_size", [1, 2, 5, 100])
@pytest.mark.parametrize("segments", [((0, 40),), ((0, 1), (1, 17), (18, 22))])
def test_cuts_change_no_record(settings, chunk_size, segments):
    found = stretches(replace(settings, chunk_size=chunk_size), segments)
    assert max(len(records) for records, _ in found) <= chunk_size
    drawn = batch_records(3, len(COUNTS), BATCH, 0, 40)
    np.testing.assert_array_equal(np.concatenate([r for r, _ in found]), drawn)
    # Nor the shape of a batch.
    by_step = [shape for records, shape in found for _ in records]
    usual = [shape for records, shape in stretches(settings) for _ in records]
    assert by_step == usual


def test_a_stretch_ends_where_a_segment_does(settings):
    alike = replace(settings, shapes=settings.shapes[-1:], chunk_size=100)
    found = stretches(alike, ((0, 4), (4, 7), (11, 3)))
    assert [len(records) for records, _ in found] == [4, 7, 3]
