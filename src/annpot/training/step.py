"""The compiled program: a stretch of optimizer steps from arrays and state to state."""

import numpy as np

from annpot.networks.element_network import tf
from annpot.training.forms.prediction import AtomicNetworks
from annpot.training.gradient import loss_gradients
from annpot.training.optimizers import make_optimizer
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
    """

    def __init__(self, parameters, networks, settings, form):
        self.settings = settings
        self.parameters = parameters
        self.form = form
        self.networks = AtomicNetworks(
            parameters.layers_of(parameters.variables),
            [network.activations for network in networks],
            settings.precision,
        )
        self.trained = parameters.trainable()
        self.optimizer = make_optimizer(settings, list(self.trained.values()))
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
        trace = self._chunk(
            self._on_device(tables),
            tf.nest.map_structure(tf.constant, padded(chunk, self.settings.chunk_size)),
            tf.constant(n_steps, tf.int32),
        )
        return trace.numpy()[:n_steps]

    def _on_device(self, tables):
        if self._tables[0] is not tables:
            arrays = self.form.arrays(tables)
            self._tables = tables, tf.nest.map_structure(tf.constant, arrays)
        return self._tables[1]

    def _run_chunk(self, tables, chunk, n_steps):
        def body(i, trace):
            batch = tf.nest.map_structure(lambda array: array[i], chunk)
            record = self._step(tables, batch)
            return i + 1, tf.tensor_scatter_nd_update(trace, [[i]], [record])

        trace = tf.zeros([self.settings.chunk_size, len(TRACE)], tf.float64)
        _, trace = tf.while_loop(
            lambda i, _: i < n_steps, body, (0, trace), parallel_iterations=1
        )
        return trace

    def _step(self, tables, batch):
        variables = list(self.trained.values())
        gradients, record = loss_gradients(
            self.networks,
            [variable.value for variable in variables],
            self.form,
            self.settings,
            tables,
            batch,
        )
        self.optimizer.apply(gradients, variables)
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
