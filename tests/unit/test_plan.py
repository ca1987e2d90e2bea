"""Settings to numbers: lengths of runs, where they stop, what is compiled how."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from annpot.config import load_train
from annpot.networks.architecture import LayerSpec, NetworkSpec
from annpot.training.forms.rows_data import RowsData
from annpot.training.order import Seeds
from annpot.training.plan import (
    CHUNK_BYTES,
    XLA_LIMIT,
    Plan,
    columns_to_train,
    is_small_step,
    make_plan,
    run_length,
    use_xla,
)
from reference.small_training import train_ini


def progress(step=0, epoch=0, steps_in_epoch=0):
    return SimpleNamespace(step=step, epoch=epoch, steps_in_epoch=steps_in_epoch)


def training(max_epochs=None, steps_per_epoch=None, max_steps=None):
    return SimpleNamespace(
        max_epochs=max_epochs, steps_per_epoch=steps_per_epoch, max_steps=max_steps
    )


@pytest.mark.parametrize(
    ("section", "start", "expected"),
    [
        (training(10, 100), progress(), (100, 1000, 10)),
        (training(10, 100), progress(300, 3), (100, 1000, 10)),
        (training(10, 100), progress(350, 3, 50), (100, 1000, 10)),
        # Three epochs were longer; epochs count, not their steps.
        (training(10, 100), progress(900, 3), (100, 1600, 10)),
        (training(10, 100), progress(1000, 10), (100, 1000, 10)),
        (training(9, 100), progress(1000, 10), (100, 1000, 9)),
        (training(max_steps=1000), progress(), (100, 1000, 10)),
        (training(max_steps=7), progress(), (1, 7, 7)),
        (training(max_steps=1005), progress(), (100, 1005, 11)),
        (training(max_steps=50, steps_per_epoch=30), progress(), (30, 50, 2)),
        (training(max_steps=50, steps_per_epoch=30), progress(45, 1, 15), (30, 50, 2)),
        (training(max_steps=50, steps_per_epoch=30), progress(60, 2), (30, 50, 2)),
    ],
)
def test_run_length(section, start, expected):
    assert run_length(section, start) == expected


def plan_of(steps_per_epoch, total_steps, save_every=None):
    return Plan(1, 1, steps_per_epoch, total_steps, 0, save_every, None)


def stops(plan, start=None):
    """(end, ends an epoch, completes it, saves) of each segment."""
    segments = list(plan.segments(start or progress()))
    for one, following in itertools.pairwise(segments):
        assert following.first_step == one.end
        assert following.starts_epoch == one.ends_epoch
    if segments:
        assert segments[0].starts_epoch
    return [(s.end, s.ends_epoch, s.completes_epoch, s.saves) for s in segments]


def test_a_run_stops_at_the_end_of_each_epoch():
    assert stops(plan_of(10, 30)) == [(end, True, True, True) for end in (10, 20, 30)]


def test_a_run_stops_for_checkpoints_between():
    assert stops(plan_of(10, 20, save_every=4)) == [
        (4, False, False, True),
        (8, False, False, True),
        (10, True, True, False),
        (12, False, False, True),
        (16, False, False, True),
        (20, True, True, True),
    ]


def test_the_end_is_saved_and_may_cut_an_epoch_short():
    assert stops(plan_of(10, 25, save_every=100)) == [
        (10, True, True, False),
        (20, True, True, False),
        (25, True, False, True),
    ]


def test_a_run_goes_on_within_an_epoch():
    found = stops(plan_of(10, 30, save_every=8), progress(24, 2, 4))
    assert found == [(30, True, True, True)]
    assert stops(plan_of(10, 30), progress(30, 3)) == []


def test_an_epoch_that_became_shorter_ends_at_once():
    assert stops(plan_of(5, 30), progress(24, 2, 8))[0] == (25, True, True, True)


SPECS = (
    NetworkSpec("H", 100, (LayerSpec(8, 1), LayerSpec(1, 0))),
    NetworkSpec("C", 100, (LayerSpec(8, 2), LayerSpec(1, 0))),
)
COLUMNS = (np.array([3, 4, 5]), np.array([7]))


def test_small_steps_are_compiled_by_xla():
    # H: 4 atoms x 3 columns x 8 outputs, C: 2 atoms x 100 columns x 8 outputs.
    def work(factor):
        capacities = (4 * factor, 2 * factor)
        small = is_small_step(SPECS, (COLUMNS[0], None), capacities)
        assert use_xla("auto", small) == small
        return small

    border = XLA_LIMIT / (4 * 3 * 8 + 2 * 100 * 8)
    assert work(int(border))
    assert not work(int(border) + 1)


@pytest.mark.parametrize("choice", [True, False])
def test_the_user_may_choose(choice):
    assert use_xla(choice, gains=False) is choice
    assert use_xla(choice, gains=True) is choice


def config_of(folder, small_data, io=None, **training):
    return load_train(
        train_ini(
            folder,
            small_data,
            IO_INFORMATION=io or {},
            DATA_INFORMATION={"atomic_sequence": "H, C", "output_offset": "0, 0"},
            TRAINING_PARAMETERS=training,
        )
    )


def made(folder, small_data, resident=True, **training):
    """Plan of the small data set's settings for a data set of CH4."""
    counts = np.array([[4, 1]])
    data = SimpleNamespace(
        element_counts=counts,
        n_atoms=counts.sum(axis=1),
        resident="records" if resident else None,
        used=np.ones((2, 100), bool),
    )
    rows = RowsData(data, np.zeros(1))
    config = config_of(folder, small_data, **training)
    return make_plan(config, rows, SPECS, Seeds(17, 18), COLUMNS, progress())


def columns_of(folder, small_data, **training):
    return columns_to_train(
        COLUMNS, config_of(folder, small_data, **training).training, SPECS
    )


def test_columns_are_kept_where_zeros_count(tmp_path, small_data):
    # C has a radial basis: |x - w|^2 contains w^2 of a zero column.
    columns = columns_of(tmp_path, small_data)
    assert columns[0].tolist() == [3, 4, 5]
    assert columns[1] is None


@pytest.mark.parametrize("key", ["wscale_l1", "wscale_l2", "bscale_l1", "bscale_l2"])
def test_columns_are_kept_where_weights_shrink(tmp_path, small_data, key):
    assert columns_of(tmp_path, small_data, **{key: 0.1}) == (None, None)


def test_a_streamed_chunk_has_bounded_bytes(tmp_path, small_data):
    keys = {"steps_per_epoch": 1000, "batch_size": 1000}
    chunk_size = made(tmp_path, small_data, resident=False, **keys).step.chunk_size
    # 1000 CH4 of 100 float32 descriptors per atom: 2 MB per step.
    assert chunk_size * 5000 * 400 <= CHUNK_BYTES < (chunk_size + 1) * 5000 * 400
    assert made(tmp_path, small_data, **keys).step.chunk_size == 250
    keys["batch_size"] = 10**7
    assert made(tmp_path, small_data, resident=False, **keys).step.chunk_size == 1


def test_the_order_has_a_seed_only_when_shuffled(tmp_path, small_data):
    plan = made(tmp_path, small_data)
    assert (plan.seed, plan.order_seed) == (17, 18)
    kept = made(tmp_path, small_data, io={"dataset_shuffle": False})
    assert (kept.seed, kept.order_seed) == (17, None)
