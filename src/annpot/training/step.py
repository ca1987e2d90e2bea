"""The compiled program: a stretch of optimizer steps from arrays and state to state."""

import numpy as np

from annpot.networks.element_network import tf
from annpot.training.forms.prediction import AtomicNetworks
from annpot.training.gradient import loss_gradients
from annpot.training.loss_scale import LossScale
from annpot.training.optimizers import Optimizer
from annpot.training.per_step import PerStep
from annpot.training.schedules import LearningRate
from annpot.training.trace import TRACE


class StepProgram:
    """Optimizer steps over chunks of batches.

    One program runs a whole chunk, with the number of steps as an input: how a run is
    cut into chunks changes no bit of its result. Chunks of other shapes (a batch that
    needs more room) get a program of their own over the same state.

    Args:
        parameters: Parameters to train.
        networks: the ElementNetworks, for their activations.
        settings: StepSettings.
        form: how energies and forces are had, see `annpot.training.forms.prediction`.

    Attributes:
        learning_rate: LearningRate; a callback may lower it between chunks.
    """

    def __init__(self, parameters, networks, settings, form):
        self.settings = settings
        self.parameters = parameters
        self.form = form
        self.networks = AtomicNetworks(
            parameters.layers_of(parameters.variables),
            [network.activations for network in networks],
            settings.precision,
            settings.mixed,
        )
        self.trained = parameters.trainable()
        scale = LossScale(settings.loss_scale) if settings.mixed == "float16" else None
        self.optimizer = Optimizer(
            settings.optimizer, settings.clipping, self.trained, scale
        )
        parameters.rest_factor = self.optimizer.rest_factor
        self.learning_rate = LearningRate(settings.learning_rate)
        self._per_step = PerStep(settings, self.learning_rate)
        self._chunk = tf.function(
            self._run_chunk, jit_compile=settings.xla, autograph=False
        )
        self._tables = (None, None)

    @property
    def n_programs(self):
        """Number of programs compiled so far: one for each shape of a batch."""
        return self._chunk.experimental_get_tracing_count()

    def run(self, tables, chunk):
        """Run the batches of a Chunk over the tables of the form.

        Returns:
            (n_steps, len(TRACE)) float64 record of the steps.
        """
        n_steps = len(chunk.targets)
        numbers = self._per_step.of(int(self.optimizer.iterations.numpy()), n_steps)
        steps = padded((chunk, numbers), self.settings.chunk_size)
        trace = self._chunk(
            self._on_device(tables),
            tf.nest.map_structure(tf.constant, steps),
            tf.constant(n_steps, tf.int32),
        )
        return trace.numpy()[:n_steps]

    def _on_device(self, tables):
        if self._tables[0] is not tables:
            arrays = self.form.arrays(tables)
            self._tables = tables, tf.nest.map_structure(tf.constant, arrays)
        return self._tables[1]

    def _run_chunk(self, tables, steps, n_steps):
        def body(i, trace):
            batch, numbers = tf.nest.map_structure(lambda array: array[i], steps)
            record = self._step(tables, batch, numbers)
            return i + 1, tf.tensor_scatter_nd_update(trace, [[i]], [record])

        trace = tf.zeros([self.settings.chunk_size, len(TRACE)], tf.float64)
        _, trace = tf.while_loop(
            lambda i, _: i < n_steps, body, (0, trace), parallel_iterations=1
        )
        return trace

    def _step(self, tables, batch, numbers):
        variables = list(self.trained.values())
        gradients, record = loss_gradients(
            self.networks,
            [variable.value for variable in variables],
            self.form,
            self.settings,
            tables,
            batch,
            costs=numbers.costs,
            scale=self.optimizer.loss_scale,
        )
        self.optimizer.update(gradients, numbers.rate)
        self.parameters.after_step()
        return record


def padded(arrays, n_steps):
    """A nest of arrays whose first axis counts steps, filled up to `n_steps` of them.

    What fills them repeats the last step and is never run.
    """

    def filled(array):
        missing = n_steps - len(array)
        if not missing:
            return array
        return np.concatenate([array, np.repeat(array[-1:], missing, axis=0)])

    return tf.nest.map_structure(filled, arrays)
