"""All numbers of a run at one moment: weights and optimizer state."""

import numpy as np

from annpot.networks.element_network import tf


class Snapshot:
    """Reads the variables of a run in one compiled call.

    What TensorFlow reads from a variable is never changed afterwards: another thread
    may look at the arrays while training goes on.

    Args:
        potential: Potential; rows of its weights that the step does not train stay as
            they are now.
        parameters: Parameters of the step.
        slots: {(ParameterKey, slot name): variable}.

    Attributes:
        names: path of each array in a checkpoint: `_networks/O/_layers/0/kernel`, the
            layout of PANNA 2, and `_slots/O/0/kernel/momentum`.
    """

    def __init__(self, potential, parameters, slots):
        self._parameters = parameters
        self._whole = {
            key: getattr(layer, key.kind).numpy()
            for key, layer in _layers(potential, parameters)
            if parameters.rows(key) is not None
        }
        variables = {
            _weight_name(key): (key, v) for key, v in parameters.variables.items()
        }
        variables |= {
            f"_slots/{key}/{slot}": (key, variable)
            for (key, slot), variable in slots.items()
        }
        self.names = list(variables)
        self._keys = [key for key, _ in variables.values()]
        self._variables = [variable for _, variable in variables.values()]
        self._read = tf.function(self._values, autograph=False)

    def take(self):
        """Arrays of all variables, as `names`, in the shapes of the step."""
        return [np.asarray(memoryview(value)) for value in self._read()]

    def in_full(self, arrays):
        """{name: array}, of the result of `take`, weights in the shape of the network.

        Slots stay in the shape of the step. The next call overwrites the arrays.
        """
        return {
            name: self._filled(key, array) if name == _weight_name(key) else array
            for name, key, array in zip(self.names, self._keys, arrays, strict=True)
        }

    def _filled(self, key, array):
        rows = self._parameters.rows(key)
        if rows is None:
            return array
        self._whole[key][rows] = array
        return self._whole[key]

    def _values(self):
        with tf.device("CPU:0"):
            return [tf.identity(tf.convert_to_tensor(v)) for v in self._variables]


def _weight_name(key):
    return f"_networks/{key.element}/_layers/{key.layer}/{key.kind}"


def _layers(potential, parameters):
    """(ParameterKey, layer of the full network) of each variable."""
    networks = {network.name: network for network in potential.networks}
    for key in parameters.variables:
        yield key, networks[key.element].atomic_layers[key.layer]
