"""First weights: their spread, and that nothing but (seed, element, layer) counts."""

import numpy as np
import pytest

from annpot.networks.initial_weights import new_layer


@pytest.mark.parametrize("shape", [(384, 128), (32, 1), (50, 200)])
def test_spread_is_glorots(shape):
    kernel = new_layer(shape, "C", 0, seed=1).kernel
    sigma = np.sqrt(2.0 / sum(shape))
    # Standard errors of the estimates of sigma and mean; five of them.
    n = kernel.size
    assert kernel.std() == pytest.approx(sigma, rel=5 / np.sqrt(2 * n))
    assert abs(kernel.mean()) < 5 * sigma / np.sqrt(n)


def test_biases_are_zero():
    layer = new_layer((7, 3), "O", 1, seed=1)
    np.testing.assert_array_equal(layer.bias, np.zeros(3))
    assert layer.kernel.dtype == layer.bias.dtype == np.float64


def test_weights_are_the_normal_numbers_of_seed_atomic_number_and_layer():
    found = new_layer((2, 2), "N", 3, seed=11).kernel
    rng = np.random.default_rng([11, 7, 3])
    np.testing.assert_allclose(found.ravel(), rng.normal(size=4) * np.sqrt(0.5))


@pytest.mark.parametrize("change", [{"seed": 2}, {"element": "N"}, {"layer": 1}])
def test_each_argument_changes_the_weights(change):
    arguments = {"shape": (4, 4), "element": "C", "layer": 0, "seed": 1}
    one = new_layer(**arguments).kernel
    other = new_layer(**arguments | change).kernel
    assert (one != other).all()
    np.testing.assert_array_equal(one, new_layer(**arguments).kernel)


def test_gain_and_spread_are_those_asked_for():
    asked = new_layer((400, 300), "C", 1, seed=3, gain=0.2, bias_spread=0.3)
    assert np.std(asked.kernel) == pytest.approx(0.2 / 20, rel=0.01)
    assert np.std(asked.bias) == pytest.approx(0.3, rel=0.1)
    assert abs(np.mean(asked.bias)) < 0.06
    default = new_layer((400, 300), "C", 1, seed=3)
    np.testing.assert_allclose(asked.kernel / 0.01, default.kernel * np.sqrt(350))
    assert not default.bias.any()
