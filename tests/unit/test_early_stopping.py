"""Early stopping: when, why, with which weights, and in runs that go on."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from annpot.training.history import History
from annpot.training.progress import Progress
from reference.small_training import assert_close_weights, assert_same_run, finished

TRAINING, IO = "TRAINING_PARAMETERS", "IO_INFORMATION"
STOP = {
    "max_epochs": 40,
    "early_stopping_patience": 2,
    "early_stopping_metric": "val_MAE/at",
    "learning_rate": 0.3,  # too large: the error goes up and down
}
GOES_BACK = STOP | {"restore_best": True}


def watched(values, measure="val_loss", patience=2, in_epoch=0, **settings):
    """(callback, epochs done, model) after epochs with these values."""
    from annpot.training.early_stopping import EarlyStopping, StoppingSettings

    about = StoppingSettings("val_loss", measure, patience, **settings)
    history, gone_back = History(), []
    callback = EarlyStopping(about, history, lambda n: gone_back.append(n) or True)
    model = SimpleNamespace(stop_training=False, gone_back=gone_back)
    model.progress = Progress(steps_in_epoch=in_epoch)
    callback.set_model(model)
    for epoch, value in enumerate(values):
        history.add({"epoch": epoch + 1, "step": 7 * epoch + 7, measure: value})
        callback.on_epoch_end(epoch, {measure: value})
        if model.stop_training:
            return callback, epoch + 1, model
    return callback, None, model


CASES = {
    "patience": ([3, 2, 2.5, 2.1, 1], {}, 4),
    "equal is not better": ([3, 3, 3, 1], {}, 3),
    "small gains": ([3, 2.9, 2.8, 1], {"min_delta": 0.5}, 3),
    "gains that add up": ([3, 2.7, 2.4, 2.2, 1.8], {"min_delta": 0.5}, None),
    "not a number": ([3, math.nan, math.nan], {}, 3),
    "never a number": ([math.nan, math.nan], {}, 2),
    "first a number later": ([math.nan, 3, math.nan, 2], {}, None),
    "larger is better": ([0.1, 0.2, 0.1, 0.1], {"measure": "val_r2_force"}, 4),
    "epochs cut short": ([3, 3, 3, 3], {"in_epoch": 3}, None),
}


@pytest.mark.parametrize(("values", "settings", "end"), CASES.values(), ids=CASES)
def test_training_ends_when_nothing_is_gained(values, settings, end):
    _, epochs, _ = watched(values, **settings)
    assert epochs == end


def test_the_reason_is_told():
    assert watched([3, 2, 2.5, 2.1], min_delta=0.25)[2].stop_reason == (
        "early stopping: val_loss was 2 after epoch 2 and has not improved by 0.25 for "
        "2 epochs"
    )
    reason = watched([math.nan] * 2)[2].stop_reason
    assert reason == "early stopping: val_loss was not a number for 2 epochs"


def test_it_goes_back_to_the_best_epoch():
    model = watched([3, 2, 2.5, 2.1], restore_best=True)[2]
    assert model.gone_back == ["epoch_2_step_14"]
    assert model.stop_reason.endswith("; its weights are those of epoch_2_step_14")
    # The last epoch is the best: its gain was only too small.
    assert watched([3, 2.9, 2.8], min_delta=1, restore_best=True)[2].gone_back == []


@pytest.fixture(scope="module")
def run(tmp_path_factory, small_data):
    """A FinishedRun that went back."""
    folder = tmp_path_factory.mktemp("run")
    return finished(folder, small_data, **{TRAINING: GOES_BACK})


def test_a_run_ends_with_its_best_weights(run):
    from annpot.training.keeps import best_first
    from annpot.training.saved_state import load_state

    values = run.state.history.column("val_mae_per_atom")
    best = best_first(values, False)[0] + 1
    assert best < len(values) < 40
    name = f"epoch_{best}_step_{7 * best}"
    kept = load_state(run.folder / "_models" / name)
    assert_close_weights(run.state.layers, kept.layers, atol=0)
    ended = run.state.run["ended"]
    assert ended.startswith("early stopping: val_MAE/at was ")
    assert ended.endswith(f"its weights are those of {name}")
    assert ended in run.shown
    assert run.state.progress.epoch == len(values)


def test_a_run_in_parts_ends_alike(tmp_path, small_data, run):
    n_epochs = len(run.state.history)
    cut = {TRAINING: GOES_BACK | {"max_epochs": n_epochs - 1}}
    parts = finished(tmp_path, small_data, **cut)
    assert parts.state.run.get("ended") is None
    assert parts.state.run["memory"]["early_stopping"]["waited"] == 1
    parts = finished(tmp_path, small_data, **{TRAINING: GOES_BACK})
    assert_same_run(parts, run)
    assert parts.state.run["ended"] == run.state.run["ended"]
    again = finished(tmp_path, small_data, **{TRAINING: GOES_BACK})
    assert "early stopping" in again.shown  # it has ended: nothing is done
    assert_same_run(again, run)


def test_the_epoch_to_go_back_to_is_kept(tmp_path, small_data, run):
    """It is, whatever else is kept: with another metric, and none of the best."""
    io = {"keep_best": 0, "max_ckpt_to_keep": 1, "best_metric": "loss"}
    other = finished(tmp_path, small_data, **{TRAINING: GOES_BACK, IO: io})
    assert_close_weights(other.state.layers, run.state.layers, atol=0)


def test_averages_go_back_too(tmp_path, small_data):
    from annpot.training.saved_state import load_state

    keys = GOES_BACK | {"average": "ema", "ema_decay": 0.5}
    layers = {"architecture": "6:1", "standardize": True}
    run = finished(tmp_path, small_data, DEFAULT_NETWORK=layers, **{TRAINING: keys})
    name = run.state.run["ended"].split()[-1]
    kept = load_state(run.folder / "_models" / name)
    for part in ("layers", "averaged"):
        assert_close_weights(getattr(run.state, part), getattr(kept, part), atol=0)
    for key, values in kept.slots.items():
        if key[-1] in ("average", "standardized"):
            np.testing.assert_array_equal(run.state.slots[key], values)


def test_a_sequence_of_stages_goes_on(tmp_path, small_data):
    from annpot.apps.train import main
    from annpot.training.saved_state import newest_prefix
    from reference.small_training import train_ini

    path = train_ini(
        tmp_path, small_data, **{
            TRAINING: STOP | {"stages": "a, b"},
            "STAGE:a": {}, "STAGE:b": {"max_epochs": 1},
        },
    )  # fmt: skip
    assert main(["-c", str(path)]) == 0
    folders = [tmp_path / "run/stages" / n / "_models" for n in "ab"]
    first, second = (newest_prefix(folder).name for folder in folders)
    assert first != "epoch_40_step_280"
    assert second == "epoch_1_step_7"


def test_keys_without_patience_have_no_effect(tmp_path, small_data):
    from annpot.config import load_train
    from reference.small_training import train_ini

    keys = {"restore_best": True}
    config = load_train(train_ini(tmp_path, small_data, **{TRAINING: keys}))
    (notice,) = config.source.notices
    assert "restore_best has no effect: without early_stopping_patience" in notice
