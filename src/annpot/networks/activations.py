"""Activations of a layer: their numbers, names, NumPy form and gradient."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from annpot.errors import InputError


@dataclass(frozen=True)
class Activation:
    """One activation of a fully connected layer.

    Attributes:
        number: what files store.
        name: what annpot calls it.
        spellings: further names that INI files and metadata may use.
        layer_output: (x (n, n_in), W (n_in, n_out), b (n_out,)) -> y (n, n_out).
        layer_gradient: (x, W, b, dE/dy (n, n_out)) -> dE/dx (n, n_in).
    """

    number: int
    name: str
    spellings: tuple[str, ...]
    layer_output: Callable
    layer_gradient: Callable


def _affine(function):
    """Layer y = function(x W + b)."""
    return lambda x, kernel, bias: function(x @ kernel + bias)


def _affine_gradient(slope):
    """dE/dx = (dE/dy slope(x W + b)) W^T."""
    return lambda x, kernel, bias, by_y: (by_y * slope(x @ kernel + bias)) @ kernel.T


def _gaussian(y):
    return np.exp(-y * y)


def _gaussian_slope(y):
    return -2 * y * np.exp(-y * y)


def _rectified(y):
    return np.maximum(y, 0)


def _rectified_slope(y):
    """1 above 0, 0 below and at it, as TensorFlow has it."""
    return (y > 0).astype(y.dtype)


def _tanh_slope(y):
    return 1 - np.tanh(y) ** 2


def _radial_basis(x, kernel, bias):
    """y_i = exp(-sum_j (x_j - W_ji)^2); b has no part in it."""
    # |x - w|^2 expanded, so that no (n, n_in, n_out) array is made; rounding can
    # leave it a little below zero.
    squares = np.sum(x * x, axis=1)[:, None] + np.sum(kernel * kernel, axis=0)
    return np.exp(-np.maximum(squares - 2 * (x @ kernel), 0))


def _radial_basis_gradient(x, kernel, bias, by_y):
    """dE/dx_j = -2 sum_i dE/dy_i y_i (x_j - W_ji)."""
    weights = by_y * _radial_basis(x, kernel, bias)
    return 2 * (weights @ kernel.T - x * weights.sum(axis=1, keepdims=True))


def _of_sum(number, name, spellings, function, slope):
    """Activation of an affine layer y = function(x W + b)."""
    forms = _affine(function), _affine_gradient(slope)
    return Activation(number, name, spellings, *forms)


ACTIVATIONS = (
    _of_sum(0, "linear", ("l", "L", "LINEAR"), np.asarray, np.ones_like),
    _of_sum(1, "gaussian", ("g", "G", "gauss"), _gaussian, _gaussian_slope),
    Activation(2, "rbf", ("RBF",), _radial_basis, _radial_basis_gradient),
    _of_sum(3, "relu", ("rl", "RL", "RELU", "ReLU"), _rectified, _rectified_slope),
    _of_sum(4, "tanh", ("th", "TANH"), np.tanh, _tanh_slope),
)
_BY_SPELLING = {
    spelling: activation
    for activation in ACTIVATIONS
    for spelling in (str(activation.number), activation.name, *activation.spellings)
}


def activation_named(spelling, where):
    """The activation that a number or a name stands for.

    Args:
        spelling: 1, "1", "gaussian", "g", ...
        where: file and key, for the message.

    Raises:
        InputError: there is no such activation.
    """
    activation = _BY_SPELLING.get(str(spelling))
    if activation is None:
        choices = ", ".join(f"{known.number} ({known.name})" for known in ACTIVATIONS)
        raise InputError(
            f"{where}: unknown activation {spelling!r}: expected one of {choices}."
        )
    return activation
