"""The compiled program of the extended Kalman filter."""

import numpy as np

from annpot.errors import TrainingError
from annpot.networks.element_network import tf
from annpot.training.chunk_program import ChunkProgram
from annpot.training.error_sums import trace_record
from annpot.training.forms.prediction import AtomicNetworks
from annpot.training.kalman.components import force_components
from annpot.training.kalman.filter import KalmanFilter
from annpot.training.kalman.observations import jacobian, observed
from annpot.training.objective import data_loss
from annpot.training.schedules import LearningRate


class KalmanProgram:
    """Updates of the filter over chunks of batches; each structure is a stream.

    Observations and their Jacobian are compiled together; the filter is a graph whose
    covariance is changed in place.

    Attributes:
        trained: {ParameterKey: variable} that the filter moves.
        optimizer: the KalmanFilter; its `state` is what a checkpoint has to hold.
        networks: AtomicNetworks.
        learning_rate: LearningRate of 1: updates are taken whole.

    Args:
        parameters: Parameters to train.
        networks: the ElementNetworks, for their activations.
        settings: StepSettings; of the losses only what is recorded.
        form: how energies and forces are had, see `annpot.training.forms.prediction`.
        kalman: KalmanSettings.
    """

    def __init__(self, parameters, networks, settings, form, kalman):
        self.settings, self.kalman = settings, kalman
        self.parameters, self.form = parameters, form
        self._activations = [network.activations for network in networks]
        self.networks = self._networks_of(parameters.variables)
        self.trained = parameters.trainable()
        self.optimizer = KalmanFilter(kalman, self.trained)
        self.learning_rate = LearningRate(settings.learning_rate)
        self._observe = tf.function(
            self._observations, jit_compile=settings.xla, autograph=False
        )
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

        Raises:
            TrainingError: a weight is not a finite number.
        """
        n_steps = len(chunk.targets)
        first = int(self.optimizer.iterations.numpy())
        components = force_components(chunk, self.kalman, first)
        trace = self._program.run(tables, (chunk, components), n_steps)
        sums = [tf.reduce_sum(variable) for variable in self.trained.values()]
        if not all(np.isfinite(float(one)) for one in sums):
            raise TrainingError(
                "The filter made weights that are not finite numbers, between steps "
                f"{first + 1} and {first + n_steps}: by rounding its covariance is not "
                "positive any more, or the energies are far off. Use kalman_precision "
                "= float64, a smaller kalman_max_variance or some kalman_noise, and "
                "check output_offset. Earlier checkpoints are untouched."
            )
        return trace

    def _step(self, tables, batch, components):
        values = [
            tf.convert_to_tensor(variable)
            for variable in self.parameters.variables.values()
        ]
        rows, errors, record = self._observe(values, tables, batch, components)
        self.optimizer.update(rows, errors)
        self.parameters.after_step()
        return record

    def _observations(self, values, tables, batch, components):
        """(H (m, n_weights), xi (m,), record of the step)."""
        values = dict(zip(self.parameters.variables, values, strict=True))
        trained = [values[key] for key in self.trained]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(trained)
            networks = self._networks_of(values)
            prediction = self.form(networks, tables, batch)
            found, errors = observed(prediction, batch, components, self.kalman)
        fit, sums = data_loss(prediction, batch, self.settings)
        record = trace_record({"loss": fit, **sums})
        return jacobian(tape, found, trained), errors, record

    def _networks_of(self, values):
        """AtomicNetworks of {ParameterKey: tensor or variable}."""
        return AtomicNetworks(
            self.parameters.layers_of(values),
            self._activations,
            self.settings.precision,
        )
