"""Runs in parts: stopped, killed, extended, changed; compared with one in one go."""

import shutil

import numpy as np
import pytest

from annpot.errors import InputError
from annpot.training.order import batch_records
from reference.numpy_training import NumpyTraining
from reference.small_training import (
    OFFSETS,
    SPECIES,
    assert_close_weights,
    assert_same_run,
    assert_same_state,
    finished,
    newest_state,
    prepared,
    run_steps,
    stored_records,
    train_ini,
    trained,
    weights_of,
)


def slots_of(run):
    from annpot.training.optimizers import slot_variables

    return slot_variables(run.program.optimizer, run.program.trained)


MODES = ("default", "continue_from_last_ckpt")
WITH_CHANGES = {"restart_mode": "continue_from_last_ckpt"}


@pytest.mark.parametrize("mode", MODES)
def test_a_finished_run_is_extended_by_more_epochs(
    tmp_path, small_data, finished_run, mode
):
    finished(tmp_path, small_data, TRAINING_PARAMETERS={"max_epochs": 2})
    run = finished(tmp_path, small_data, IO_INFORMATION={"restart_mode": mode})
    assert "epoch_2_step_14 (epoch 2, step 14)." in run.shown
    assert_same_run(run, finished_run)


def test_a_run_goes_on_in_mid_epoch(tmp_path, small_data, finished_run):
    # Stopped at step 10, three steps into the second epoch; its averages go on too.
    finished(
        tmp_path,
        small_data,
        TRAINING_PARAMETERS={"max_epochs": None, "max_steps": 10},
    )
    run = finished(tmp_path, small_data, IO_INFORMATION={"dataset_cache": False})
    assert_same_run(run, finished_run)


def test_the_seed_of_the_first_part_is_kept(tmp_path, small_data):
    drawn = {"seed": None}
    first = finished(
        tmp_path / "parts", small_data, TRAINING_PARAMETERS={**drawn, "max_epochs": 1}
    )
    seed = first.state.run["seed"]
    parts = finished(tmp_path / "parts", small_data, TRAINING_PARAMETERS=drawn)
    at_once = finished(
        tmp_path / "at_once", small_data, TRAINING_PARAMETERS={"seed": seed}
    )
    assert_same_run(parts, at_once)


@pytest.mark.parametrize("mode", MODES)
def test_a_finished_run_has_nothing_to_do(tmp_path, small_data, mode, capsys):
    from annpot.apps.train import main

    keys = {"TRAINING_PARAMETERS": {"max_epochs": 1}}
    run = finished(tmp_path, small_data, **keys)
    before = {
        path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()
    }
    path = train_ini(
        tmp_path, small_data, IO_INFORMATION={"restart_mode": mode}, **keys
    )
    assert main(["-c", str(path)]) == 0
    shown = capsys.readouterr().out
    assert (
        f"Nothing to do: {run.folder} is trained to step 7 (epoch 1) already." in shown
    )
    assert "Raise max_epochs or max_steps" in shown
    after = {
        path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()
    }
    assert after == before


def test_force_default_starts_anew(tmp_path, small_data, finished_run):
    finished(tmp_path, small_data, TRAINING_PARAMETERS={"seed": 99})
    run = finished(
        tmp_path, small_data, IO_INFORMATION={"restart_mode": "force_default"}
    )
    assert_same_run(run, finished_run)
    (aside,) = run.folder.glob("previous_*")
    assert (aside / "metrics.dat").exists()
    assert (aside / "_models" / "epoch_3_step_21.index").exists()
    assert "Earlier results were set aside in" in run.shown


def test_a_specific_checkpoint_leads_to_the_same_end(
    tmp_path, small_data, finished_run
):
    run = finished(
        tmp_path,
        small_data,
        IO_INFORMATION={
            "restart_mode": "specific_ckpt",
            "restart_file": finished_run.folder / "_models" / "epoch_1_step_7",
        },
    )
    assert_same_state(run.state, finished_run.state)
    # Lines of the epochs of this run only.
    lines = finished_run.metrics.splitlines()
    assert run.metrics.splitlines() == [lines[0], *lines[2:]]


def test_a_checkpoint_of_panna_is_continued(tmp_path, small_data, finished_run):
    import tensorflow as tf

    networks = {
        element: {
            "_layers": [
                {"kernel": tf.Variable(kernel), "bias": tf.Variable(bias)}
                for kernel, bias in layers
            ]
        }
        for element, layers in finished_run.state.layers.items()
    }
    models = tmp_path / "run" / "_models"
    models.mkdir(parents=True)
    tf.train.Checkpoint(_networks=networks).write(str(models / "epoch_2_step_14"))
    (models / "checkpoint").write_text('model_checkpoint_path: "epoch_2_step_14"\n')
    io = {"restart_mode": "continue_from_last_ckpt"}
    run = prepared(train_ini(tmp_path, small_data, IO_INFORMATION=io))
    assert (run.start.step, run.start.epoch) == (14, 2)
    assert_close_weights(weights_of(run), finished_run.state.layers, atol=0)
    assert set(run.program.optimizer.first_steps) == {14}
    shown = trained(train_ini(tmp_path, small_data, IO_INFORMATION=io))
    assert (
        "It holds no optimizer state of annpot; the optimizer starts afresh." in shown
    )
    assert newest_state(tmp_path / "run").progress.step == 21


def test_settings_of_the_ini_file_win_on_resume(tmp_path, small_data):
    # Another rate and another epsilon from step 14 on: one step by hand from the
    # stored weights and slots, in float64.
    double = {"precision": "float64", "max_epochs": 2}
    state = finished(tmp_path, small_data, TRAINING_PARAMETERS=double).state
    keys = double | {"max_epochs": 3, "learning_rate": 0.002, "adam_eps": 1e-3}
    run = prepared(
        train_ini(
            tmp_path, small_data, TRAINING_PARAMETERS=keys, IO_INFORMATION=WITH_CHANGES
        )
    )
    oracle = NumpyTraining(
        {s: state.layers[element] for s, element in enumerate(SPECIES)},
        dict.fromkeys(range(4), (1, 0)),
        OFFSETS,
    )
    oracle.step = 14
    for s, element in enumerate(SPECIES):
        for layer in (0, 1):
            for kind, name in enumerate(("kernel", "bias")):
                place = (element, layer, name)
                oracle.moments[s][layer][kind] = state.slots[(*place, "momentum")]
                oracle.squares[s][layer][kind] = state.slots[(*place, "velocity")]
    records = stored_records(small_data.training)
    (batch,) = batch_records(5, len(records), 4, 14, 1)
    oracle.train([records[i] for i in batch], rate=0.002, epsilon=1e-3)
    run_steps(run, 1, first_step=14)
    expected = {element: oracle.layers[s] for s, element in enumerate(SPECIES)}
    assert_close_weights(weights_of(run), expected, atol=1e-12)


def test_the_schedule_goes_on_where_it_was(tmp_path, small_data):
    keys = {
        "learning_rate_constant": False,
        "learning_rate_decay_step": 3,
        "learning_rate_decay_factor": 0.5,
    }
    whole = finished(tmp_path / "whole", small_data, TRAINING_PARAMETERS=keys)
    first = keys | {"max_epochs": 1}
    finished(tmp_path / "parts", small_data, TRAINING_PARAMETERS=first)
    parts = finished(tmp_path / "parts", small_data, TRAINING_PARAMETERS=keys)
    assert_same_run(parts, whole)


def test_unfreezing_a_layer_leaves_the_slots_of_others(tmp_path, small_data):
    frozen = finished(
        tmp_path,
        small_data,
        TRAINING_PARAMETERS={"max_epochs": 1},
        H={"trainable": "0:1"},
    ).state
    assert ("H", 0, "kernel", "momentum") not in frozen.slots
    run = prepared(train_ini(tmp_path, small_data, IO_INFORMATION=WITH_CHANGES))
    (note,) = [note for note in run.notes if "optimizer state" in note]
    assert note == (
        "No optimizer state is stored for H layer 0 kernel, H layer 0 bias; it starts "
        "at zero."
    )
    for (key, slot), variable in slots_of(run).items():
        found = run.parameters.to_full(key, variable.numpy())
        if (key.element, key.layer) == ("H", 0):
            assert not found.any()
        else:
            stored = frozen.slots[(key.element, key.layer, key.kind, slot)]
            np.testing.assert_array_equal(found, stored)
            assert found.any()
    assert_close_weights(weights_of(run), frozen.layers, atol=0)
    before = weights_of(run)["H"][0][0]
    run_steps(run, 1, first_step=7)
    assert (weights_of(run)["H"][0][0] != before)[:16].any()


def test_new_slots_start_with_steps_of_the_learning_rate(tmp_path, small_data):
    # Adam corrects for slots that were zero: its first step is lr g / (|g| + eps').
    # With the correction of step 15 it would be three times as long.
    finished(
        tmp_path,
        small_data,
        TRAINING_PARAMETERS={"max_epochs": 2},
        H={"trainable": "0:1"},
    )
    run = prepared(train_ini(tmp_path, small_data, IO_INFORMATION=WITH_CHANGES))
    before = weights_of(run)["H"][0][0]
    run_steps(run, 1, first_step=14)
    moved = np.abs(weights_of(run)["H"][0][0] - before)[:16]
    assert moved.max() == pytest.approx(0.01, rel=1e-3)


def test_a_run_with_new_slots_can_be_stopped_too(tmp_path, small_data):
    first = {"max_epochs": 1}
    at_once = tmp_path / "at_once"
    finished(at_once, small_data, TRAINING_PARAMETERS=first, H={"trainable": "0:1"})
    shutil.copytree(at_once, tmp_path / "in_parts")
    finished(
        tmp_path / "in_parts",
        small_data,
        TRAINING_PARAMETERS={"max_epochs": 2},
        IO_INFORMATION=WITH_CHANGES,
    )
    in_parts = finished(tmp_path / "in_parts", small_data)
    whole = finished(at_once, small_data, IO_INFORMATION=WITH_CHANGES)
    assert_same_run(in_parts, whole)
    since = whole.state.run["slots_since"]
    assert since == {"H/0/kernel": 7, "H/0/bias": 7}


def test_freezing_a_layer_on_resume_stops_it(tmp_path, small_data):
    first = finished(tmp_path, small_data, TRAINING_PARAMETERS={"max_epochs": 1}).state
    run = finished(
        tmp_path, small_data, O={"trainable": "0:1"}, IO_INFORMATION=WITH_CHANGES
    ).state
    np.testing.assert_array_equal(run.layers["O"][0][0], first.layers["O"][0][0])
    assert (run.layers["O"][1][0] != first.layers["O"][1][0]).any()
    assert ("O", 0, "kernel", "momentum") not in run.slots


CHANGES = {
    "sizes": (
        {"H": {"architecture": "5:1"}, "C": {"architecture": "6:2:1"}},
        ["the layers of H have shapes", "the layers of C have shapes"],
    ),
    "elements": (
        {
            "DATA_INFORMATION": {
                "atomic_sequence": "H, C, O, N, S",
                "output_offset": "0, 0, 0, 0, 0",
            }
        },
        ["only the INI file has a network for S."],
    ),
}


@pytest.mark.parametrize(("sections", "problems"), CHANGES.values(), ids=CHANGES)
def test_another_architecture_is_one_clear_message(
    tmp_path, small_data, finished_run, sections, problems
):
    io = {"train_dir": finished_run.folder, **WITH_CHANGES}
    path = train_ini(tmp_path, small_data, IO_INFORMATION=io, **sections)
    with pytest.raises(InputError) as raised:
        prepared(path)
    assert len(raised.value.problems) == len(problems)
    text = str(raised.value)
    for problem in problems:
        assert problem in text
    assert "holds other networks than the INI file describes. Restore the" in text


def test_elements_in_another_order_are_the_same_networks(
    tmp_path, small_data, finished_run
):
    # The order of species is that of the data; weights go by symbol.
    path = train_ini(
        tmp_path,
        small_data,
        IO_INFORMATION={"train_dir": finished_run.folder, **WITH_CHANGES},
        DATA_INFORMATION={"atomic_sequence": "N, O, C, H", "output_offset": None},
    )
    run = prepared(path)
    assert_close_weights(weights_of(run), finished_run.state.layers, atol=0)
