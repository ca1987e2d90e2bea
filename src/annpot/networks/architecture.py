"""What a per-element network is, as numbers: sizes, activations, rules, weights."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class LayerSpec:
    """One fully connected layer y = activation(x W + b).

    Attributes:
        size: number of outputs.
        activation: number of the activation, see `annpot.networks.activations`.
        trainable: whether training may change W and b.
    """

    size: int
    activation: int
    trainable: bool = True


@dataclass(frozen=True)
class NetworkSpec:
    """The network of one element.

    Attributes:
        element: chemical symbol.
        n_features: length of the descriptor that enters the first layer.
        layers: LayerSpec of each layer; the last has size 1.
        offset: energy added to the output of each atom, eV, float64.
    """

    element: str
    n_features: int
    layers: tuple[LayerSpec, ...]
    offset: float = 0.0

    @property
    def shapes(self):
        """((n_in, n_out), ...) of the weight matrices."""
        sizes = (self.n_features, *(layer.size for layer in self.layers))
        return tuple(pairwise(sizes))


@dataclass(frozen=True)
class LayerWeights:
    """Weights (n_in, n_out) and biases (n_out,) of one layer."""

    kernel: np.ndarray
    bias: np.ndarray
