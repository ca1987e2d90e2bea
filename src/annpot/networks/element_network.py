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


def product(x, kernel, mixed="none"):
    """x W, in fewer digits where that is asked for.

    Factors and result are rounded to the type; what lies between is the device's.

    Args:
        x: (n_atoms, n_in).
        kernel: W (n_in, n_out).
        mixed: "bfloat16", "float16", or "none" for the type of the factors.
    """
    if mixed == "none":
        return tf.matmul(x, kernel)
    rounded = tf.matmul(tf.cast(x, mixed), tf.cast(kernel, mixed))
    return tf.cast(rounded, x.dtype)


def layer_output(x, kernel, bias, activation, mixed="none"):
    """Output of one fully connected layer.

    y = activation(x W + b); for "rbf" y_i = exp(-sum_j (x_j - W_ji)^2), without b.

    Args:
        x: (n_atoms, n_in).
        kernel: W (n_in, n_out).
        bias: b (n_out,).
        activation: linear, gaussian, rbf, relu or tanh.
        mixed: type of the product, see `product`; rbf, whose terms cancel, keeps all
            digits.

    Returns:
        (n_atoms, n_out).
    """
    if activation == "rbf":
        # |x - w|^2 expanded, so that no (n_atoms, n_in, n_out) array is made.
        squares = tf.reduce_sum(x * x, axis=1)[:, None] - 2.0 * tf.matmul(x, kernel)
        return tf.exp(-(squares + tf.reduce_sum(kernel * kernel, axis=0)))
    return _ELEMENTWISE[activation](product(x, kernel, mixed) + bias)


def network_output(x, weights, activations, mixed="none"):
    """Output of a chain of layers.

    Args:
        x: (n_atoms, n_features).
        weights: (kernel, bias) of each layer.
        activations: name of each layer's activation.
        mixed: type of the products of all layers but the last, see `product`: an
            energy in bfloat16 would be known to 0.4 percent.

    Returns:
        (n_atoms,) atomic energies without offset, eV.
    """
    *hidden, last = zip(weights, activations, strict=True)
    for (kernel, bias), activation in hidden:
        x = layer_output(x, kernel, bias, activation, mixed)
    (kernel, bias), activation = last
    return layer_output(x, kernel, bias, activation)[:, 0]


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
