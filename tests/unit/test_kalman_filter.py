"""The Kalman filter alone, on observations made up, against NumPy and by hand."""

import math
from dataclasses import asdict, replace

import numpy as np
import pytest

from annpot.networks.element_network import tf
from annpot.training.kalman import blocks
from annpot.training.kalman import filter as filter_module
from annpot.training.kalman.blocks import groups_of
from annpot.training.kalman.filter import KalmanFilter
from annpot.training.kalman.memory import (
    kalman_memory,
    largest_that_fits,
    operations,
    parameter_sizes,
    seconds_per_update,
)
from annpot.training.kalman.settings import COVARIANCES, KalmanSettings
from annpot.training.kalman.spread import energy_spread, force_spread
from annpot.training.memory_estimate import available_memory
from annpot.training.parameters import ParameterKey
from reference.numpy_kalman import NumpyKalman

SHAPES = {  # 18 weights
    ParameterKey("H", 0, "kernel"): (3, 2),
    ParameterKey("H", 0, "bias"): (2,),
    ParameterKey("H", 1, "kernel"): (2, 1),
    ParameterKey("H", 1, "bias"): (1,),
    ParameterKey("O", 0, "kernel"): (4, 1),
    ParameterKey("O", 0, "bias"): (1,),
    ParameterKey("O", 1, "kernel"): (1, 1),
    ParameterKey("O", 1, "bias"): (1,),
}
N = 18
BLOCKS = {  # by hand: first and last weight of each
    "full": [(0, 17)],
    "element": [(0, 10), (11, 17)],
    "layer": [(0, 7), (8, 10), (11, 15), (16, 17)],
}
SETTINGS = KalmanSettings(
    epsilon=0.3, q0=0.02, q_decay=0.4, q_min=0.005, nu=0.7, max_variance=None
)
STANDARD = replace(SETTINGS, kind="standard", eta0=0.1, eta_growth=0.5, eta_max=0.4)

BOUNDED = replace(SETTINGS, max_variance=2.5)
KINDS = {"fading memory": SETTINGS, "standard": STANDARD, "bounded": BOUNDED}


@pytest.fixture(autouse=True)
def narrow_strips(monkeypatch):
    """Matrices of a few rows have several strips."""
    monkeypatch.setattr(blocks.groups_of, "__defaults__", (4,))


def variables(dtype="float64"):
    """{ParameterKey: variable} with random values."""
    rng = np.random.default_rng(3)
    return {k: tf.Variable(rng.normal(size=s), dtype=dtype) for k, s in SHAPES.items()}


def weights(trained):
    """(n,) of all variables."""
    return np.concatenate([v.numpy().ravel() for v in trained.values()])


def observations(n_updates, m=5):
    """(H as rows, xi) of each update."""
    rng = np.random.default_rng(8)
    return [(rng.normal(size=(m, N)), rng.normal(size=m)) for _ in range(n_updates)]


@pytest.mark.parametrize("settings", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("covariance", COVARIANCES)
def test_updates_are_those_of_explicit_matrices(covariance, settings):
    settings = replace(settings, covariance=covariance)
    trained = variables()
    one = KalmanFilter(settings, trained)
    groups = [list(range(first, last + 1)) for first, last in BLOCKS[covariance]]
    other = NumpyKalman(N, groups, asdict(settings))
    expected = weights(trained)
    update = tf.function(one.update, autograph=False)
    for h, xi in observations(6):
        update(tf.constant(h), tf.constant(xi))
        expected = expected + other.update(h.T, xi)
        np.testing.assert_allclose(weights(trained), expected, rtol=1e-11, atol=1e-11)
    for group, (first, last) in zip(one.groups, BLOCKS[covariance], strict=True):
        rows = slice(first, last + 1)
        np.testing.assert_allclose(
            one.covariance(group), other.p[rows, rows], rtol=1e-11, atol=1e-12
        )
    state = {name: variable.numpy() for name, variable in one.state().items()}
    assert one.iterations.numpy() == 6
    assert state["q"] == pytest.approx(other.q, rel=1e-14)
    assert state["lambda"] == pytest.approx(other.forgetting, rel=1e-14)
    assert state["eta"] == pytest.approx(other.eta, rel=1e-14)


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_groups_are_elements_and_layers(covariance):
    sizes = {key: math.prod(shape) for key, shape in SHAPES.items()}
    groups = groups_of(sizes, covariance, strip_rows=3)
    assert [(g.first, g.stop - 1) for g in groups] == BLOCKS[covariance]
    names = {
        "full": ["all"],
        "element": ["H", "O"],
        "layer": ["H/0", "H/1", "O/0", "O/1"],
    }
    assert [g.name for g in groups] == names[covariance]
    for group in groups:
        rows = [row for s in group.strips for row in range(s.first, s.stop)]
        assert rows == list(range(group.size))


def test_forgetting_and_noise_follow_their_schedules_by_hand():
    settings = KalmanSettings(
        forgetting=0.9, nu=0.5, q0=0.08, q_decay=math.log(2), q_min=0.015
    )
    one = KalmanFilter(settings, variables())
    state, found = one.state(), []
    for h, xi in observations(4):
        found.append((float(state["lambda"]), float(state["q"])))
        one.update(h, xi)
    found.append((float(state["lambda"]), float(state["q"])))
    expected = [
        (0.9, 0.08), (0.95, 0.04), (0.975, 0.02), (0.9875, 0.015), (0.99375, 0.015)
    ]  # fmt: skip
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_the_learning_rate_grows_before_the_first_update_up_to_its_limit():
    # One weight, P = 1: with noise 1/eta the gain of h = 1 is 1 / (1/eta + P).
    weight = {ParameterKey("H", 0, "kernel"): tf.Variable([[0.0]], dtype="float64")}
    settings = KalmanSettings(
        kind="standard", epsilon=1.0, q0=0.0, q_min=0.0,
        eta0=0.25, eta_growth=math.log(2), eta_max=0.75,
    )  # fmt: skip
    one = KalmanFilter(settings, weight)
    (variable,) = weight.values()
    one.update(np.ones((1, 1)), np.ones(1))  # eta = 0.5: K = 1/(2 + 1)
    assert variable.numpy() == pytest.approx(1 / 3, rel=1e-14)
    one.update(np.ones((1, 1)), np.ones(1))  # P = 2/3, eta = 0.75: K = 1/3
    assert variable.numpy() == pytest.approx(2 / 3, rel=1e-14)
    assert float(one.state()["eta"]) == 0.75


def test_a_linear_problem_ends_at_the_least_squares_solution():
    # Without forgetting and process noise the filter is recursive least squares with
    # the prior |w - w0|^2 epsilon: the normal equations say where it ends.
    settings = KalmanSettings(
        covariance="full", forgetting=1.0, nu=1.0, q0=0.0, q_min=0.0, epsilon=1e-3
    )
    rng = np.random.default_rng(4)
    rows, truth = rng.normal(size=(120, N)), rng.normal(size=N)
    targets = rows @ truth + 0.1 * rng.normal(size=120)
    trained = variables()
    first = weights(trained)
    one = KalmanFilter(settings, trained)
    for start in range(0, 120, 8):
        h, wanted = rows[start : start + 8], targets[start : start + 8]
        one.update(h, wanted - h @ weights(trained))
    normal = rows.T @ rows + settings.epsilon * np.eye(N)
    expected = first + np.linalg.solve(normal, rows.T @ (targets - rows @ first))
    np.testing.assert_allclose(weights(trained), expected, rtol=1e-9)
    inverse = np.linalg.inv(normal)  # the covariance of that solution
    np.testing.assert_allclose(one.covariance(one.groups[0]), inverse, rtol=1e-9)


def test_forgetting_stops_at_the_largest_variance():
    # Weight 0 is observed, weight 1 is not; P(0) = 2, lambda = 0.5.
    key = ParameterKey("H", 0, "kernel")
    rows, found = np.array([[1.0, 0.0]]), {}
    for limit in (None, 3.0):
        settings = KalmanSettings(
            covariance="full", epsilon=0.5, q0=0.0, q_min=0.0, forgetting=0.5, nu=1.0,
            max_variance=limit,
        )  # fmt: skip
        one = KalmanFilter(
            settings, {key: tf.Variable([[0.0], [0.0]], dtype="float64")}
        )
        for _ in range(3):
            one.update(rows, np.zeros(1))
        found[limit] = np.diag(one.covariance(one.groups[0]))
    # Observed: 1/p <- lambda (1/p + 1/lambda) from 1/2: 5/4, 13/8, 29/16.
    np.testing.assert_allclose(found[None], [16 / 29, 16.0], rtol=1e-14)
    np.testing.assert_allclose(found[3.0], [16 / 29, 3.0], rtol=1e-14)


def test_scales_put_into_the_matrix_change_nothing_but_rounding(monkeypatch):
    settings, found = replace(BOUNDED, covariance="full", forgetting=0.8), []
    for limit in (1e3, 1.2):
        monkeypatch.setattr(filter_module, "LARGEST_SCALE", limit)
        one = KalmanFilter(settings, variables())
        update = tf.function(one.update, autograph=False)
        for h, xi in observations(12):
            update(tf.constant(h), tf.constant(xi))
        found.append((one.covariance(one.groups[0]), weights(one.trained)))
        scale = one.state()["scale/all"].numpy()
        assert (np.maximum(scale, 1 / scale).max() <= 1.2) == (limit == 1.2)
    for array, other in zip(*found, strict=True):
        np.testing.assert_allclose(array, other, rtol=1e-9, atol=1e-12)


def test_observations_without_a_label_change_nothing():
    one, other = (KalmanFilter(SETTINGS, variables()) for _ in range(2))
    h, xi = observations(1)[0]
    one.update(h[:3], xi[:3])
    blank = np.zeros((2, N))
    other.update(np.concatenate([h[:3], blank]), np.concatenate([xi[:3], [0, 0]]))
    np.testing.assert_allclose(
        weights(one.trained), weights(other.trained), rtol=1e-14, atol=1e-15
    )


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_the_covariance_is_symmetric_to_the_bit_and_stays_positive(precision):
    settings = replace(SETTINGS, covariance="full", precision=precision)
    one = KalmanFilter(settings, variables("float32"))
    update = tf.function(one.update, autograph=False)
    for h, xi in observations(200):
        update(tf.constant(h), tf.constant(xi))
    matrix = one.covariance(one.groups[0])
    np.testing.assert_array_equal(matrix, matrix.T)
    assert np.linalg.eigvalsh(matrix.astype(np.float64)).min() > 0


def test_the_state_put_back_goes_on_bit_by_bit():
    steps = observations(6)
    whole, first, second = (KalmanFilter(STANDARD, variables()) for _ in range(3))
    for h, xi in steps:
        whole.update(h, xi)
    for h, xi in steps[:3]:
        first.update(h, xi)
    stored = {name: variable.numpy() for name, variable in first.state().items()}
    assert "covariance/H/4/right" in stored
    assert not second.set_state({n: v for n, v in stored.items() if n != "eta"})
    assert second.set_state(stored)
    for key, variable in second.trained.items():
        variable.assign(first.trained[key])
    for h, xi in steps[3:]:
        second.update(h, xi)
    for name, variable in whole.state().items():
        np.testing.assert_array_equal(variable, second.state()[name])
    np.testing.assert_array_equal(weights(whole.trained), weights(second.trained))


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("covariance", COVARIANCES)
def test_the_memory_told_is_that_of_the_variables(covariance, precision):
    settings = KalmanSettings(covariance=covariance, precision=precision)
    trained = variables()
    one = KalmanFilter(settings, trained)
    memory = kalman_memory(settings, parameter_sizes(trained), batch_size=5)
    kinds = ("covariance/", "scale/")
    stored = [v for name, v in one.state().items() if name.startswith(kinds)]
    assert memory.covariance == sum(v.numpy().nbytes for v in stored)
    assert memory.jacobian == 3 * 5 * N * settings.itemsize
    assert memory.checkpoint == memory.covariance
    assert memory.total > 2 * memory.covariance


def test_the_largest_covariance_that_fits_is_told():
    sizes = {key: 100 * math.prod(shape) for key, shape in SHAPES.items()}
    settings = KalmanSettings()
    needed = {
        c: kalman_memory(replace(settings, covariance=c), sizes, 5).total
        for c in COVARIANCES
    }
    assert needed["full"] > needed["element"] > needed["layer"]
    for covariance, n_bytes in needed.items():
        assert largest_that_fits(settings, sizes, 5, n_bytes) == covariance
    assert largest_that_fits(settings, sizes, 5, needed["layer"] - 1) is None


def test_the_memory_there_is(tmp_path):
    table = tmp_path / "meminfo"
    table.write_text("MemTotal:  99 kB\nMemAvailable:   12 kB\n")
    assert available_memory(table) == 12288
    assert available_memory(tmp_path / "absent") > 1e8


def test_operations_of_an_update_by_hand():
    # 11 and 7 weights: squares 121 + 49; m = 2: (3*2 + 1)*170 + 3*4*18.
    sizes = {key: math.prod(shape) for key, shape in SHAPES.items()}
    settings = KalmanSettings(covariance="element")
    assert operations(settings, sizes, batch_size=2) == 1190 + 216
    assert 0 < seconds_per_update(settings, sizes, batch_size=2) < 1


def test_units_are_the_spread_of_what_is_there():
    energies = np.array([2.0, -6.0, np.nan, 8.0])
    n_atoms = np.array([1, 3, 2, 2])
    # Per atom 2, -2, 4: mean 4/3, squares (4 + 100 + 64)/9/3.
    assert energy_spread(energies, n_atoms) == pytest.approx(math.sqrt(56 / 9))
    assert energy_spread(energies, n_atoms, per_atom=False) == pytest.approx(
        np.std([2.0, -6.0, 8.0])
    )
    assert energy_spread(np.array([5.0]), np.array([2])) == 1.0
    assert force_spread(np.array([[1.0, -1.0, 1.0], [np.nan] * 3])) == pytest.approx(
        math.sqrt(8) / 3
    )
    assert force_spread(np.full((2, 3), np.nan)) == 1.0
