"""Training with L-BFGS: its loss, its parts, resuming, the end."""

import numpy as np
import pytest
from scipy.optimize import minimize

from annpot.errors import InputError
from reference.numpy_training import NumpyTraining
from reference.small_structures import force_ini, small_structures, write_xyz
from reference.small_training import (
    OFFSETS,
    assert_close_weights,
    finished,
    prepared,
    run_steps,
    stored_records,
    train_ini,
    weights_of,
)

WHOLE = {"optimizer": "lbfgs", "steps_per_epoch": None, "learning_rate": None}
WHOLE |= {"max_epochs": 6}
DOUBLE = WHOLE | {"precision": "float64"}


def oracle(run):
    """NumpyTraining with the weights of a Run."""
    layers = dict(enumerate(weights_of(run).values()))
    activations = {
        s: [layer.activation for layer in spec.layers]
        for s, spec in enumerate(run.potential.specs)
    }
    return NumpyTraining(layers, activations, OFFSETS)


def test_the_loss_is_that_of_all_data(tmp_path, small_data):
    """45 structures in 12 parts of 3 or 4; NumPy has them one by one."""
    run = prepared(train_ini(tmp_path, small_data, TRAINING_PARAMETERS=DOUBLE))
    assert (run.plan.total_steps, run.plan.n_epochs) == (6, 6)
    assert run.plan.step.n_parts == 12
    records = stored_records(small_data.training)
    losses = [oracle(run).loss_and_gradient(records)[0]]
    for step in range(2):
        trace = run_steps(run, 1, step)
        # The record is of the weights after the iteration.
        losses.append(oracle(run).loss_and_gradient(records)[0])
        assert trace[0, 0] == pytest.approx(losses[-1], rel=1e-11)
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.9 * losses[0]


def test_iterations_are_those_of_scipy_in_any_number_of_parts(tmp_path, small_data):
    """Parts differ by the rounding of sums; the penalty is that of the whole."""
    runs = []
    for batch_size in (7, 45):
        folder = tmp_path / str(batch_size)
        folder.mkdir()
        keys = DOUBLE | {"batch_size": batch_size, "wscale_l2": 1e-3}
        run = prepared(train_ini(folder, small_data, TRAINING_PARAMETERS=keys))
        before = weights_of(run)
        run_steps(run, 3)
        runs.append(weights_of(run))
    assert_close_weights(*runs, atol=1e-9)
    optimizer, found = run.program.optimizer, run.program.optimizer.minimizer.x
    start = np.concatenate([a.ravel() for v in before.values() for p in v for a in p])

    def value_and_slope(x):
        optimizer.assign(x)
        return run.program.loss()[:2]

    expected = minimize(
        value_and_slope, start, jac=True, method="L-BFGS-B",
        options={"maxcor": 10, "ftol": 0.0, "gtol": 0.0, "maxiter": 3},
    )  # fmt: skip
    np.testing.assert_array_equal(found, expected.x)


def test_the_gradient_has_forces_too(tmp_path):
    """Central differences of the loss of all data along one direction."""
    xyz = write_xyz(tmp_path / "s.xyz", small_structures(5))
    keys = DOUBLE | {"batch_size": 2, "forces_cost": 0.3, "virial_cost": 0.1}
    run = prepared(force_ini(tmp_path, xyz, TRAINING_PARAMETERS=keys))
    run_steps(run, 1)
    optimizer, loss = run.program.optimizer, run.program.loss
    x = optimizer.minimizer.x.copy()
    direction = np.random.default_rng(3).normal(size=len(x))

    def at(shift):
        optimizer.assign(x + shift * direction)
        return loss()

    slope = at(0.0)[1] @ direction
    central = (at(1e-5)[0] - at(-1e-5)[0]) / 2e-5
    assert slope == pytest.approx(central, rel=1e-6)


def test_a_run_ends_where_nothing_is_to_gain(tmp_path, small_data):
    """Linear networks: least squares, whose minimum is reached."""
    sections = {
        "DEFAULT_NETWORK": {"architecture": "1", "activations": "linear"},
        "TRAINING_PARAMETERS": WHOLE
        | {"steps_per_epoch": 100, "max_epochs": 45, "batch_size": 45},
    }
    run = finished(tmp_path, small_data, **sections)
    assert run.state.run["ended"].startswith("L-BFGS: the l")
    assert run.state.progress.step < 4500
    assert "Nothing to do" in finished(tmp_path, small_data, **sections).shown


def test_adam_goes_before_and_after(tmp_path, small_data):
    finished(tmp_path, small_data)  # Adam, 21 steps
    io = {"restart_mode": "continue_from_last_ckpt"}
    run = finished(tmp_path, small_data, IO_INFORMATION=io, TRAINING_PARAMETERS=WHOLE)
    assert "is that of adam: lbfgs starts afresh." in run.shown
    losses = run.metrics_table()["loss"]
    assert len(losses) == 6
    assert losses[-1] < losses[2]
    keys = {"max_epochs": 7}
    run = finished(tmp_path, small_data, IO_INFORMATION=io, TRAINING_PARAMETERS=keys)
    assert "is that of lbfgs: adam starts afresh." in run.shown
    assert set(run.state.run["slots_since"].values()) == {24}


def test_streamed_data_are_refused(tmp_path, small_data):
    io = {"memory_budget_mb": 0.001}
    path = train_ini(tmp_path, small_data, IO_INFORMATION=io, TRAINING_PARAMETERS=WHOLE)
    with pytest.raises(InputError) as error:
        prepared(path)
    assert "optimizer = lbfgs needs all data in memory, and they exceed " in str(
        error.value
    )
