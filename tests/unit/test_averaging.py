"""Averaged weights: against a loop in NumPy, in checkpoints, in runs that go on."""

import numpy as np
import pytest

from annpot.errors import InputError
from reference.small_training import (
    assert_close_weights,
    assert_same_run,
    finished,
    prepared,
    run_steps,
    stored_records,
    train_ini,
    weights_of,
)

TRAINING, IO = "TRAINING_PARAMETERS", "IO_INFORMATION"
LAYERS = {"architecture": "6:1", "standardize": True}
EMA = {"average": "ema", "ema_decay": 0.9}
SWA = {"average": "swa", "swa_start": 2}
KINDS = pytest.mark.parametrize("keys", [EMA, SWA], ids=["ema", "swa"])


def same_averages(one, other):
    """The averaged networks of two SavedStates agree bit by bit."""
    for element, layers in one.averaged.items():
        for pair, expected in zip(layers, other.averaged[element], strict=True):
            for array, reference in zip(pair, expected, strict=True):
                np.testing.assert_array_equal(array, reference, strict=True)
    assert one.averaged.keys() == other.averaged.keys() != set()
    assert one.optimizer.keys() == other.optimizer.keys()
    for name, value in one.optimizer.items():
        np.testing.assert_array_equal(value, other.optimizer[name])


def trained_weights(run):
    return {key: v.numpy().astype(float) for key, v in run.program.trained.items()}


@pytest.mark.parametrize("n", [1, 12], ids=["chunks of one step", "one chunk"])
def test_ema_is_that_of_a_loop_in_numpy(tmp_path, small_data, n):
    keys = EMA | {"precision": "float64"}
    run = prepared(
        train_ini(tmp_path, small_data, **{TRAINING: keys}, C={"trainable": "0:1"})
    )
    alone = prepared(train_ini(tmp_path, small_data, **{TRAINING: keys}))
    average = run.parameters.average
    wanted = trained_weights(run)
    other = prepared(
        train_ini(
            tmp_path, small_data, C={"trainable": "0:1"},
            **{TRAINING: {"precision": "float64"}},
        )
    )  # fmt: skip
    for step in range(12):
        run_steps(other, 1, step)
        d = min(0.9, (1 + step) / (10 + step))
        for key, weight in trained_weights(other).items():
            wanted[key] = d * wanted[key] + (1 - d) * weight
    for step in range(0, 12, n):
        run_steps(run, n, step)
    assert average.totals.keys() == run.program.trained.keys()
    assert len(average.totals) == len(alone.program.trained) - 2
    for key, total in average.totals.items():
        np.testing.assert_allclose(total.numpy(), wanted[key], rtol=1e-12, atol=1e-14)
    # The trained weights are those of a run without; the networks hold the average.
    for key, weight in trained_weights(other).items():
        np.testing.assert_array_equal(trained_weights(run)[key], weight)
    first = weights_of(run)["O"][0][0]
    key = next(k for k in wanted if str(k) == "O/0/kernel")
    np.testing.assert_array_equal(
        first[run.plan.step.columns[2]], average.totals[key].numpy()
    )


def test_swa_is_the_mean_of_the_ends_of_epochs(tmp_path, small_data):
    from annpot.training.saved_state import load_state

    io = {"max_ckpt_to_keep": 10}
    keys = SWA | {"max_epochs": 4}
    run = finished(tmp_path, small_data, DEFAULT_NETWORK=LAYERS,
                   **{IO: io, TRAINING: keys})  # fmt: skip
    folder = run.folder / "_models"
    states = [load_state(folder / f"epoch_{e}_step_{7 * e}") for e in (1, 2, 3, 4)]
    for state in states[:2]:  # nothing, and one, is averaged: the weights themselves
        assert_close_weights(state.averaged, state.layers, atol=0)
    wanted = {
        element: [
            [
                np.mean([s.layers[element][layer][kind] for s in states[1:]], axis=0)
                for kind in (0, 1)
            ]
            for layer in range(2)
        ]
        for element in run.state.layers
    }
    assert_close_weights(run.state.averaged, wanted, atol=1e-6)
    assert int(run.state.optimizer["average_updates"]) == 3


@KINDS
def test_validation_is_that_of_the_averaged_network(tmp_path, small_data, keys):
    from annpot.config import load_train
    from annpot.networks.checkpoint_files import latest_checkpoint
    from annpot.networks.checkpoint_networks import open_networks
    from annpot.networks.numpy_potential import atomic_energies

    run = finished(tmp_path, small_data, DEFAULT_NETWORK=LAYERS, **{TRAINING: keys})
    file = latest_checkpoint(run.folder / "_models")
    config = load_train(tmp_path / "train.ini")
    errors = {}
    for weights in ("averaged", "trained"):
        networks = open_networks(file, config, weights)
        found = [
            atomic_energies(r.g, r.species, networks.specs, networks.weights).sum()
            - r.energy
            for r in stored_records(small_data.validation)
        ]
        sizes = [len(r.g) for r in stored_records(small_data.validation)]
        errors[weights] = np.mean(np.abs(found) / sizes)
    told = run.metrics_table()["val_MAE/at"][-1]
    np.testing.assert_allclose(errors["averaged"], told, rtol=1e-5)
    assert abs(errors["trained"] / told - 1) > 1e-3


@pytest.fixture(scope="module")
def whole(tmp_path_factory, small_data):
    """{average: FinishedRun} of three epochs."""
    return {
        keys["average"]: finished(
            tmp_path_factory.mktemp("whole"), small_data, DEFAULT_NETWORK=LAYERS,
            **{TRAINING: keys},
        )
        for keys in (EMA, SWA)
    }  # fmt: skip


@KINDS
@pytest.mark.parametrize("step", [14, 17])
def test_a_resumed_run_is_the_uninterrupted_one(
    tmp_path, small_data, whole, keys, step
):
    cut = {"max_steps": step, "max_epochs": None}
    for more in (cut, {}):
        run = finished(tmp_path, small_data, DEFAULT_NETWORK=LAYERS,
                       **{TRAINING: keys | more})  # fmt: skip
    assert_same_run(run, whole[keys["average"]])
    same_averages(run.state, whole[keys["average"]].state)


@KINDS
def test_what_is_trained_is_what_a_run_without_trains(
    tmp_path, small_data, whole, keys
):
    plain = finished(tmp_path, small_data, DEFAULT_NETWORK=LAYERS)
    assert_close_weights(whole[keys["average"]].state.layers, plain.state.layers, 0)
    assert plain.state.averaged == {}


def test_a_stage_starts_from_the_averaged_weights(tmp_path, small_data):
    from annpot.config import load_plan
    from annpot.stages.run import stage_origin

    path = train_ini(
        tmp_path, small_data, **{
            TRAINING: EMA, "STAGE:a": {"max_epochs": 2},
            "STAGE:b": {"parent": "a"},
            "STAGE:c": {"parent": "a", "parent_weights": "trained"},
        },
    )  # fmt: skip
    from annpot.apps.train import main

    assert main(["-c", str(path), "--stage", "a"]) == 0
    plan = load_plan(path)
    started = {n: stage_origin(plan, plan.stages[n], 5).state for n in ("b", "c")}
    from annpot.training.saved_state import load_state

    parent = load_state(tmp_path / "run/stages/a/_models/epoch_2_step_14")
    assert_close_weights(started["b"].layers, parent.averaged, atol=0)
    assert_close_weights(started["c"].layers, parent.layers, atol=0)


def test_swa_rate_holds_from_the_first_step_of_the_epoch(tmp_path, small_data):
    rates = {"schedule": "cosine", "swa_rate": 0.004, "learning_rate": 0.01}
    run = prepared(train_ini(tmp_path, small_data, **{TRAINING: SWA | rates}))
    steps = np.arange(21)
    falling = 0.01 * (1 + np.cos(np.pi * steps / 21)) / 2
    wanted = np.where(steps < 7, falling, 0.004)  # swa_start = 2, epochs of 7 steps
    np.testing.assert_allclose(run.program.learning_rate.at(steps), wanted, rtol=1e-12)


def refused(folder, data, **training):
    from annpot.config import load_train

    with pytest.raises(InputError) as raised:
        load_train(train_ini(folder, data, **{TRAINING: training}))
    return str(raised.value)


def test_an_average_that_begins_after_the_end_is_refused(tmp_path, small_data):
    text = refused(tmp_path, small_data, average="swa", swa_start=4)
    assert "swa_start = 4, but the run has 3 complete epochs: nothing would be" in text
    assert "Give a swa_start of at most 3, or make the run longer." in text
    text = refused(tmp_path, small_data, average="swa")
    assert "average = swa needs swa_start" in text
    # The end of an epoch that is cut short is not averaged.
    text = refused(tmp_path, small_data, average="swa", swa_start=3, max_epochs=None,
                   max_steps=20)  # fmt: skip
    assert "the run has 2 complete epochs" in text


def test_keys_of_another_average_have_no_effect(tmp_path, small_data):
    from annpot.config import load_train

    config = load_train(train_ini(tmp_path, small_data, **{TRAINING: {"swa_start": 2}}))
    (notice,) = config.source.notices
    assert "swa_start has no effect: average = none, and only swa uses it." in notice
