"""The potential: a sum of atomic energies, as a Keras model."""

from annpot.networks.architecture import LayerWeights
from annpot.networks.element_network import ElementNetwork, keras, tf


class Potential(keras.Model):
    """Energy of structures from the descriptors of their atoms.

    E = sum_i [N_s(i)(G_i) + offset_s(i)]

    The networks run in `dtype`; the sum over atoms and the offsets are float64.

    Args:
        specs: NetworkSpec of each element, in the order of the species indices.
        dtype: "float32" or "float64".
    """

    def __init__(self, specs, dtype="float32"):
        super().__init__(name="potential", dtype=dtype)
        self.specs = tuple(specs)
        self.networks = [ElementNetwork(spec, dtype) for spec in specs]
        self.built = True

    def call(self, descriptors, structures, n_structures=1):
        """Energies of structures whose atoms are sorted by element.

        Args:
            descriptors: for each element (n_atoms_s, n_features).
            structures: for each element (n_atoms_s,), the structure of each atom.
            n_structures: number of structures.

        Returns:
            (n_structures,) total energies, eV, float64.
        """
        energies = [
            tf.cast(network(g), tf.float64) + tf.constant(spec.offset, tf.float64)
            for network, spec, g in zip(
                self.networks, self.specs, descriptors, strict=True
            )
        ]
        return tf.math.unsorted_segment_sum(
            tf.concat(energies, 0), tf.concat(list(structures), 0), n_structures
        )

    def set_layers(self, weights):
        """Set all weights from {element: (LayerWeights, ...)}."""
        for network in self.networks:
            pairs = zip(network.atomic_layers, weights[network.name], strict=True)
            for layer, values in pairs:
                layer.kernel.assign(values.kernel)
                layer.bias.assign(values.bias)

    def layers_of(self):
        """All weights as {element: (LayerWeights, ...)} of NumPy arrays."""
        return {
            network.name: tuple(
                LayerWeights(layer.kernel.numpy(), layer.bias.numpy())
                for layer in network.atomic_layers
            )
            for network in self.networks
        }
