"""Chunks from memory and from disk: the same numbers for the step, however cut."""

from dataclasses import replace

import numpy as np
import pytest

from annpot.data.data_set import open_data_set
from annpot.data.record_index import index_records
from annpot.training.batch import batch_shapes, largest_capacities
from annpot.training.feed import Feed, FeedSettings
from annpot.training.order import batch_records
from reference.small_training import N_FEATURES, stored_records

BATCH = 4


@pytest.fixture(scope="module")
def data_sets(small_data):
    """DataSets of the same folder, in memory and streamed."""
    index = index_records(small_data.training)
    return [
        open_data_set(index, N_FEATURES, 4, None, budget, lambda n: None)
        for budget in (np.inf, -1)
    ]


@pytest.fixture
def settings(data_sets):
    counts = data_sets[0].element_counts
    return FeedSettings(
        order_seed=3,
        batch_size=BATCH,
        chunk_size=5,
        columns=(None, np.array([8, 9]), None, np.array([1, 2, 22])),
        n_devices=1,
        shapes=batch_shapes(counts, BATCH, counts.sum(axis=1)),
    )


def steps_of(feed, segments):
    """For each step: descriptors by element and structure, targets, sizes."""
    steps = []
    for piece in feed.pieces(segments):
        chunk = piece.chunk
        for k in range(len(chunk.targets)):
            atoms = [
                g[rows[k]][owners[k] < BATCH]
                for g, rows, owners in zip(
                    piece.tables.g, chunk.rows, chunk.owners, strict=True
                )
            ]
            owners = [o[k][o[k] < BATCH] for o in chunk.owners]
            steps.append([*atoms, *owners, chunk.targets[k], chunk.n_atoms[k]])
    return steps


def assert_same_steps(one, other):
    assert len(one) == len(other)
    for step, expected in zip(one, other, strict=True):
        for array, reference in zip(step, expected, strict=True):
            np.testing.assert_array_equal(array, reference)


def test_streamed_steps_are_those_in_memory(data_sets, settings):
    resident, streamed = (
        steps_of(Feed(data, data.energies + 1.0, settings), [(0, 12), (12, 19)])
        for data in data_sets
    )
    assert data_sets[1].resident is None
    assert_same_steps(streamed, resident)


def test_steps_hold_the_records_of_their_batches(data_sets, settings, small_data):
    records = stored_records(small_data.training)
    feed = Feed(data_sets[0], data_sets[0].energies, settings)
    drawn = batch_records(3, len(records), BATCH, 6, 9)
    for step, batch in zip(steps_of(feed, [(6, 9)]), drawn, strict=True):
        chosen = [records[i] for i in batch]
        np.testing.assert_array_equal(step[-2], [r.energy for r in chosen])
        np.testing.assert_array_equal(step[-1], [r.n_atoms for r in chosen])
        hydrogens = np.concatenate([r.g[r.species == 0] for r in chosen])
        np.testing.assert_array_equal(step[0], hydrogens)
        carbons = np.concatenate([r.g[r.species == 1][:, [8, 9]] for r in chosen])
        np.testing.assert_array_equal(step[1], carbons)
        owners = np.repeat(np.arange(BATCH), [(r.species == 0).sum() for r in chosen])
        np.testing.assert_array_equal(step[4], owners)


@pytest.mark.parametrize("which", [0, 1], ids=["in memory", "streamed"])
@pytest.mark.parametrize("chunk_size", [1, 2, 100])
def test_cuts_do_not_change_the_steps(data_sets, settings, which, chunk_size):
    data = data_sets[which]
    at_once = steps_of(Feed(data, data.energies, settings), [(2, 11)])
    other = Feed(data, data.energies, replace(settings, chunk_size=chunk_size))
    assert_same_steps(steps_of(other, [(2, 1), (3, 7), (10, 3)]), at_once)


@pytest.mark.parametrize("which", [0, 1], ids=["in memory", "streamed"])
def test_a_batch_beyond_the_usual_room_gets_the_largest(data_sets, settings, which):
    data = data_sets[which]
    usual = steps_of(Feed(data, data.energies, settings), [(0, 20)])
    largest = tuple(largest_capacities(data.element_counts, BATCH))
    tight = (9, *largest[1:])  # hydrogen: 8 of 20 batches have more
    feed = Feed(data, data.energies, replace(settings, shapes=(tight, largest)))
    rooms = set()
    for piece in feed.pieces([(0, 20)]):
        room = tuple(rows.shape[1] for rows in piece.chunk.rows)
        hydrogens = (piece.chunk.owners[0] < BATCH).sum(axis=1)
        assert ((hydrogens > 9) == (room == largest)).all()
        rooms.add(room)
    assert rooms == {tight, largest}
    assert_same_steps(steps_of(feed, [(0, 20)]), usual)


def test_streamed_tables_have_one_shape(data_sets, settings):
    # One compiled program serves them all.
    feed = Feed(data_sets[1], data_sets[1].energies, settings)
    shapes = {
        tuple(g.shape for g in piece.tables.g) for piece in feed.pieces([(0, 33)])
    }
    (room,) = settings.shapes
    assert shapes == {
        (
            (5 * room[0] + 1, N_FEATURES),
            (5 * room[1] + 1, 2),
            (5 * room[2] + 1, N_FEATURES),
            (5 * room[3] + 1, 3),
        )
    }
