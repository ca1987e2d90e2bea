"""Inputs of the networks with mean 0 and like spreads: `standardize`.

The step trains the first layer for x = (G - m) / s; whatever is stored or exported has
it folded, so that it is a network of plain descriptors like any other:

    x W + b = G W' + b',   W' = W / s (row by row),   b' = b - (m / s) W

With a power p below 1 of the standard deviation the columns keep some of their
differences, and one factor for all columns of an element makes the mean of |x|^2 over
its atoms 1:

    s_k = c max(sigma_k, 1e-3 max_j sigma_j)^p,   sum_k (sigma_k / s_k)^2 = 1
"""

from dataclasses import dataclass, replace

import numpy as np

from annpot.data.descriptor_statistics import component_moments, merge_moments
from annpot.errors import InputError
from annpot.training.plan import RBF

# A column whose spread is below this part of the element's largest number is taken for
# constant: in float32 it holds a digit or less.
NOISE = 1e-6
# Spreads count as at least this part of the element's largest: columns that hardly vary
# are not blown up to the size of those that tell structures apart.
FLOOR = 1e-3
STEP_WEIGHTS = "standardized"  # slot: first layer as the step trains it
FOLDER = "standardization"  # beginning of the names of the statistics in a checkpoint
PARTS = ("mean", "scale")


@dataclass(frozen=True, eq=False)
class InputScale:
    """x = (G - mean) / scale of the descriptors of one element.

    Attributes:
        mean, scale: (n_columns,) float64.
    """

    mean: np.ndarray
    scale: np.ndarray

    def chosen(self, columns):
        """The same of some columns; None: of all."""
        if columns is None:
            return self
        return InputScale(self.mean[columns], self.scale[columns])

    def apply(self, g, dtype):
        """(n_atoms, n_columns) descriptors, scaled, in `dtype`."""
        scaled = np.subtract(g, self.mean.astype(dtype), dtype=dtype)
        scaled /= self.scale.astype(dtype)
        return scaled

    def fold(self, kernel, bias):
        """(W', b') for plain descriptors of (W, b) for scaled ones, in float64."""
        kernel = np.asarray(kernel, np.float64) / self.scale[:, None]
        return kernel, np.asarray(bias, np.float64) - self.mean @ kernel

    def unfold(self, kernel, bias):
        """The inverse of `fold`."""
        kernel = np.asarray(kernel, np.float64)
        bias = np.asarray(bias, np.float64) + self.mean @ kernel
        return kernel * self.scale[:, None], bias


def scale_of(moments, power=1.0):
    """InputScale from the ComponentMoments of an element.

    m is the mean of a column, s the standard deviation (at least `FLOOR` times the
    largest one) or what its power gives; where a column is constant over the atoms, m
    is its value and s = 1.

    Args:
        moments: ComponentMoments.
        power: p, above 0 to 1.
    """
    std, mean = moments.std, moments.mean.copy()
    size = max(np.abs(moments.minimum).max(), np.abs(moments.maximum).max())
    is_one_value = moments.minimum == moments.maximum
    is_constant = is_one_value | (std <= NOISE * size)
    mean[is_one_value] = moments.minimum[is_one_value]
    scale = np.maximum(std, FLOOR * std.max()) ** power
    if power != 1.0 and not is_constant.all():
        size = np.sum((std / scale)[~is_constant] ** 2)
        scale *= np.sqrt(size)
    return InputScale(mean, np.where(is_constant, 1.0, scale))


def measured_scales(data, power=1.0):
    """{species index: InputScale} of the descriptors of a DataSet.

    Streamed data are read once more.

    Args:
        data: DataSet.
        power: see `scale_of`.
    """
    moments = {}
    for part in data.resident or data.stream.whole():
        moments = merge_moments(moments, component_moments(part.species, part.g))
    return {index: scale_of(found, power) for index, found in moments.items()}


def choose_scales(config, opened, specs, start):
    """InputScale of each element, or None where its descriptors stay as they are.

    Where the optimizer's state goes on, so do mean and scale: it belongs to them.
    Elements whose first layer is frozen, and those without atoms, are left alone.

    Args:
        config: TrainConfig.
        opened: OpenedData of training.
        specs: NetworkSpec of each element.
        start: Start.

    Returns:
        tuple with one entry for each element; list of sentences for the user.

    Raises:
        InputError: the first layer is one that no scale can be folded into.
    """
    if not config.default_network.standardize:
        return (None,) * len(specs), []
    _refuse_rbf(config, specs)
    stored = stored_scales(start)
    chosen = [spec.layers[0].trainable for spec in specs]
    known = {i: stored[s.element] for i, s in enumerate(specs) if s.element in stored}
    if any(c and i not in known for i, c in enumerate(chosen)):
        power = config.default_network.standardize_power
        known = measured_scales(opened.data, power) | known
    scales = tuple(known.get(i) if c else None for i, c in enumerate(chosen))
    return scales, _told(specs, scales, stored)


def stored_scales(start):
    """{element: InputScale} that go on with the optimizer's state."""
    if start.state is None or not start.keeps_slots:
        return {}
    return {
        element: InputScale(*found)
        for element, found in start.state.standardization.items()
    }


def _refuse_rbf(config, specs):
    found = [
        spec.element
        for spec in specs
        if spec.layers[0].activation == RBF and spec.layers[0].trainable
    ]
    if found:
        where = config.source.where("DEFAULT_NETWORK", "standardize")
        raise InputError(
            f"{where}: standardize cannot be used with a first layer of activation rbf "
            f"({', '.join(found)}): exp(-|x - w|^2) of scaled descriptors is no such "
            "layer of plain ones. Remove standardize, or choose another activation."
        )


def _told(specs, scales, stored):
    kept = [
        f"{spec.element} ({int((scale.scale != 1.0).sum())} of {spec.n_features})"
        for spec, scale in zip(specs, scales, strict=True)
        if scale is not None
    ]
    origin = " as before" if stored else ""
    return [f"standardize: columns scaled{origin}: {', '.join(kept) or 'none'}."]


def without_unmatched_slots(start, specs, scales):
    """A Start without the slots of first layers whose inputs are now others.

    Args:
        start: Start.
        specs: NetworkSpec of each element.
        scales: result of `choose_scales`.
    """
    if start.state is None or not start.keeps_slots:
        return start
    known, slots = start.state.standardization, start.state.slots
    others = {
        spec.element
        for spec, scale in zip(specs, scales, strict=True)
        if (scale is None) != (spec.element not in known)
    }
    kept = {key: slots[key] for key in slots if key[0] not in others or key[1] != 0}
    return replace(start, state=replace(start.state, slots=kept))


def scaled_slots(parameters):
    """{(ParameterKey, slot): variable} of first layers as the step trains them."""
    return {(key, STEP_WEIGHTS): v for key, v in parameters.scaled().items()}


def restore_scaled(state, parameters):
    """Set the first layers as the step had them in a checkpoint, bit by bit.

    Args:
        state: SavedState whose trained weights the parameters have.
        parameters: Parameters.
    """
    for key, variable in parameters.scaled().items():
        name = key.element, key.layer, key.kind, STEP_WEIGHTS
        if name in state.slots:
            values = state.slots[name]
            variable.assign(parameters.from_full(key, values))


def scale_texts(specs, scales):
    """{name: array} of the statistics, as each checkpoint holds them."""
    return {
        f"{FOLDER}/{spec.element}/{part}": getattr(scale, part)
        for spec, scale in zip(specs, scales, strict=True)
        if scale is not None
        for part in PARTS
    }
