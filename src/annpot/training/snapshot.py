"""All numbers of a run at one moment: weights and optimizer state."""

import numpy as np

from annpot.networks.element_network import tf
from annpot.training.averaging import SLOT, UPDATES
from annpot.training.optimizers import REST_FACTOR

TRAINED, AVERAGED = "_networks", "_averaged"
STATE = "_optimizer/"  # before the names of the optimizer's other state


class Snapshot:
    """Reads the variables of a run in one compiled call.

    What TensorFlow reads from a variable is never changed afterwards: another thread
    may look at the arrays while training goes on.

    Args:
        parameters: Parameters of the step; rows of the networks' weights that the step
            does not train stay as they are now.
        slots: {(ParameterKey, slot name): variable}.
        state: function that gives {name: array or variable} of what else the next step
            depends on; always the same names.

    Attributes:
        names: path of each array in a checkpoint: `_networks/O/_layers/0/kernel`, the
            layout of PANNA 2, `_slots/O/0/kernel/momentum`, `_optimizer/NAME` and
            `_averaged/O/_layers/0/kernel`.
    """

    def __init__(self, parameters, slots, state=dict):
        self._parameters, self._state = parameters, state
        self._whole = parameters.whole()
        self._keys, self._slots = list(parameters.variables), list(slots)
        self.names = [_weight_name(key) for key in self._keys]
        self.names += [f"_slots/{key}/{slot}" for key, slot in slots]
        self.names += [f"{STATE}{name}" for name in state()]
        if parameters.average is not None:
            self.names += [_weight_name(key, AVERAGED) for key in self._keys]
        self._variables = [*parameters.variables.values(), *slots.values()]
        self._read = tf.function(self._values, autograph=False)

    def take(self):
        """Arrays of all variables, as `names`, in the shapes of the step."""
        arrays = [np.asarray(memoryview(value)) for value in self._read()]
        return arrays + [_copied(value) for value in self._state().values()]

    def in_full(self, arrays):
        """{name: array}, of the result of `take`, weights in the shape of the network.

        Rows that the step does not train are those of the network. Weights are those of
        plain descriptors. Slots stay in the shape of the step.
        """
        parameters, n_weights = self._parameters, len(self._keys)
        n_variables = n_weights + len(self._slots)
        weights = dict(zip(self._keys, arrays[:n_weights], strict=True))
        slots = dict(zip(self._slots, arrays[n_weights:n_variables], strict=True))
        state = dict(zip(self._state(), arrays[n_variables:], strict=True))
        whole = parameters.whole(self._whole, state.get(REST_FACTOR))
        full = [*parameters.in_networks(weights, whole).values()]
        full += slots.values()
        full += state.values()
        if parameters.average is not None:
            totals = {
                key: total for (key, slot), total in slots.items() if slot == SLOT
            }
            seen = parameters.average.seen(weights, totals, int(state[UPDATES]))
            full += parameters.in_networks(seen, whole).values()
        return dict(zip(self.names, full, strict=True))

    def _values(self):
        with tf.device("CPU:0"):
            return [tf.identity(tf.convert_to_tensor(v)) for v in self._variables]


def _copied(value):
    """NumPy copy of an array or a variable."""
    return np.array(value.numpy() if hasattr(value, "numpy") else value)


def _weight_name(key, part=TRAINED):
    return f"{part}/{key.element}/_layers/{key.layer}/{key.kind}"
