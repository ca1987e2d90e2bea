"""Every optimizer and schedule, stopped and resumed: bit by bit as in one go."""

import numpy as np
import pytest

from annpot.networks.checkpoint_files import saved_checkpoints
from reference.small_training import (
    assert_close_weights,
    assert_same_state,
    finished,
    prepared,
    run_steps,
    train_ini,
    trained,
    weights_of,
)

SHORT = {"steps_per_epoch": 4, "max_epochs": 3}
CASES = {
    "adamw, cosine, in mid-accumulation": {
        "optimizer": "adamw",
        "weight_decay": 0.5,
        "schedule": "cosine",
        "accumulate_steps": 2,
        "clip_value": 0.5,
    },
    "nadam, piecewise": {
        "optimizer": "nadam",
        "schedule": "piecewise",
        "piecewise_boundaries": "3, 6",
        "piecewise_rates": "0.005, 0.002",
    },
    "rmsprop with momentum, plateau": {
        "optimizer": "rmsprop",
        "momentum": 0.5,
        "schedule": "plateau",
        "plateau_patience": 1,
        "plateau_metric": "reg_loss",  # always 0: every epoch but the first is waited
    },
    "nesterov, warm-up, costs that change": {
        "optimizer": "sgd",
        "momentum": 0.9,
        "nesterov": True,
        "schedule": "warmup_cosine",
        "schedule_unit": "epochs",
        "warmup": 1,
        "clip_global_norm": 1.0,
        "energy_cost_end": 0.1,
    },
    "adamw, linear, norms": {
        "optimizer": "adamw",
        "schedule": "linear",
        "final_learning_rate": 0.001,
        "clip_norm": 0.3,
    },
    "kalman with noise, an average": {
        "optimizer": "kalman",
        "learning_rate": None,
        "kalman_noise": 0.01,
        "kalman_noise_decay": 0.1,
        "average": "ema",
    },
    "kalman in float32, standard, layers": {
        "optimizer": "kalman",
        "learning_rate": None,
        "kalman_kind": "standard",
        "kalman_covariance": "layer",
        "kalman_precision": "float32",
        "kalman_eta_growth": 0.1,
    },
    "adam in float16": {
        "optimizer": "adam",
        "schedule": "constant",
        "mixed_precision": "float16",
    },
    "gauss_newton, warm-up and hold, an average": {
        "optimizer": "gauss_newton",
        "learning_rate": 1,
        "schedule": "warmup_cosine",
        "warmup": 3,
        "schedule_hold": 5,
        "average": "ema",
    },
    "lbfgs with an average, standardised": {
        "optimizer": "lbfgs",
        "schedule": "constant",
        "average": "ema",
        "lbfgs_memory": 3,
    },
}


def cut_back(models, step):
    """Remove all checkpoints after a step, as if the run had been killed there."""
    (models / "checkpoint").unlink()
    for checkpoint in saved_checkpoints(models):
        if checkpoint.step > step:
            for path in models.glob(f"{checkpoint.name}.*"):
                path.unlink()


@pytest.mark.parametrize("keys", CASES.values(), ids=CASES)
def test_a_killed_run_goes_on_exactly(tmp_path, small_data, keys):
    io = {"save_checkpoint_steps": 5, "max_ckpt_to_keep": 9}
    sections = {"IO_INFORMATION": io, "TRAINING_PARAMETERS": SHORT | keys}
    if keys["optimizer"] == "lbfgs":
        sections["DEFAULT_NETWORK"] = {"standardize": True}
    whole = finished(tmp_path, small_data, **sections)
    expected, metrics = whole.state, whole.metrics
    history = (whole.folder / "history.csv").read_text()
    # One step into the second epoch; of a plateau into the third, when it has fallen.
    cut_back(whole.folder / "_models", 10 if keys.get("schedule") == "plateau" else 5)
    trained(train_ini(tmp_path, small_data, **sections))
    assert_same_state(whole.state, expected)
    assert whole.state.optimizer.keys() == expected.optimizer.keys()
    for name, values in expected.optimizer.items():
        np.testing.assert_array_equal(whole.state.optimizer[name], values)
    assert whole.metrics == metrics
    rates = [
        [line.split(",")[2] for line in text.splitlines()]
        for text in (history, (whole.folder / "history.csv").read_text())
    ]
    assert rates[0] == rates[1]
    if keys.get("schedule") == "plateau":
        assert len(set(rates[0][1:])) > 1  # it did fall


def test_decay_moves_columns_that_the_step_leaves_out(
    tmp_path, small_data, monkeypatch
):
    """AdamW with the columns of zeros left out, and with all columns."""
    runs = []
    keys = {"optimizer": "adamw", "weight_decay": 0.7, "precision": "float64"}
    for name in ("reduced", "full"):
        folder = tmp_path / name
        folder.mkdir()
        if name == "full":
            monkeypatch.setattr(
                "annpot.training.setup.columns_in_use", lambda *_: (None,) * 4
            )
        run = prepared(train_ini(folder, small_data, TRAINING_PARAMETERS=keys))
        before = weights_of(run)
        run_steps(run, 10)
        runs.append((run.plan.step.columns, before, weights_of(run)))
    (columns, before, reduced), (_, _, full) = runs
    assert [len(kept) for kept in columns] == [16, 6, 4, 3]
    assert_close_weights(reduced, full, atol=1e-12)
    unused = np.setdiff1d(np.arange(24), columns[3])
    # Ten updates with rate 0.01: (1 - 0.007)^10 of what it was.
    np.testing.assert_allclose(
        reduced["N"][0][0][unused], before["N"][0][0][unused] * 0.993**10, rtol=1e-13
    )


def test_batches_accumulated_are_one_large_batch(tmp_path, small_data):
    """Two steps of 4 structures and one step of 8: the same update."""
    runs = []
    for batch, k in ((8, 1), (4, 2)):
        folder = tmp_path / str(batch)
        folder.mkdir()
        keys = {
            "batch_size": batch,
            "accumulate_steps": k,
            "steps_per_epoch": 6,
            "precision": "float64",
            "wscale_l2": 0.01,
        }
        run = prepared(train_ini(folder, small_data, TRAINING_PARAMETERS=keys))
        run_steps(run, 3 * k)
        runs.append(weights_of(run))
    # Sums in another order, in float64, through three updates of Adam.
    assert_close_weights(*runs, atol=1e-11)


def test_another_optimizer_begins_with_fresh_slots(tmp_path, small_data):
    run = finished(tmp_path, small_data, TRAINING_PARAMETERS=SHORT)
    io = {"restart_mode": "continue_from_last_ckpt"}
    keys = SHORT | {"optimizer": "nadam", "max_epochs": 4}
    after = finished(tmp_path, small_data, IO_INFORMATION=io, TRAINING_PARAMETERS=keys)
    assert "is that of adam: nadam starts afresh." in after.shown
    since = run.state.run["slots_since"]
    assert set(since.values()) == {12}
    assert len(since) == 16  # kernel and bias of two layers of four elements


def test_adamw_goes_on_with_the_slots_of_adam(tmp_path, small_data):
    run = finished(tmp_path, small_data, TRAINING_PARAMETERS=SHORT)
    io = {"restart_mode": "continue_from_last_ckpt"}
    keys = SHORT | {"optimizer": "adamw", "max_epochs": 4}
    after = finished(tmp_path, small_data, IO_INFORMATION=io, TRAINING_PARAMETERS=keys)
    assert "afresh" not in after.shown
    assert run.state.run["slots_since"] == {}


def test_default_refuses_another_optimizer(tmp_path, small_data):
    from annpot.errors import InputError

    finished(tmp_path, small_data, TRAINING_PARAMETERS=SHORT)
    keys = SHORT | {"optimizer": "sgd"}
    with pytest.raises(InputError) as error:
        finished(tmp_path, small_data, TRAINING_PARAMETERS=keys)
    assert "[TRAINING_PARAMETERS] optimizer = sgd, but" in error.value.problems[0]
