"""Activations of a layer: their numbers, names and NumPy form."""

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
        layer_output: (x (n, n_in), W (n_in, n_out), b (n_out,)) -> (n, n_out).
    """

    number: int
    name: str
    spellings: tuple[str, ...]
    layer_output: Callable


def _affine(function):
    """Layer y = function(x W + b)."""
    return lambda x, kernel, bias: function(x @ kernel + bias)


def _gaussian(y):
    return np.exp(-y * y)


def _rectified(y):
    return np.maximum(y, 0)


def _radial_basis(x, kernel, bias):
    """y_i = exp(-sum_j (x_j - W_ji)^2); b has no part in it."""
    # |x - w|^2 expanded, so that no (n, n_in, n_out) array is made; rounding can
    # leave it a little below zero.
    squares = np.sum(x * x, axis=1)[:, None] + np.sum(kernel * kernel, axis=0)
    return np.exp(-np.maximum(squares - 2 * (x @ kernel), 0))


ACTIVATIONS = (
    Activation(0, "linear", ("l", "L", "LINEAR"), _affine(np.asarray)),
    Activation(1, "gaussian", ("g", "G", "gauss"), _affine(_gaussian)),
    Activation(2, "rbf", ("RBF",), _radial_basis),
    Activation(3, "relu", ("rl", "RL", "RELU", "ReLU"), _affine(_rectified)),
    Activation(4, "tanh", ("th", "TANH"), _affine(np.tanh)),
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
