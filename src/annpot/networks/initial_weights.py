"""First values of the weights of a new layer."""

import numpy as np

from annpot.elements import ATOMIC_NUMBERS
from annpot.networks.architecture import LayerWeights


def new_layer(shape, element, layer, seed, gain=None, bias_spread=None):
    """Random weights and biases of one layer.

    W ~ Normal(0, sqrt(2 / (n_in + n_out))), b = 0; with a gain
    W ~ Normal(0, gain / sqrt(n_in)), with a spread b ~ Normal(0, spread)

    The numbers depend on (seed, element, layer) only: adding an element, freezing
    a layer or changing another network leaves them as they are.

    Args:
        shape: (n_in, n_out).
        element: chemical symbol of the network.
        layer: index of the layer, from 0.
        seed: seed of the run.
        gain: spread of a node's sum for inputs of mean square 1; None as above.
        bias_spread: standard deviation of the biases; None for 0.

    Returns:
        LayerWeights, float64.

    Source: X. Glorot, Y. Bengio, PMLR 9, 249 (2010), normal form.
    """
    n_in, n_out = shape
    rng = np.random.default_rng([seed, ATOMIC_NUMBERS[element], layer])
    spread = np.sqrt(2.0 / (n_in + n_out)) if gain is None else gain / np.sqrt(n_in)
    kernel = rng.normal(0.0, spread, size=shape)
    return LayerWeights(kernel, (bias_spread or 0.0) * rng.normal(size=n_out))
