"""Activations against numbers worked out by hand."""

import numpy as np
import pytest

from annpot.errors import InputError
from annpot.networks.activations import ACTIVATIONS, activation_named

X = np.array([[0.5, -1.0], [2.0, 0.25]])
W = np.array([[1.0, -0.5], [0.25, 3.0]])
B = np.array([0.1, -0.2])
AFFINE = np.array([[0.35, -3.45], [2.1625, -0.45]])  # X W + b, by hand


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, AFFINE),
        (1, np.exp(-(AFFINE**2))),
        # |x - w|^2 by hand; b = (0.1, -0.2) must leave no trace.
        (2, np.exp([[-1.8125, -17.0], [-1.0, -13.8125]])),
        (3, [[0.35, 0.0], [2.1625, 0.0]]),
        (4, np.tanh(AFFINE)),
    ],
)
def test_a_layer_gives_the_numbers_of_its_formula(number, expected):
    output = ACTIVATIONS[number].layer_output(X, W, B)
    # Six operations in float64: a few units of 2^-53.
    np.testing.assert_allclose(output, expected, rtol=1e-14)


def test_numbers_are_the_places_in_the_table():
    assert [activation.number for activation in ACTIVATIONS] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda a: a.name)
def test_every_spelling_is_understood(activation):
    for spelling in (activation.number, activation.name, *activation.spellings):
        assert activation_named(spelling, "here") is activation


def test_an_unknown_activation_is_refused_with_the_choices():
    with pytest.raises(InputError) as caught:
        activation_named("softplus", "networks_metadata.json: network of H")
    assert str(caught.value) == (
        "networks_metadata.json: network of H: unknown activation 'softplus': expected "
        "one of 0 (linear), 1 (gaussian), 2 (rbf), 3 (relu), 4 (tanh)."
    )


def test_rbf_of_a_point_on_its_centre_is_exactly_one():
    x = np.full((1, 3), 0.1, np.float32)
    output = ACTIVATIONS[2].layer_output(x, x.T, np.zeros(1, np.float32))
    assert output.tolist() == [[1.0]]  # rounding must not make it larger


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda a: a.name)
def test_the_gradient_of_a_layer_is_its_central_difference(activation):
    by_y = np.array([[1.0, -0.7], [0.3, 2.0]])
    h = 1e-3

    def energy(row, column, step):
        x = X.copy()
        x[row, column] += step
        return np.sum(by_y * activation.layer_output(x, W, B))

    def slope(row, column):
        near = energy(row, column, h) - energy(row, column, -h)
        far = energy(row, column, 2 * h) - energy(row, column, -2 * h)
        return (8 * near - far) / (12 * h)

    expected = [[slope(row, column) for column in range(2)] for row in range(2)]
    found = activation.layer_gradient(X, W, B, by_y)
    # Rounding 1e-16 / h and h^4 = 1e-12 times fifth derivatives of order 100. None of
    # the sums is within 2 h of relu's kink.
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda a: a.name)
def test_a_gradient_keeps_the_precision_it_is_asked_for(activation):
    arrays = [a.astype(np.float32) for a in (X, W, B, X)]
    single = activation.layer_gradient(*arrays)
    assert single.dtype == np.float32
    # Sums of two products of order 1 in float32.
    double = activation.layer_gradient(*(a.astype(float) for a in arrays))
    np.testing.assert_allclose(single, double, rtol=1e-5, atol=1e-6)
