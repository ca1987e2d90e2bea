"""The network of one element as a Keras layer, and its mathematics in TensorFlow."""

from annpot.tensorflow_import import import_tensorflow

tf = import_tensorflow()
import keras  # noqa: E402  (its backend is chosen and silenced by the import above)


def _gaussian(x):
    return tf.exp(-x * x)


_ELEMENTWISE = {
    "linear": tf.identity,
    "gaussian": _gaussian,
    "relu": tf.nn.relu,
    "tanh": tf.tanh,
}


def layer_output(x, kernel, bias, activation):
    """Output of one fully connected layer.

    y = activation(x W + b); for "rbf" y_i = exp(-sum_j (x_j - W_ji)^2), without b.

    Args:
        x: (n_atoms, n_in).
        kernel: W (n_in, n_out).
        bias: b (n_out,).
        activation: linear, gaussian, rbf, relu or tanh.

    Returns:
        (n_atoms, n_out).
    """
    if activation == "rbf":
        # |x - w|^2 expanded, so that no (n_atoms, n_in, n_out) array is made.
        squares = tf.reduce_sum(x * x, axis=1)[:, None] - 2.0 * tf.matmul(x, kernel)
        return tf.exp(-(squares + tf.reduce_sum(kernel * kernel, axis=0)))
    return _ELEMENTWISE[activation](tf.matmul(x, kernel) + bias)


def network_output(x, weights, activations):
    """Output of a chain of layers.

    Args:
        x: (n_atoms, n_features).
        weights: (kernel, bias) of each layer.
        activations: name of each layer's activation.

    Returns:
        (n_atoms,) atomic energies without offset, eV.
    """
    for (kernel, bias), activation in zip(weights, activations, strict=True):
        x = layer_output(x, kernel, bias, activation)
    return x[:, 0]


class AtomicLayer(keras.layers.Layer):
    """One fully connected layer of an element's network (see `layer_output`)."""

    def __init__(self, shape, activation, **keras_arguments):
        super().__init__(**keras_arguments)
        self.shape = shape
        self.activation = activation
        self.kernel = self.add_weight(shape=shape, initializer="zeros", name="kernel")
        self.bias = self.add_weight(shape=shape[1:], initializer="zeros", name="bias")
        self.built = True

    def call(self, x):
        """(n_atoms, n_in) -> (n_atoms, n_out)."""
        return layer_output(x, self.kernel, self.bias, self.activation)


class ElementNetwork(keras.layers.Layer):
    """Network of one element: descriptor of an atom -> its energy.

    Args:
        spec: NetworkSpec; its offset is not added here but by the potential.
        dtype: "float32" or "float64".
    """

    def __init__(self, spec, dtype="float32"):
        super().__init__(name=spec.element, dtype=dtype)
        self.spec = spec
        self.atomic_layers = [
            AtomicLayer(
                shape,
                _activation_name(layer.activation),
                name=f"layer_{i}",
                dtype=dtype,
                trainable=layer.trainable,
            )
            for i, (shape, layer) in enumerate(
                zip(spec.shapes, spec.layers, strict=True)
            )
        ]
        self.built = True

    @property
    def activations(self):
        """Name of each layer's activation."""
        return tuple(layer.activation for layer in self.atomic_layers)

    def call(self, g):
        """(n_atoms, n_features) -> (n_atoms,) atomic energies without offset, eV."""
        weights = [(layer.kernel, layer.bias) for layer in self.atomic_layers]
        return network_output(g, weights, self.activations)


def _activation_name(number):
    from annpot.networks.activations import ACTIVATIONS

    return ACTIVATIONS[number].name
