"""Runs with the Kalman filter, from the INI file to the checkpoint and on."""

import numpy as np
import pytest

from annpot.apps import train as app_train
from annpot.errors import InputError, TrainingError
from annpot.networks.checkpoint_files import saved_checkpoints
from annpot.training.kalman.memory import parameter_sizes
from annpot.training.kalman.room import sizes_of
from reference.small_structures import force_ini, small_structures, write_xyz
from reference.small_training import (
    FinishedRun,
    assert_same_run,
    finished,
    prepared,
    run_steps,
    train_ini,
    trained,
)

KALMAN = {"optimizer": "kalman", "learning_rate": None, "max_epochs": 2}
GO_ON = {"restart_mode": "continue_from_last_ckpt"}


def kalman(folder, data, io=None, **keys):
    """FinishedRun of some epochs of seven steps."""
    sections = {"IO_INFORMATION": io or {}, "TRAINING_PARAMETERS": KALMAN | keys}
    return finished(folder, data, **sections)


def cut_back(models, step):
    """Remove all checkpoints after a step, as if the run had been killed there."""
    (models / "checkpoint").unlink()
    for checkpoint in saved_checkpoints(models):
        if checkpoint.step > step:
            for path in models.glob(f"{checkpoint.name}.*"):
                path.unlink()


def assert_same_filter(one, other):
    """Two SavedStates have the same covariance and noise, bit by bit."""
    assert one.optimizer.keys() == other.optimizer.keys()
    assert any(name.startswith("covariance/") for name in one.optimizer)
    for name, values in one.optimizer.items():
        np.testing.assert_array_equal(values, other.optimizer[name])


def test_a_run_is_told_and_stored(tmp_path, small_data):
    run = kalman(tmp_path, small_data)
    errors = run.metrics_table()["val_MAE/at"]
    assert errors[1] < errors[0] < 0.1  # eV; that of Adam is above 1 after 14 steps
    # Of H 16 columns: (16 + 1) * 6 + 6 + 1.
    assert "optimizer   kalman (fading_memory), observes 4 energies (unit " in run.shown
    assert "covariance  element, blocks of at most 109 weights, float64: " in run.shown
    state = run.state
    assert state.run["optimizer"] == "kalman"
    assert state.run["slots_since"] == {}
    assert state.slots == {}
    assert state.optimizer["covariance/H/0/square"].shape == (109, 109)
    forgetting = 1.0 - 0.02 * 0.9987**14
    assert state.optimizer["lambda"] == pytest.approx(forgetting, rel=1e-12)
    rates = (run.folder / "history.csv").read_text().splitlines()[1:]
    assert {line.split(",")[2] for line in rates} == {"1.0"}


def test_sizes_are_those_of_what_is_trained(tmp_path, small_data):
    keys = {"TRAINING_PARAMETERS": KALMAN, "C": {"trainable": "0:1"}}
    run = prepared(train_ini(tmp_path, small_data, **keys))
    specs = [network.spec for network in run.networks]
    sizes = sizes_of(specs, run.plan.step.columns)
    assert list(sizes.items()) == list(parameter_sizes(run.program.trained).items())


def test_a_filter_of_forces_goes_on_within_an_epoch(tmp_path):
    path = write_xyz(tmp_path / "a.xyz", small_structures(8))
    sections = {
        "IO_INFORMATION": {"save_checkpoint_steps": 3, "max_ckpt_to_keep": 9},
        "TRAINING_PARAMETERS": KALMAN
        | {"forces_cost": 1, "max_epochs": 1, "kalman_force_fraction": 0.5},
    }
    shown = trained(force_ini(tmp_path, path, **sections))
    assert " force components (unit " in shown
    run = FinishedRun(tmp_path / "run", shown)
    expected, metrics = run.state, run.metrics
    cut_back(run.folder / "_models", 3)
    trained(force_ini(tmp_path, path, **sections))
    assert_same_filter(run.state, expected)
    assert run.metrics == metrics


def test_a_stage_keeps_the_filter_and_goes_on_exactly(tmp_path, small_data):
    sections = {
        "IO_INFORMATION": {"save_checkpoint_steps": 3, "max_ckpt_to_keep": 9},
        "TRAINING_PARAMETERS": KALMAN | {"stages": "a, b", "max_epochs": 1},
        "STAGE:a": {},
        "STAGE:b": {"keep_optimizer": True, "batch_size": 5},
    }
    path = str(train_ini(tmp_path, small_data, **sections))
    assert app_train.main(["-c", path]) == 0
    first, second = (
        FinishedRun(tmp_path / "run" / "stages" / name, "") for name in "ab"
    )
    expected, metrics = second.state, second.metrics
    # Seven updates of the parent and seven of its own.
    forgetting = 1.0 - 0.02 * 0.9987**14
    assert expected.optimizer["lambda"] == pytest.approx(forgetting, rel=1e-12)
    assert {*expected.run["slots_since"].values()} == {-7}
    assert first.state.optimizer["lambda"] < expected.optimizer["lambda"]
    cut_back(second.folder / "_models", 3)
    assert app_train.main(["-c", path]) == 0
    assert_same_filter(second.state, expected)
    assert second.state.run["slots_since"] == expected.run["slots_since"]
    assert second.metrics == metrics


def test_the_filter_and_adam_know_nothing_of_each_other(tmp_path, small_data):
    adam = {"optimizer": "adam", "max_epochs": 1}
    finished(tmp_path, small_data, TRAINING_PARAMETERS=adam)
    run = kalman(tmp_path, small_data, GO_ON)
    assert "is that of adam: kalman starts afresh." in run.shown
    assert {*run.state.run["slots_since"].values()} == {7}
    forgetting = 1.0 - 0.02 * 0.9987**7
    assert run.state.optimizer["lambda"] == pytest.approx(forgetting, rel=1e-12)
    run = finished(
        tmp_path,
        small_data,
        IO_INFORMATION=GO_ON,
        TRAINING_PARAMETERS=adam | {"max_epochs": 3},
    )
    assert "is that of kalman: adam starts afresh." in run.shown
    assert {*run.state.run["slots_since"].values()} == {14}


CHANGES = {
    "layers": {"H": {"trainable": "0:1"}},
    "covariance": {"TRAINING_PARAMETERS": {"kalman_covariance": "layer"}},
    "scales": {"DEFAULT_NETWORK": {"standardize": True}},
}


@pytest.fixture(scope="module")
def begun(tmp_path_factory, small_data):
    """Folder of a run of one epoch."""
    folder = tmp_path_factory.mktemp("kalman")
    kalman(folder, small_data, max_epochs=1)
    return folder


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_covariance_of_other_weights_is_not_taken(begun, small_data, change):
    sections = {"IO_INFORMATION": GO_ON} | change
    keys = KALMAN | change.get("TRAINING_PARAMETERS", {})
    run = prepared(
        train_ini(begun, small_data, **sections | {"TRAINING_PARAMETERS": keys})
    )
    assert any("of other weights, or of another" in note for note in run.notes)
    assert set(run.program.optimizer.first_steps) == {7}


def test_precision_may_change(begun, small_data):
    keys = KALMAN | {"kalman_precision": "float32"}
    sections = {"IO_INFORMATION": GO_ON, "TRAINING_PARAMETERS": keys}
    run = prepared(train_ini(begun, small_data, **sections))
    matrix = run.program.optimizer.state()["covariance/H/0/square"].numpy()
    stored = FinishedRun(begun / "run", "").state
    expected = stored.optimizer["covariance/H/0/square"].astype(np.float32)
    np.testing.assert_array_equal(matrix, expected, strict=True)


def test_what_has_no_room_is_refused_with_what_has(tmp_path, small_data, monkeypatch):
    keys = KALMAN | {"kalman_covariance": "full"}

    def refusal(**io):
        path = train_ini(
            tmp_path, small_data, IO_INFORMATION=io, TRAINING_PARAMETERS=keys
        )
        with pytest.raises(InputError) as error:
            prepared(path)
        (problem,) = error.value.problems
        assert str(path) in problem
        return problem.partition(": ")[2]

    # 226 weights: of 16, 6, 4 and 3 columns (n + 1) 6 + 7.
    text = refusal(memory_budget_mb=1, dataset_cache=True)
    assert text.startswith(
        "kalman_covariance = full: the filter of 226 weights and 4 observations a step "
        "needs 1.681 MB, but memory_budget_mb is 1. Set kalman_covariance = element, "
        "which fits, or raise memory_budget_mb."
    )
    monkeypatch.setattr("annpot.training.kalman.room.available_memory", lambda: 9e3)
    assert refusal().endswith(
        "but there are 0.009 MB of memory left. Not even kalman_covariance = layer "
        "fits: use a smaller batch_size, smaller networks, float32."
    )


def test_weights_that_are_not_finite_end_the_run(tmp_path, small_data):
    run = prepared(train_ini(tmp_path, small_data, TRAINING_PARAMETERS=KALMAN))
    for variable in run.program.optimizer.state().values():
        if len(variable.shape) == 2:
            variable.assign(-variable)
    with pytest.raises(
        TrainingError, match="between steps 1 and 3: by rounding its cov"
    ):
        run_steps(run, 3)


def test_how_checkpoints_cut_a_run_changes_no_bit(tmp_path, small_data):
    keys = {"average": "ema", "kalman_kind": "standard", "max_epochs": 1}
    runs = []
    for every in (2, 7):
        folder = tmp_path / str(every)
        runs.append(
            kalman(folder, small_data, {"save_checkpoint_steps": every}, **keys)
        )
    assert_same_run(*runs)
    assert_same_filter(runs[0].state, runs[1].state)
