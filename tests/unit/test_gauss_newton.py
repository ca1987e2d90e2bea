"""Parts of the Gauss-Newton method, by hand and against NumPy."""

from types import SimpleNamespace

import numpy as np
import pytest

from annpot.networks.element_network import network_output, tf
from annpot.training.batch import Chunk
from annpot.training.gauss_newton.directions import random_directions
from annpot.training.gauss_newton.kernel import (
    Extent,
    element_kernel,
    is_by_pairs,
    kernel_by_pairs,
    kernel_by_structures,
    places_of_structures,
    summed_over_atoms,
)
from annpot.training.gauss_newton.memory import gauss_newton_memory
from annpot.training.gauss_newton.optimizer import solved
from annpot.training.gauss_newton.settings import (
    GaussNewtonSettings,
    rows_per_structure,
    unsupported,
)
from annpot.training.gauss_newton.slopes import along, layer_slopes, weighted

RNG = np.random.default_rng(4)
SHAPES = ((5, 4), (4, 3), (3, 1))
LAYERS = [(RNG.normal(size=s) / 2, RNG.normal(size=s[1]) / 2) for s in SHAPES]
ACTIVATIONS = ("tanh", "gaussian", "linear")
X = RNG.normal(size=(6, 3, 5))  # six atoms, two directions
OWNERS = np.array([0, 0, 1, 2, 2, 3])  # the last is padding
BIAS_SCALE = 1.7


def values(layers):
    """(n_atoms, 1 + q) energies and rates of change, these by differences."""
    h = 1e-5

    def energies(x):
        return network_output(tf.constant(x), layers, ACTIVATIONS).numpy()

    rates = [
        (energies(X[:, 0] + h * X[:, k]) - energies(X[:, 0] - h * X[:, k])) / (2 * h)
        for k in (1, 2)
    ]
    return np.stack([energies(X[:, 0]), *rates], 1)


def jacobian():
    """(n_atoms, 1 + q, n_weights) by differences, and whether a weight is a bias."""
    columns, is_bias, h = [], [], 1e-4
    for number, pair in enumerate(LAYERS):
        for kind, array in enumerate(pair):
            for place in np.ndindex(*array.shape):
                ends = []
                for sign in (1, -1):
                    moved = [[a.copy() for a in p] for p in LAYERS]
                    moved[number][kind][place] += sign * h
                    ends.append(values(moved))
                columns.append((ends[0] - ends[1]) / (2 * h))
                is_bias.append(kind == 1)
    return np.stack(columns, 2), np.array(is_bias)


@pytest.fixture(scope="module")
def by_differences():
    return jacobian()


@pytest.fixture(scope="module")
def slopes():
    layers = [tuple(map(tf.constant, pair)) for pair in LAYERS]
    energies, found = layer_slopes(tf.constant(X), layers, ACTIVATIONS)
    np.testing.assert_allclose(energies, values(LAYERS)[:, 0], rtol=1e-13)
    return found


def test_sums_of_slopes_are_those_of_differences(by_differences, slopes):
    j, _ = by_differences
    weights = RNG.normal(size=(6, 3))
    found = [
        np.ravel(part)
        for layer in slopes
        for part in weighted(layer, tf.constant(weights))
    ]
    expected = np.einsum("pk,pkw->w", weights, j)
    np.testing.assert_allclose(np.concatenate(found), expected, rtol=0, atol=1e-5)


def test_changes_along_weights_are_those_of_differences(by_differences, slopes):
    j, _ = by_differences
    v = RNG.normal(size=j.shape[2])
    first, total = 0, 0.0
    for layer, (n_in, n_out) in zip(slopes, SHAPES, strict=True):
        stop = first + n_in * n_out
        kernel, bias = v[first:stop].reshape(n_in, n_out), v[stop : stop + n_out]
        total = total + along(layer, tf.constant(kernel), tf.constant(bias)).numpy()
        first = stop + n_out
    np.testing.assert_allclose(total, j @ v, rtol=0, atol=1e-5)


@pytest.mark.parametrize("n_rows", [1, 3])
def test_the_kernel_is_that_of_differences(by_differences, slopes, n_rows):
    j, is_bias = by_differences
    layers = [type(s)(s.inputs[:, :n_rows], s.slopes[:, :n_rows]) for s in slopes]
    extent, owners = Extent(6, 2, 3, n_rows), tf.constant(OWNERS)
    places = places_of_structures(owners, extent)
    np.testing.assert_array_equal(places, [[0, 1], [2, 6], [3, 4]])
    found = {
        "pairs": summed_over_atoms(
            sum(kernel_by_pairs(layer, BIAS_SCALE) for layer in layers), owners, 3
        ),
        "structures": sum(
            kernel_by_structures(layer, places, BIAS_SCALE) for layer in layers
        ),
        "either": element_kernel(layers, owners, extent, BIAS_SCALE),
    }
    rows = np.zeros((3, n_rows, j.shape[2]))
    np.add.at(rows, OWNERS[:5], j[:5, :n_rows])
    rows = rows.reshape(3 * n_rows, -1)
    expected = rows * np.where(is_bias, BIAS_SCALE, 1.0) @ rows.T
    for name, matrix in found.items():
        np.testing.assert_allclose(matrix, expected, rtol=0, atol=1e-4, err_msg=name)


def test_small_structures_go_by_pairs_and_large_ones_by_structures():
    # By hand: 480^2 (512 + 16) for 120 molecules of four atoms of an element, against
    # 120 (120 + 8) 49152.
    assert is_by_pairs([(384, 128)], Extent(480, 4, 120, 1))
    # 60 atoms: 7200^2 528 against 120 (120 + 120) 49152.
    assert not is_by_pairs([(384, 128)], Extent(7200, 60, 120, 1))
    # Of a narrow layer the rows of J are short; the wide one decides.
    assert not is_by_pairs([(32, 1)], Extent(480, 4, 120, 1))
    assert is_by_pairs([(384, 128), (32, 1)], Extent(480, 4, 120, 1))


def test_equations_are_solved_and_empty_rows_are_left_out():
    k = np.array([[4.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 0.0]])
    found = solved(tf.constant(k), tf.constant([1.0, 2.0, 0.0], tf.float64), 0.5)
    # lambda tr K / 2 = 0.5 * 6 / 2
    expected = np.linalg.solve([[5.5, 1.0], [1.0, 3.5]], [1.0, 2.0])
    np.testing.assert_allclose(found, [*expected, 0.0], rtol=1e-14)
    nothing = solved(tf.zeros((2, 2), tf.float64), tf.zeros(2, tf.float64), 0.5)
    np.testing.assert_array_equal(nothing, [0.0, 0.0])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_makes_weights_nan_instead_of_an_end(bad):
    k = tf.constant([[1.0, bad], [bad, 1.0]], tf.float64)
    assert np.isnan(solved(k, tf.ones(2, tf.float64), 0.1)).all()


def chunk(n_steps=4, padding=0):
    """Chunk of three structures of 1, 2 and 6 atoms, the last without forces at 1."""
    owners = np.array([0, 1, 2, 2, 2] + [3] * padding)
    others = np.array([1, 2, 2, 2] + [3] * padding)
    has_forces = np.ones((n_steps, 3), bool)
    has_forces[1, 2] = False
    return Chunk(
        rows=(),
        owners=tuple(np.tile(part, (n_steps, 1)) for part in (owners, others)),
        targets=np.zeros((n_steps, 3)),
        n_atoms=np.tile([1.0, 2.0, 6.0], (n_steps, 1)),
        labels=SimpleNamespace(has_forces=has_forces),
    )


def test_directions_are_orthonormal_in_each_structure():
    one, q = chunk(), 5
    found = random_directions(one, GaussNewtonSettings(projections=q, seed=3), 0)
    owners = np.concatenate(one.owners, axis=1)
    for structure, n_atoms in enumerate([1, 2, 6]):
        u = found[0][owners[0] == structure].transpose(1, 0, 2).reshape(q, -1)
        rank = min(q, 3 * n_atoms)
        singular = [1.0] * rank + [0.0] * (q - rank)
        size = min(u.shape)
        np.testing.assert_allclose(
            np.linalg.svd(u)[1], singular[:size], rtol=0, atol=1e-6
        )
    np.testing.assert_array_equal(found[1][owners[1] == 2], 0.0)
    assert (found[0] != found[2]).any(axis=(1, 2)).all()


def test_directions_are_a_function_of_seed_step_and_atoms():
    settings = GaussNewtonSettings(projections=2, seed=3)
    whole = random_directions(chunk(), settings, 7)
    part = chunk()._replace(owners=tuple(o[2:] for o in chunk().owners))
    part = part._replace(labels=SimpleNamespace(has_forces=np.ones((2, 3), bool)))
    np.testing.assert_array_equal(random_directions(part, settings, 9), whole[2:])
    wide = random_directions(chunk(padding=2), settings, 7)
    np.testing.assert_array_equal(wide[:, [0, 1, 2, 3, 4, 7, 8, 9, 10]], whole)
    np.testing.assert_array_equal(wide[:, [5, 6, 11, 12]], 0.0)
    other = random_directions(chunk(), GaussNewtonSettings(projections=2, seed=4), 7)
    assert not np.array_equal(other, whole)


def test_rows_of_a_structure():
    assert rows_per_structure(GaussNewtonSettings(projections=4), True) == 5
    assert rows_per_structure(GaussNewtonSettings(projections=4), False) == 1


def step_settings(**changes):
    """What `unsupported` reads of StepSettings."""
    made = {
        "loss": SimpleNamespace(function="quad_atom"),
        "force_loss": SimpleNamespace(is_on=True, function="quad_percomp"),
        "virial_loss": SimpleNamespace(is_on=False),
        "regularization": SimpleNamespace(is_on=False),
        "n_devices": 1,
    }
    return SimpleNamespace(**made | changes)


def test_what_has_no_formula_is_told():
    tanh = [("tanh", "linear")]
    assert unsupported(step_settings(), tanh) == []
    bad = step_settings(
        loss=SimpleNamespace(function="exp_quad"),
        force_loss=SimpleNamespace(is_on=True, function="exp_quad"),
        virial_loss=SimpleNamespace(is_on=True),
        regularization=SimpleNamespace(is_on=True),
        n_devices=2,
    )
    assert unsupported(bad, [("rbf", "linear")]) == [
        "loss_function exp_quad is not quadratic",
        "floss_function exp_quad is not quadratic",
        "virials are not among the residuals",
        "penalties on weights are not among the residuals",
        "activation rbf has no derivative of the form it needs",
        "batches are not shared out to several devices",
    ]
    # An exponential of forces that are not trained does not matter.
    off = SimpleNamespace(is_on=False, function="exp_quad")
    assert unsupported(step_settings(force_loss=off), tanh) == []


def test_memory_by_hand():
    step = SimpleNamespace(
        precision="float32",
        force_loss=SimpleNamespace(is_on=False),
        shapes=((50, 40), (100, 80)),  # H and O, the last shape is the largest
        batch_size=20,
    )
    shapes = [[(30, 10), (10, 1)], [(7, 1)]]
    found = gauss_newton_memory(GaussNewtonSettings(), step, shapes, (5, 60))
    # 310 + 11 + 8 weights, v before and after.
    assert found.increments == 2 * 4 * 329
    assert found.slopes == 4 * (100 * (40 + 11) + 80 * 8)
    assert found.kernel == 3 * 8 * 20**2
    # H: 100^2 (40 + 11 + 2 * 16) > 20 (20 + 2 * 5) 310, by rows of J; so is O.
    assert found.work == 4 * max(20 * (300 + 5 * 40), 20 * (7 + 60 * 8))
    assert found.total == sum(
        (found.increments, found.slopes, found.kernel, found.work)
    )
    pairs = gauss_newton_memory(GaussNewtonSettings(), step, [[(300, 200)]], (5,))
    assert pairs.work == 3 * 4 * 100**2  # 10^4 516 < 600 * 60000


def test_memory_with_forces_has_rows_for_directions():
    step = SimpleNamespace(
        precision="float64",
        force_loss=SimpleNamespace(is_on=True),
        shapes=((10, 77),),  # 77: no place for atoms
        batch_size=2,
    )
    settings = GaussNewtonSettings(projections=3)
    found = gauss_newton_memory(settings, step, [[(300, 200)]], (5,))
    assert found.slopes == 8 * 10 * 4 * 500
    assert found.kernel == 3 * 8 * (2 * 4) ** 2
    # 40^2 516 < 8 (8 + 10) 60000: by pairs.
    assert found.work == 3 * 8 * 40**2
