"""The compiled step against training written out in NumPy."""

import numpy as np
import pytest

from annpot.networks.activations import ACTIVATIONS
from annpot.training.order import batch_records
from annpot.training.trace import by_name
from reference.numpy_training import NumpyTraining
from reference.small_training import (
    OFFSETS,
    SPECIES,
    assert_close_weights,
    prepared,
    run_steps,
    stored_records,
    train_ini,
    weights_of,
)

BATCH = 4
# Every activation in some network, and networks of different depth.
NETWORKS = {
    "H": {"architecture": "6:4:1", "activations": "gaussian:tanh:linear"},
    "C": {"architecture": "5:1", "activations": "rbf:linear"},
    "O": {"architecture": "4:3:1", "activations": "relu:gaussian:linear"},
    "N": {"architecture": "3:1", "activations": "tanh:gaussian"},
}


def run_of(folder, data, networks=True, **training):
    """Run in float64 with the networks above."""
    elements = NETWORKS if networks else {}
    return prepared(
        train_ini(
            folder,
            data,
            TRAINING_PARAMETERS={"precision": "float64", **training},
            **elements,
        )
    )


def numpy_training(run, **settings):
    """NumpyTraining that starts with the weights of a Run."""
    weights = weights_of(run)
    return NumpyTraining(
        {s: weights[element] for s, element in enumerate(SPECIES)},
        {
            s: [layer.activation for layer in spec.layers]
            for s, spec in enumerate(run.potential.specs)
        },
        OFFSETS,
        **settings,
    )


def batches(data, n_steps, seed=5):
    """Lists of records of the first batches."""
    records = stored_records(data.training)
    drawn = batch_records(seed, len(records), BATCH, 0, n_steps)
    return [[records[i] for i in batch] for batch in drawn]


def by_element(oracle):
    return {element: oracle.layers[s] for s, element in enumerate(SPECIES)}


CASES = {
    "quad": ({}, {}),
    "decay, moments, n_atoms": (
        {
            "energy_weight": "n_atoms",
            "beta1": 0.8,
            "beta2": 0.9,
            "adam_eps": 1e-3,
            "learning_rate_constant": False,
            "learning_rate_decay_step": 2,
            "learning_rate_decay_factor": 0.5,
        },
        {"weight": 1},
    ),
    "exponential loss, sum, regularised": (
        {
            "loss_function": "exp_quad_atom",
            "energy_prefactor": 3.0,
            "energy_reduction": "sum",
            "wscale_l1": 0.01,
            "wscale_l2": 0.02,
            "bscale_l1": 0.03,
            "bscale_l2": 0.04,
        },
        {
            "loss": "exp_quad_atom",
            "prefactor": 3.0,
            "reduction": "sum",
            "penalties": (0.01, 0.02, 0.03, 0.04),
        },
    ),
}


@pytest.mark.parametrize(("keys", "settings"), CASES.values(), ids=CASES)
def test_three_steps_are_those_of_plain_numpy(tmp_path, small_data, keys, settings):
    run = run_of(tmp_path, small_data, **keys)
    oracle = numpy_training(run, **settings)
    trace = run_steps(run, 3)
    losses = [
        oracle.train(
            batch,
            0.01 * (0.5 ** (t / 2) if "beta1" in keys else 1.0),
            keys.get("beta1", 0.9),
            keys.get("beta2", 0.999),
            keys.get("adam_eps", 1e-7),
        )
        for t, batch in enumerate(batches(small_data, 3))
    ]
    # Energies of -2000 eV leave 5e-13 eV of rounding in float64; Adam divides by
    # gradients down to its epsilon and multiplies by the rate.
    np.testing.assert_allclose(trace[:, 0], losses, rtol=1e-10)
    assert_close_weights(weights_of(run), by_element(oracle), atol=1e-10)


def test_the_gradient_is_that_of_the_loss(tmp_path, small_data):
    # Adam's first momentum is (1 - beta1) g; the loss of a step is recorded before
    # its update, so that it can be differentiated numerically.
    run = run_of(tmp_path, small_data, wscale_l2=0.1)
    variables = run.program.trained
    before = {key: variable.numpy() for key, variable in variables.items()}

    def loss():
        value = run_steps(run, 1)[0, 0]
        for key, variable in variables.items():
            variable.assign(before[key])
        return value

    loss()
    momenta = [s["momentum"] for s in run.program.optimizer.slots]
    gradient = {
        key: slot.numpy() / (1 - 0.9)
        for key, slot in zip(variables, momenta, strict=True)
    }
    rng = np.random.default_rng(2)
    for key, values in before.items():
        place = tuple(rng.integers(0, size) for size in values.shape)
        shifts = []
        for shift in (1e-4, -1e-4):
            shifted = values.copy()
            shifted[place] += shift
            variables[key].assign(shifted)
            shifts.append(loss())
        # Third derivatives of order 10 times h^2 / 6.
        central = (shifts[0] - shifts[1]) / 2e-4
        assert gradient[key][place] == pytest.approx(central, rel=1e-6, abs=1e-7), key


def test_frozen_layers_stay_bitwise_and_have_no_slots(tmp_path, small_data):
    path = train_ini(
        tmp_path,
        small_data,
        DEFAULT_NETWORK={"architecture": "4:3:1"},
        TRAINING_PARAMETERS={"wscale_l2": 0.01},
        H={"trainable": "1:0:1"},
        O={"trainable": "0:0:0"},
    )
    run = prepared(path)
    before = weights_of(run)
    trace = run_steps(run, 3)
    after = weights_of(run)
    frozen = {("H", 1), ("O", 0), ("O", 1), ("O", 2)}
    for element, layers in after.items():
        for number, (kernel, bias) in enumerate(layers):
            initial_kernel, initial_bias = before[element][number]
            is_same = np.array_equal(kernel, initial_kernel)
            is_same &= np.array_equal(bias, initial_bias)
            assert is_same == ((element, number) in frozen), (element, number)
    named = {(key.element, key.layer) for key in run.program.trained}
    assert named == {(e, n) for e in SPECIES for n in range(3)} - frozen
    # The penalty counts frozen layers too: l2 sum W^2 over everything, float32.
    squares = sum((k**2).sum() for layers in before.values() for k, _ in layers)
    penalty = by_name(trace[0])["regularization"]
    assert penalty == pytest.approx(0.01 * squares, rel=1e-6)


def test_dropped_columns_change_nothing(tmp_path, small_data, monkeypatch):
    runs = []
    for name in ("reduced", "full"):
        folder = tmp_path / name
        folder.mkdir()
        if name == "full":
            monkeypatch.setattr(
                "annpot.training.setup.columns_in_use", lambda *_: (None,) * 4
            )
        run = run_of(folder, small_data, networks=False)
        before = weights_of(run)
        trace = run_steps(run, 10)
        runs.append((run.plan.step.columns, before, trace, weights_of(run)))
    (columns, before, trace, reduced), (_, _, full_trace, full) = runs
    assert [len(kept) for kept in columns] == [16, 6, 4, 3]  # USED of the data
    # Sums of 24 or fewer terms in another order: float64 rounding over ten steps.
    np.testing.assert_allclose(trace, full_trace, rtol=1e-11)
    assert_close_weights(reduced, full, atol=1e-12)
    for kept, element in zip(columns, SPECIES, strict=True):
        unused = np.setdiff1d(np.arange(24), kept)
        np.testing.assert_array_equal(
            reduced[element][0][0][unused], before[element][0][0][unused]
        )


def test_room_for_more_atoms_changes_nothing(tmp_path, small_data, monkeypatch):
    results = []
    for spare in (0, 37):
        folder = tmp_path / str(spare)
        folder.mkdir()
        monkeypatch.setattr(
            "annpot.training.plan.batch_shapes",
            lambda *_, spare=spare: ((20 + spare, *[9 + spare] * 3),),
        )
        run = run_of(folder, small_data)
        assert run.plan.step.shapes == ((20 + spare, *[9 + spare] * 3),)
        results.append((run_steps(run, 5), weights_of(run)))
    (trace, weights), (roomy_trace, roomy) = results
    np.testing.assert_allclose(roomy_trace, trace, rtol=1e-11)  # float64 rounding
    assert_close_weights(roomy, weights, atol=1e-12)


@pytest.fixture(scope="module")
def graph_run(tmp_path_factory, small_data):
    """(trace, weights) of ten steps in float32 as a graph program."""
    run = prepared(train_ini(tmp_path_factory.mktemp("graph"), small_data))
    assert not run.plan.step.xla
    return run_steps(run, 10), weights_of(run)


def test_single_precision_is_close_to_double(tmp_path, small_data, graph_run):
    trace, _ = graph_run
    run = run_of(tmp_path, small_data, networks=False)
    # Errors of the energies are of float32 networks (1e-7 of about 1 eV per atom),
    # and grow while the weights drift apart.
    np.testing.assert_allclose(trace[:, 0], run_steps(run, 10)[:, 0], rtol=1e-4)
    assert trace.dtype == np.float64


def test_xla_and_graph_agree(tmp_path, small_data, graph_run):
    trace, weights = graph_run
    run = prepared(train_ini(tmp_path, small_data, IO_INFORMATION={"use_xla": True}))
    assert run.plan.step.xla
    np.testing.assert_allclose(run_steps(run, 10)[:, 0], trace[:, 0], rtol=1e-5)
    assert_close_weights(weights_of(run), weights, atol=1e-5)


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda a: a.name)
def test_activations_are_those_of_the_numpy_potential(activation):
    from annpot.networks.element_network import layer_output

    rng = np.random.default_rng(activation.number)
    x, kernel, bias = (
        rng.normal(size=(7, 5)),
        rng.normal(size=(5, 3)),
        rng.normal(size=3),
    )
    found = layer_output(x, kernel, bias, activation.name).numpy()
    expected = activation.layer_output(x, kernel, bias)
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-15)
