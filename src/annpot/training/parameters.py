"""The variables that the step trains, and their shadow in the full networks."""

from dataclasses import dataclass

import numpy as np

from annpot.networks.element_network import keras, tf
from annpot.training.averaging import WeightAverage

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
    gradient of exactly zero, and no optimizer moves them then: decoupled weight decay
    alone multiplies them, all by the same factor. Such rows of the first kernel are
    left out of the computation: the step trains a smaller variable, `write_back`
    copies it into the network. Where descriptors are scaled the
    first layer is that of scaled ones, and `write_back` folds the scale into it. All
    other variables are the network's own.

    Args:
        potential: Potential.
        columns: for each element the columns in use, or None for all.
        scales: for each element the InputScale of all columns, or None; () for none.
        averaging: AveragingSettings; None averages nothing.

    Attributes:
        variables: {ParameterKey: variable used in the step}.
        rest_factor: variable that rows left out are multiplied by, see `Optimizer`, or
            None.
        rest: {ParameterKey: full weight whose rows left out are those of factor 1}.
        seen: the same, of what validation and the networks see: averages.
        average: WeightAverage of what is trained, or None.
    """

    def __init__(self, potential, columns, scales=(), averaging=None):
        self.networks = potential.networks
        self._rows = {}  # key of a kernel of which the step has some rows -> which
        self._scales = {}  # element -> InputScale of the columns that the step has
        self._full = {}  # ParameterKey -> variable of the network
        self.variables, self.average = {}, None
        self.rest_factor, self.rest = None, {}
        is_averaged = averaging is not None and averaging.is_on
        scales = scales or (None,) * len(columns)
        about = zip(potential.networks, columns, scales, strict=True)
        for network, kept, scale in about:
            if kept is not None:
                self._rows[ParameterKey(network.name, 0, "kernel")] = kept
            if scale is not None:
                self._scales[network.name] = scale.chosen(kept)
            for number, layer in enumerate(network.atomic_layers):
                for kind in KINDS:
                    key = ParameterKey(network.name, number, kind)
                    self._add(key, layer, is_averaged and layer.trainable)
        self.seen = self.variables
        if is_averaged:
            trained = self.trainable()
            self.average = WeightAverage(averaging, trained)
            self.seen = self.variables | {k: self._beside(k) for k in trained}

    def _add(self, key, layer, is_averaged):
        """Take a variable of the network, or make one beside it."""
        full = getattr(layer, key.kind)
        self._full[key] = self.variables[key] = full
        is_scaled = key.layer == 0 and key.element in self._scales
        if key in self._rows or is_scaled or is_averaged:
            self.variables[key] = self._beside(key)

    def _beside(self, key):
        """A variable of the shape in the step."""
        full = self._full[key]
        n_rows = len(self._rows.get(key, range(full.shape[0])))
        return keras.Variable(
            np.zeros((n_rows, *full.shape[1:]), full.dtype),
            dtype=full.dtype,
            name=f"{key.element}_{key.kind}_in_step",
        )

    def after_step(self):
        """Count a step in the average, within the compiled step."""
        if self.average is not None:
            self.average.after_step()

    def after_epoch(self, epoch):
        """Count a complete epoch in the average; epochs count from 1."""
        if self.average is not None:
            self.average.after_epoch(epoch)

    def read_in(self, scaled=()):
        """Copy what the step uses from the networks into its variables.

        Args:
            scaled: elements whose network holds the first layer of scaled descriptors:
                it is new.
        """
        for key in self._rows:
            if self.rest_factor is not None and self._layer(key).trainable:
                self.rest.setdefault(key, self._full[key].numpy())
        for key, small in self.variables.items():
            if small is not self._full[key]:
                small.assign(self.from_full(key, self._full[key].numpy()))
        for element, scale in self._scales.items():
            if element not in scaled:
                self._assign_first(element, scale.unfold)

    def _assign_first(self, element, change):
        """Replace the (kernel, bias) in the first layer of the step by others."""
        first = [self.variables[ParameterKey(element, 0, kind)] for kind in KINDS]
        values = change(*(variable.numpy() for variable in first))
        for variable, value in zip(first, values, strict=True):
            variable.assign(value.astype(variable.dtype))

    def write_back(self):
        """Copy the step's variables, or their average, into the networks."""
        if self.average is not None:
            self._see_average()
        beside = {k: v for k, v in self.seen.items() if v is not self._full[k]}
        for key in [k for k in beside if k.element not in self._scales]:
            value = beside.pop(key).value
            if key in self._rows:
                rows, whole = self._rows[key][:, None], self._full[key].value
                if key in self.rest:
                    whole = self.rest_rows(key, self.rest_factor.numpy())
                value = tf.tensor_scatter_nd_update(whole, rows, value)
            self._full[key].assign(value)
        values = {key: variable.numpy() for key, variable in beside.items()}
        factor = None if self.rest_factor is None else self.rest_factor.numpy()
        whole = self.whole(self._full, factor)
        for key, value in self.in_networks(values, whole).items():
            self._full[key].assign(value)

    def _see_average(self):
        average = self.average
        weights = {key: self.variables[key].numpy() for key in average.totals}
        totals = {key: total.numpy() for key, total in average.totals.items()}
        updates = int(average.updates.numpy())
        for key, value in average.seen(weights, totals, updates).items():
            self.seen[key].assign(value)

    def in_networks(self, values, whole):
        """Values of the step as the networks have them: plain and complete.

        Args:
            values: {ParameterKey: array of the step}.
            whole: {ParameterKey: array of the network} of those that the step has not
                in full; rows that it has not are taken from there.

        Returns:
            {ParameterKey: array}, of the same dtypes.
        """
        plain = dict(values)
        for element, scale in self._scales.items():
            keys = [ParameterKey(element, 0, kind) for kind in KINDS]
            if keys[0] in values:
                folded = scale.fold(*(values[key] for key in keys))
                for key, value in zip(keys, folded, strict=True):
                    plain[key] = value.astype(values[key].dtype)
        for key in self._rows.keys() & values.keys():
            full = whole[key].astype(plain[key].dtype)
            full[self._rows[key]] = plain[key]
            plain[key] = full
        return plain

    def whole(self, full=None, rest_factor=None):
        """{ParameterKey: array of the network} of those that the step has in part.

        Args:
            full: {ParameterKey: array or variable} to take them from; None: the
                networks.
            rest_factor: of the rows left out.
        """
        full = self._full if full is None else full
        return {
            key: self.rest_rows(key, rest_factor)
            if key in self.rest and rest_factor is not None
            else _array(full[key])
            for key in self._rows
        }

    def rest_rows(self, key, factor):
        """(full shape) weight whose rows left out have been multiplied by a factor."""
        rest = self.rest[key]
        return (rest.astype(np.float64) * factor).astype(rest.dtype)

    def scaled(self):
        """{ParameterKey: variable} that are those of scaled descriptors."""
        return {
            key: variable
            for key, variable in self.variables.items()
            if key.layer == 0 and key.element in self._scales
        }

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
        return tuple(self._full[key].shape)

    def to_full(self, key, values):
        """Values in the step's shape -> the full shape, zero in unused rows."""
        if key not in self._rows:
            return values
        full = np.zeros(self.full_shape(key), values.dtype)
        full[self._rows[key]] = values
        return full

    def from_full(self, key, values):
        """Values in the full shape -> the step's shape."""
        return values[self._rows[key]] if key in self._rows else values

    def _layer(self, key):
        for network in self.networks:
            if network.name == key.element:
                return network.atomic_layers[key.layer]
        raise KeyError(key)


def _array(value):
    return value.numpy() if hasattr(value, "numpy") else value
