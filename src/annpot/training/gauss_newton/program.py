"""The compiled program of the Gauss-Newton method."""

import numpy as np

from annpot.networks.element_network import tf
from annpot.training.chunk_program import ChunkProgram
from annpot.training.error_sums import trace_record
from annpot.training.forms.prediction import (
    AtomicNetworks,
    Prediction,
    by_structure,
    energies,
)
from annpot.training.gauss_newton.directions import random_directions
from annpot.training.gauss_newton.kernel import Extent, element_kernel
from annpot.training.gauss_newton.optimizer import GaussNewton, solved
from annpot.training.gauss_newton.residuals import residuals
from annpot.training.gauss_newton.settings import ENERGIES_ONLY
from annpot.training.gauss_newton.slopes import along, layer_slopes, weighted
from annpot.training.gauss_newton.tangents import descriptors_and_rates
from annpot.training.objective import data_loss
from annpot.training.parameters import KINDS, ParameterKey


class GaussNewtonProgram:
    """Steps over chunks of batches, see `annpot.training.gauss_newton.optimizer`.

    What goes before and after the solution of the equations is compiled; the solution
    itself stays outside, where XLA would be slow.

    Attributes:
        trained: {ParameterKey: variable} that the method moves.
        optimizer: the GaussNewton.
        networks: AtomicNetworks.

    Args:
        parameters: Parameters to train.
        networks: the ElementNetworks, for their activations.
        settings: StepSettings, see `settings.unsupported`.
        form: how energies and forces are had, see `annpot.training.forms.prediction`.
        gauss_newton: GaussNewtonSettings.
        rate: LearningRate: eta of each step.
    """

    def __init__(self, parameters, networks, settings, form, gauss_newton, rate):
        self.settings, self.gauss_newton = settings, gauss_newton
        self.parameters, self.form = parameters, form
        self.learning_rate = rate
        self._activations = [network.activations for network in networks]
        self._elements = [network.name for network in networks]
        self.networks = self._networks_of(parameters.variables)
        self.trained = parameters.trainable()
        self.optimizer = GaussNewton(gauss_newton, self.trained)
        compiled = {"jit_compile": settings.xla, "autograph": False}
        self._before = tf.function(self._equations, **compiled)
        self._after = tf.function(self._moved, **compiled)
        size = settings.chunk_size
        self._program = ChunkProgram(form, size, self._step, xla=False)

    @property
    def n_programs(self):
        """Number of programs compiled so far: one for each shape of a batch."""
        return self._program.n_programs

    def run(self, tables, chunk):
        """Run the batches of a Chunk over the tables of the form.

        Returns:
            (n_steps, len(TRACE)) float64 record of the steps, errors before each.
        """
        n_steps = len(chunk.targets)
        first = int(self.optimizer.iterations.numpy())
        rates = np.asarray(
            self.learning_rate.at(np.arange(first, first + n_steps)), np.float64
        )
        directions = ()
        if self.settings.form != ENERGIES_ONLY:
            directions = random_directions(chunk, self.gauss_newton, first)
        return self._program.run(tables, (chunk, rates, directions), n_steps)

    def _step(self, tables, batch, rate, directions):
        values = [
            tf.convert_to_tensor(variable)
            for variable in self.parameters.variables.values()
        ]
        increments = list(self.optimizer.increments().values())
        matrix, right, weights, found, record = self._before(
            values, increments, tables, batch, directions
        )
        alpha = weights * solved(matrix, right, self.gauss_newton.damping)
        increments, moved = self._after(
            values, increments, found, batch.owners, alpha, rate
        )
        self.optimizer.assign(
            dict(zip(self.trained, increments, strict=True)),
            dict(zip(self.trained, moved, strict=True)),
        )
        self.parameters.after_step()
        return record

    def _equations(self, values, increments, tables, batch, directions):
        """(K, r - mu J v, weights of the rows, LayerSlopes by element, record)."""
        values = dict(zip(self.parameters.variables, values, strict=True))
        networks, settings = self._networks_of(values), self.settings
        about = self.form, settings.form, tables, batch, directions
        descriptors = descriptors_and_rates(*about, settings.precision)
        outputs, layers = zip(
            *map(layer_slopes, descriptors, networks.layers, self._activations),
            strict=True,
        )
        if settings.form == ENERGIES_ONLY:
            prediction = Prediction(energies(outputs, batch))
        else:
            prediction = self.form(networks, tables, batch)
        weights, found = residuals(prediction, batch, settings, directions)
        weights = tf.reshape(weights, [-1])
        right = tf.reshape(found, [-1])
        right -= (
            self.gauss_newton.momentum
            * weights
            * tf.reshape(self._along(layers, increments, batch), [-1])
        )
        matrix = self._kernel(layers, batch) * weights[:, None] * weights
        fit, sums = data_loss(prediction, batch, settings)
        record = trace_record({"loss": fit, **sums})
        return matrix, right, weights, layers, record

    def _trained_layers(self, layers):
        """For each element [(number, LayerSlopes)] of the layers that are trained."""
        return [
            [
                (number, layer)
                for number, layer in enumerate(of_element)
                if ParameterKey(element, number, KINDS[0]) in self.trained
            ]
            for element, of_element in zip(self._elements, layers, strict=True)
        ]

    def _kernel(self, layers, batch):
        """K without the weights of rows, float64."""
        n_structures, n_rows = batch.n_atoms.shape[0], layers[0][0].inputs.shape[1]
        total = tf.zeros([n_structures * n_rows] * 2, tf.float64)
        trained = self._trained_layers(layers)
        for of_element, owners, most in zip(
            trained, batch.owners, self.gauss_newton.most_atoms, strict=True
        ):
            if not of_element:
                continue
            slopes = [self._for_kernel(*one) for one in of_element]
            n_atoms = slopes[0].inputs.shape[0]
            extent = Extent(n_atoms, most, n_structures, n_rows)
            scale = self.gauss_newton.bias_scale
            found = element_kernel(slopes, owners, extent, scale)
            total += tf.cast(found, tf.float64)
        return 0.5 * (total + tf.transpose(total))

    def _for_kernel(self, number, layer):
        """LayerSlopes with the squared steps of the weights in its inputs."""
        if number > 0 or self.gauss_newton.input_scale == 1.0:
            return layer
        root = self.gauss_newton.input_scale**0.5
        return layer._replace(inputs=root * layer.inputs)

    def _along(self, layers, increments, batch):
        """(n_structures, 1 + q) J v without the weights of rows, float64."""
        increments = dict(zip(self.trained, increments, strict=True))
        trained, found = self._trained_layers(layers), []
        for element, of_element, whole in zip(
            self._elements, trained, layers, strict=True
        ):
            total = tf.zeros(whole[0].inputs.shape[:2], whole[0].inputs.dtype)
            for number, layer in of_element:
                change = [increments[ParameterKey(element, number, k)] for k in KINDS]
                total += along(layer, *change)
            found.append(total)
        owners = tf.concat(batch.owners, 0)
        return by_structure(tf.concat(found, 0), owners, batch)

    def _moved(self, values, increments, layers, owners, alpha, rate):
        """(v, weights) after a step, in the order of `trained`.

        Args:
            values: tensors of all variables.
            increments: v before, in the order of `trained`.
            layers: LayerSlopes by element.
            owners: of the batch.
            alpha: (n_rows,), times the weights of the rows.
            rate: eta, float64.
        """
        precision = self.settings.precision
        values = dict(zip(self.parameters.variables, values, strict=True))
        n_rows = layers[0][0].inputs.shape[1]
        alpha = tf.cast(tf.reshape(alpha, [-1, n_rows]), precision)
        alpha = tf.concat([alpha, tf.zeros([1, n_rows], precision)], 0)
        directions = {}
        for element, of_element, owner in zip(
            self._elements, self._trained_layers(layers), owners, strict=True
        ):
            of_atoms = tf.gather(alpha, owner)
            for number, layer in of_element:
                steps = weighted(layer, of_atoms)
                for kind, step in zip(KINDS, steps, strict=True):
                    directions[ParameterKey(element, number, kind)] = step
        moved_increments, moved = [], []
        for key, before in zip(self.trained, increments, strict=True):
            scale = self._squared_step(key)
            v = self.gauss_newton.momentum * before + scale * directions[key]
            moved_increments.append(v)
            moved.append(values[key] - tf.cast(rate, v.dtype) * v)
        return moved_increments, moved

    def _squared_step(self, key):
        """D of a variable."""
        if key.kind == "bias":
            return self.gauss_newton.bias_scale
        return self.gauss_newton.input_scale if key.layer == 0 else 1.0

    def _networks_of(self, values):
        """AtomicNetworks of {ParameterKey: tensor or variable}."""
        return AtomicNetworks(
            self.parameters.layers_of(values),
            self._activations,
            self.settings.precision,
        )
