"""Runs from the INI file to the results: bitwise repeatable, and true numbers."""

import re
from dataclasses import replace

import numpy as np
import pytest

from annpot.networks.initial_weights import new_layer
from annpot.training.batch import largest_capacities
from annpot.training.order import batch_records
from reference.numpy_training import NumpyTraining
from reference.small_training import (
    N_VALIDATION,
    OFFSETS,
    SPECIES,
    FinishedRun,
    SmallData,
    assert_close_weights,
    assert_same_run,
    assert_same_state,
    finished,
    prepared,
    run_steps,
    stored_records,
    train_ini,
    trained,
    weights_of,
    write_folder,
)

HOW = {
    "again": {},
    "streamed": {"dataset_cache": False},
    "streamed by several threads": {
        "dataset_cache": False,
        "num_parallel_readers": 3,
        "num_parallel_calls": 2,
        "prefetch_buffer_size_multiplier": 1,
    },
    "a checkpoint each third step": {"save_checkpoint_steps": 3, "log_frequency": 4},
    "a memory of nothing": {"memory_budget_mb": 1e-6, "save_checkpoint_steps": 1},
}


@pytest.mark.parametrize("io", HOW.values(), ids=HOW)
def test_how_a_run_is_done_changes_no_bit(tmp_path, small_data, finished_run, io):
    run = finished(tmp_path, small_data, IO_INFORMATION=io)
    assert_same_run(run, finished_run)
    is_streamed = "dataset_cache" in io or "memory_budget_mb" in io
    where = "streamed" if is_streamed else "descriptors in memory"
    assert f"({where})" in run.shown


def test_another_seed_is_another_run(tmp_path, small_data, finished_run):
    run = finished(tmp_path, small_data, TRAINING_PARAMETERS={"seed": 6})
    assert run.metrics != finished_run.metrics


def test_a_seed_is_drawn_shown_and_stored(tmp_path, small_data):
    run = finished(tmp_path / "drawn", small_data, TRAINING_PARAMETERS={"seed": None})
    seed = int(re.search(r"^seed +(\d+)$", run.shown, re.MULTILINE)[1])
    assert run.state.run["seed"] == seed
    expanded = (run.folder / "train.expanded.ini").read_text()
    assert re.search(rf"^seed = {seed}\b", expanded, re.MULTILINE)
    again = finished(tmp_path / "again", small_data, TRAINING_PARAMETERS={"seed": seed})
    assert_same_run(again, run)


@pytest.mark.slow
def test_xla_runs_agree_bitwise_too(tmp_path, small_data, finished_run):
    ways = {
        "memory": {},
        "streamed": {"dataset_cache": False, "save_checkpoint_steps": 4},
    }
    runs = [
        finished(tmp_path / name, small_data, IO_INFORMATION={"use_xla": True, **io})
        for name, io in ways.items()
    ]
    assert all("XLA program" in run.shown for run in runs)
    assert_same_run(*runs)
    # XLA and graph round differently; 21 steps of rate 0.01 keep them close.
    assert_close_weights(runs[0].state.layers, finished_run.state.layers, atol=1e-4)


def test_batches_beyond_the_usual_room_count_like_others(
    tmp_path, small_data, monkeypatch
):
    double = {"precision": "float64"}
    usual = finished(tmp_path / "usual", small_data, TRAINING_PARAMETERS=double)
    tight_shape = (9, 2, 2, 2)
    monkeypatch.setattr(
        "annpot.training.plan.batch_shapes",
        lambda counts, size, *_: (
            tight_shape,
            tuple(map(int, largest_capacities(counts, size))),
        ),
    )
    tight = finished(tmp_path / "tight", small_data, TRAINING_PARAMETERS=double)
    assert tight.state.run["shapes"][0] == list(tight_shape)
    # Sums over padded arrays of other lengths: float64 rounding.
    assert_close_weights(tight.state.layers, usual.state.layers, atol=1e-11)
    for column, values in usual.metrics_table().items():
        np.testing.assert_allclose(tight.metrics_table()[column], values, rtol=1e-9)


PENALTIES = {
    "wscale_l1": 0.001,
    "wscale_l2": 0.002,
    "bscale_l1": 0.003,
    "bscale_l2": 0.004,
}


@pytest.fixture(scope="module", params=["mean", "sum"])
def double_run(request, tmp_path_factory, small_data):
    """(FinishedRun in float64 with penalties, NumpyTraining from the same start)."""
    folder = tmp_path_factory.mktemp("double")
    sections = {
        "TRAINING_PARAMETERS": {
            "precision": "float64",
            "loss_function": "quad_std_atom",
            "energy_reduction": request.param,
            **PENALTIES,
        }
    }
    weights = weights_of(prepared(train_ini(folder, small_data, **sections)))
    oracle = NumpyTraining(
        {s: weights[element] for s, element in enumerate(SPECIES)},
        dict.fromkeys(range(4), (1, 0)),
        OFFSETS,
        loss="quad_std_atom",
        reduction=request.param,
        penalties=tuple(PENALTIES.values()),
    )
    return finished(folder, small_data, **sections), oracle


def averages(oracle, records, loss_of):
    """Columns of metrics.dat for some records."""
    errors = np.array([oracle.energy(record) - record.energy for record in records])
    sizes = np.array([record.n_atoms for record in records])
    loss, _ = loss_of(records)
    penalty, _ = oracle.loss_and_gradient([])
    return {
        "MAE/at": np.mean(np.abs(errors) / sizes),
        "RMSE/at": np.sqrt(np.mean((errors / sizes) ** 2)),
        "RMSE": np.sqrt(np.mean(errors**2)),
        "loss": loss,
        "e_loss": loss - penalty,
        "reg_loss": penalty,
    }


def test_metrics_are_true_averages(double_run, small_data):
    # Seven steps of four structures of 3 to 5 atoms, then 13 structures (the last
    # batch is not full) with the weights after the seventh step.
    run, oracle = double_run
    table = run.metrics_table()
    records = stored_records(small_data.training)
    drawn = batch_records(5, len(records), 4, 0, 7)
    steps = []
    for batch in drawn:
        chosen = [records[i] for i in batch]
        steps.append(averages(oracle, chosen, oracle.loss_and_gradient))
        oracle.train(chosen, 0.01)
    for column in ("MAE/at", "loss", "e_loss", "reg_loss"):
        expected = np.mean([step[column] for step in steps])
        assert table[column][0] == pytest.approx(expected, rel=1e-9), column
    for column in ("RMSE", "RMSE/at"):
        expected = np.sqrt(np.mean([step[column] ** 2 for step in steps]))
        assert table[column][0] == pytest.approx(expected, rel=1e-9), column

    validation = stored_records(small_data.validation)
    assert len(validation) == N_VALIDATION
    expected = averages(oracle, validation, oracle.loss_and_gradient)
    if oracle.reduction == "sum":  # given for a batch of four, like that of training
        e_loss = expected["e_loss"] * 4 / N_VALIDATION
        expected |= {"e_loss": e_loss, "loss": e_loss + expected["reg_loss"]}
    for column, value in expected.items():
        assert table[f"val_{column}"][0] == pytest.approx(value, rel=1e-9), column


def test_metrics_file_counts_epochs_from_zero_and_steps(finished_run):
    table = finished_run.metrics_table()
    assert table["epoch"].tolist() == [0, 1, 2]
    assert table["tot_st"].tolist() == [7, 14, 21]


def test_checkpoints_are_named_after_epoch_and_step(finished_run):
    names = {path.name for path in (finished_run.folder / "_models").glob("*.index")}
    assert names == {f"epoch_{e}_step_{7 * e}.index" for e in (1, 2, 3)}


@pytest.mark.parametrize("save", [None, 5])
def test_max_steps_is_exact(tmp_path, small_data, finished_run, save):
    run = finished(
        tmp_path,
        small_data,
        TRAINING_PARAMETERS={"max_epochs": None, "max_steps": 17},
        IO_INFORMATION={"save_checkpoint_steps": save, "keep_best": 0},
    )
    assert run.metrics_table()["tot_st"].tolist() == [7, 14, 17]
    assert run.metrics.splitlines()[:3] == finished_run.metrics.splitlines()[:3]
    names = {path.stem for path in (run.folder / "_models").glob("*.index")}
    assert (
        names
        == {
            None: {"epoch_1_step_7", "epoch_2_step_14", "epoch_3_step_17"},
            5: {
                "epoch_1_step_5",
                "epoch_2_step_10",
                "epoch_3_step_15",
                "epoch_3_step_17",
            },
        }[save]
    )
    progress = run.state.progress
    assert (progress.step, progress.epoch, progress.steps_in_epoch) == (17, 2, 3)


def test_max_steps_alone_makes_ten_epochs(tmp_path, small_data):
    run = finished(
        tmp_path,
        small_data,
        TRAINING_PARAMETERS={
            "max_epochs": None,
            "steps_per_epoch": None,
            "max_steps": 23,
        },
    )
    assert run.metrics_table()["tot_st"].tolist() == [*range(2, 23, 2), 23]


def test_unshuffled_data_come_in_the_order_of_the_files(tmp_path, small_data):
    path = train_ini(tmp_path, small_data, IO_INFORMATION={"dataset_shuffle": False})
    run = prepared(path)
    energies = [record.energy for record in stored_records(small_data.training)]
    np.testing.assert_array_equal(run.feed.data.energies, energies)
    (piece,) = run.feed.pieces([(10, 2)])  # records 40 to 44, then 0 to 2
    expected = np.array([*energies[40:], *energies[:3]])
    counts = run.feed.data.element_counts
    offsets = np.concatenate([counts[40:], counts[:3]]) @ np.array(OFFSETS)
    np.testing.assert_allclose(piece.chunk.targets.ravel(), expected - offsets)


def test_energies_are_rescaled_before_offsets(tmp_path, small_data):
    path = train_ini(tmp_path, small_data, DATA_INFORMATION={"energy_rescale": 0.5})
    run = prepared(path)
    data = run.feed.data
    expected = 0.5 * data.energies - data.element_counts @ np.array(OFFSETS)
    np.testing.assert_allclose(run.feed.targets, expected, rtol=0, atol=1e-11)
    np.testing.assert_array_equal(
        run.validator.energies, 0.5 * run.validator.data.energies
    )


def test_an_element_without_atoms_changes_nothing(tmp_path, small_data, finished_run):
    run = finished(
        tmp_path,
        small_data,
        DATA_INFORMATION={
            "atomic_sequence": "H, C, O, N, S",
            "output_offset": ", ".join(map(str, (*OFFSETS, -10832.0))),
        },
    )
    layers = dict(run.state.layers)
    sulfur = layers.pop("S")
    # The sum over atoms has a place more that holds zero.
    assert_close_weights(layers, finished_run.state.layers, atol=1e-6)
    first = new_layer((24, 6), "S", 0, seed=5).kernel.astype(np.float32)
    np.testing.assert_array_equal(sulfur[0][0], first)  # never moved


def test_tensorboard_shows_steps_epochs_and_weights(finished_run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    def events(name):
        accumulator = EventAccumulator(
            str(finished_run.folder / name),
            size_guidance={"scalars": 0, "histograms": 0},
        )
        return accumulator.Reload()

    table = finished_run.metrics_table()
    training, validation = events("train"), events("validation")
    losses = training.Scalars("1. Losses/1. Total")
    assert [event.step for event in losses] == list(range(1, 22))
    for epoch in range(3):  # the mean of the steps is the line of metrics.dat
        mean = np.mean([event.value for event in losses[7 * epoch : 7 * epoch + 7]])
        assert mean == pytest.approx(table["loss"][epoch], rel=1e-6)
    mae = validation.Scalars("2. Metrics/2. MAE/atom")
    assert [event.step for event in mae] == [7, 14, 21]
    found = [event.value for event in mae]
    assert found == pytest.approx(table["val_MAE/at"].tolist(), rel=1e-6)
    assert set(training.Tags()["histograms"]) == {
        f"S{element}.{index}/{kind}{layer}"
        for index, element in enumerate(SPECIES)
        for kind in "WB"
        for layer in (0, 1)
    }
    last = training.Histograms("SO.2/W0")[-1]
    kernel = finished_run.state.layers["O"][0][0]
    assert (last.step, last.histogram_value.num) == (21, kernel.size)
    assert last.histogram_value.sum == pytest.approx(kernel.sum(dtype=float), rel=1e-12)


def test_the_expanded_ini_is_the_same_run(tmp_path, small_data, finished_run):
    text = (finished_run.folder / "train.expanded.ini").read_text()
    path = tmp_path / "expanded.ini"
    path.write_text(text.replace(str(finished_run.folder), str(tmp_path / "run")))
    run = FinishedRun(tmp_path / "run", trained(path))
    assert_same_state(run.state, finished_run.state)


def test_the_checkpoint_tells_about_its_run(finished_run):
    run = finished_run.state.run
    assert run["species"] == list(SPECIES)
    assert run["seed"] == 5
    assert [network["offset"] for network in run["networks"]] == list(OFFSETS)
    assert run["networks"][1]["sizes"] == [6, 1]
    assert run["networks"][1]["n_features"] == 24
    assert run["batch_size"] == 4
    assert run["columns"][3] == [1, 2, 22]
    assert run["form"] == "rows"
    assert [len(shape) for shape in run["shapes"]] == [4] * len(run["shapes"])
    assert run["xla"] is False
    assert "[TRAINING_PARAMETERS]" in run["ini"]


def test_columns_that_only_validation_uses_are_kept(tmp_path, small_data):
    records = stored_records(small_data.validation)
    g = records[0].g.copy()
    g[records[0].species == 0, 23] = 0.5  # zero for all hydrogens of the training data
    folder = write_folder(tmp_path / "other", [replace(records[0], g=g), *records[1:]])
    run = prepared(train_ini(tmp_path, SmallData(small_data.training, folder)))
    assert run.plan.step.columns[0].tolist() == [*range(16), 23]
    before = weights_of(run)["H"][0][0]
    run_steps(run, 3)
    np.testing.assert_array_equal(weights_of(run)["H"][0][0][23], before[23])
