"""First values of the weights of a new layer."""

import numpy as np

from annpot.elements import ATOMIC_NUMBERS
from annpot.networks.architecture import LayerWeights


def new_layer(shape, element, layer, seed):
    """Random weights and zero biases of one layer.

    W ~ Normal(0, sqrt(2 / (n_in + n_out))), b = 0

    The numbers depend on (seed, element, layer) only: adding an element, freezing
    a layer or changing another network leaves them as they are.

    Args:
        shape: (n_in, n_out).
        element: chemical symbol of the network.
        layer: index of the layer, from 0.
        seed: seed of the run.

    Returns:
        LayerWeights, float64.

    Source: X. Glorot, Y. Bengio, PMLR 9, 249 (2010), normal form.
    """
    n_in, n_out = shape
    rng = np.random.default_rng([seed, ATOMIC_NUMBERS[element], layer])
    kernel = rng.normal(0.0, np.sqrt(2.0 / (n_in + n_out)), size=shape)
    return LayerWeights(kernel, np.zeros(n_out))
