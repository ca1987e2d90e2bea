"""Derivatives of atomic energies by weights, layer by layer, as outer products.

With a the input of a layer and delta = dE_p/dz the slope of the energy of atom p by
what its activation s is given, z = a W + b:

    dE_p/dW = a (x) delta,    dE_p/db = delta,    delta_l = (delta_l+1 W_l+1^T) s'(z_l)

Along a change of the descriptors x' (the atoms moving in some direction) everything
has a rate of change, written with a dot; dot E_p is minus the force along it:

    dot a_l+1 = s'(z_l) dot z_l,   dot z_l = dot a_l W_l
    dot delta_l = (dot delta_l+1 W_l+1^T) s'(z_l) + (delta_l+1 W_l+1^T) s''(z_l) dot z_l
    d(dot E_p)/dW = dot a (x) delta + a (x) dot delta,   d(dot E_p)/db = dot delta
"""

from typing import NamedTuple

from annpot.networks.element_network import tf


class LayerSlopes(NamedTuple):
    """a, delta of a layer and their rates of change.

    Atoms and directions are one axis: first the quantity of each atom, then its q rates
    of change.

    Attributes:
        inputs: (n_atoms, 1 + q, n_in): a and dot a.
        slopes: (n_atoms, 1 + q, n_out): delta and dot delta.
    """

    inputs: tf.Tensor
    slopes: tf.Tensor


def _tanh(z):
    y = tf.tanh(z)
    slope = 1.0 - y * y
    return y, slope, -2.0 * y * slope


def _gaussian(z):
    y = tf.exp(-z * z)
    return y, -2.0 * z * y, (4.0 * z * z - 2.0) * y


def _linear(z):
    return z, tf.ones_like(z), tf.zeros_like(z)


def _relu(z):
    return tf.nn.relu(z), tf.cast(z > 0, z.dtype), tf.zeros_like(z)


# Name -> function of z: value, first and second derivative.
DERIVATIVES = {
    "tanh": _tanh,
    "gaussian": _gaussian,
    "linear": _linear,
    "relu": _relu,
}


def layer_slopes(descriptors, layers, activations):
    """Energies of the atoms, and LayerSlopes of each layer of an element's network.

    Args:
        descriptors: (n_atoms, 1 + q, n_columns): x, then its q rates of change.
        layers: (kernel, bias) of each layer.
        activations: name of each layer's activation.

    Returns:
        (n_atoms,) eV without offset; list of LayerSlopes.
    """
    inputs, firsts, seconds, rates = [descriptors], [], [], []
    for (kernel, bias), name in zip(layers, activations, strict=True):
        z = tf.einsum("pki,io->pko", inputs[-1], kernel)
        value, first, second = DERIVATIVES[name](z[:, :1] + bias)
        rates.append(z[:, 1:])
        firsts.append(first)
        seconds.append(second)
        inputs.append(tf.concat([value, first * rates[-1]], 1))
    slopes = []
    upper = tf.concat(
        [tf.ones_like(inputs[-1][:, :1]), tf.zeros_like(inputs[-1][:, 1:])], 1
    )
    for number in range(len(layers) - 1, -1, -1):
        own, rate = upper[:, :1], upper[:, 1:]
        first, second = firsts[number], seconds[number]
        slopes.insert(
            0,
            tf.concat([own * first, rate * first + own * second * rates[number]], 1),
        )
        if number:
            upper = tf.einsum("pko,io->pki", slopes[0], layers[number][0])
    found = [LayerSlopes(*pair) for pair in zip(inputs[:-1], slopes, strict=True)]
    return inputs[-1][:, 0, 0], found


def along(layer, kernel, bias):
    """(n_atoms, 1 + q) derivatives of E_p and dot E_p along a change of a layer.

    Args:
        layer: LayerSlopes.
        kernel, bias: the change.
    """
    moved = tf.einsum("pki,io->pko", layer.inputs, kernel)
    first = moved[:, :1] + bias
    own = tf.reduce_sum(first * layer.slopes, 2)
    rate = tf.reduce_sum(moved[:, 1:] * layer.slopes[:, :1], 2)
    return own + tf.concat([tf.zeros_like(own[:, :1]), rate], 1)


def weighted(layer, weights):
    """(kernel, bias): sum over atoms of weights times the derivatives of E_p, dot E_p.

    Args:
        layer: LayerSlopes.
        weights: (n_atoms, 1 + q).
    """
    slopes = tf.reduce_sum(layer.slopes * weights[:, :, None], 1)  # (n_atoms, n_out)
    kernel = tf.matmul(layer.inputs[:, 0], slopes, transpose_a=True)
    if weights.shape[1] > 1:
        rates = tf.reduce_sum(layer.inputs[:, 1:] * weights[:, 1:, None], 1)
        kernel += tf.matmul(rates, layer.slopes[:, 0], transpose_a=True)
    return kernel, tf.reduce_sum(slopes, 0)
