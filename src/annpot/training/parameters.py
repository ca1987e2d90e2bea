"""The variables that the step trains, and their shadow in the full networks."""

from dataclasses import dataclass

import numpy as np

from annpot.networks.element_network import keras, tf

KINDS = ("kernel", "bias")


@dataclass(frozen=True)
class ParameterKey:
    """Name of one variable: element, layer from 0, kernel or bias."""

    element: str
    layer: int
    kind: str

    def __str__(self):
        return f"{self.element}/{self.layer}/{self.kind}"


class Parameters:
    """Variables of a Potential as the compiled step uses them.

    A descriptor column that is zero in all atoms of an element gives its weights a
    gradient of exactly zero, and Adam then leaves them exactly as they are. Such rows
    of the first kernel are left out of the computation: the step trains a smaller
    variable, `write_back` copies it into the network. All other variables are the
    network's own.

    Args:
        potential: Potential.
        columns: for each element the columns in use, or None for all.
    """

    def __init__(self, potential, columns):
        self.networks = potential.networks
        self._reduced = {}  # ParameterKey -> (small variable, full variable, columns)
        self.variables = {}  # ParameterKey -> variable used in the step
        for network, kept in zip(potential.networks, columns, strict=True):
            for number, layer in enumerate(network.atomic_layers):
                for kind in KINDS:
                    key = ParameterKey(network.name, number, kind)
                    self.variables[key] = getattr(layer, kind)
            if kept is not None:
                self._reduce(ParameterKey(network.name, 0, "kernel"), kept)

    def _reduce(self, key, kept):
        full = self.variables[key]
        small = keras.Variable(
            np.zeros((len(kept), full.shape[1]), full.dtype),
            dtype=full.dtype,
            name=f"{key.element}_used_rows",
        )
        self._reduced[key] = (small, full, kept)
        self.variables[key] = small

    def read_in(self):
        """Copy the rows in use from the networks into the step's variables."""
        for small, full, kept in self._reduced.values():
            small.assign(tf.gather(full.value, kept))

    def write_back(self):
        """Copy the step's variables into the networks."""
        for small, full, kept in self._reduced.values():
            full.assign(
                tf.tensor_scatter_nd_update(full.value, kept[:, None], small.value)
            )

    def rows(self, key):
        """Rows of the full weight that the step's variable holds; None for all."""
        return self._reduced[key][2] if key in self._reduced else None

    def trainable(self):
        """{ParameterKey: variable} of the layers that are not frozen."""
        return {
            key: variable
            for key, variable in self.variables.items()
            if self._layer(key).trainable
        }

    def layers_of(self, values):
        """For each element the (kernel, bias) of its layers.

        Args:
            values: {ParameterKey: what stands for the variable}.
        """
        return [
            [
                tuple(values[ParameterKey(network.name, i, kind)] for kind in KINDS)
                for i in range(len(network.atomic_layers))
            ]
            for network in self.networks
        ]

    def full_shape(self, key):
        """Shape of a variable in the full network."""
        return tuple(getattr(self._layer(key), key.kind).shape)

    def to_full(self, key, values):
        """Values in the step's shape -> the full shape, zero in unused rows."""
        if key not in self._reduced:
            return values
        full = np.zeros(self.full_shape(key), values.dtype)
        full[self._reduced[key][2]] = values
        return full

    def from_full(self, key, values):
        """Values in the full shape -> the step's shape."""
        return values[self._reduced[key][2]] if key in self._reduced else values

    def _layer(self, key):
        for network in self.networks:
            if network.name == key.element:
                return network.atomic_layers[key.layer]
        raise KeyError(key)
