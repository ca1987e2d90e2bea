"""The compiled program on several devices: every batch is shared out."""

from annpot.networks.element_network import tf
from annpot.training.chunk_program import padded
from annpot.training.forms.prediction import AtomicNetworks
from annpot.training.gradient import loss_gradients
from annpot.training.optimizers import Optimizer
from annpot.training.per_step import PerStep
from annpot.training.schedules import LearningRate
from annpot.training.shares import common_share
from annpot.training.trace import TRACE


class ReplicaProgram:
    """Optimizer steps over chunks of batches, on the devices of a strategy.

    Each device has a copy of all variables and computes, compiled, the slopes of its
    share of a batch. Their sum goes to all devices outside the compiled part, where
    each makes the same update. The numbers are those of `step.StepProgram`, summed in
    another order.

    Args:
        strategy: tf.distribute.MirroredStrategy under whose scope the variables were
            made.
        parameters, networks, settings, form: see StepProgram.
    """

    def __init__(self, strategy, parameters, networks, settings, form):
        self.strategy, self.settings = strategy, settings
        self.parameters, self.form = parameters, form
        self._activations = [network.activations for network in networks]
        self.networks = self._networks_of(parameters.variables)
        self.trained = parameters.trainable()
        with strategy.scope():
            about = settings.optimizer, settings.clipping, self.trained
            self.optimizer = Optimizer(*about)
        parameters.rest_factor = self.optimizer.rest_factor
        self.learning_rate = LearningRate(settings.learning_rate)
        self._per_step = PerStep(settings, self.learning_rate)
        self._gradients = tf.function(
            self._loss_gradients, jit_compile=settings.xla, autograph=False
        )
        self._chunk = tf.function(self._run_chunk, autograph=False)
        self._tables = (None, None)

    @property
    def n_programs(self):
        """Number of programs compiled so far: one for each shape of a batch."""
        return self._chunk.experimental_get_tracing_count()

    def run(self, tables, chunks):
        """Run the batches of a tuple of Chunks, one for each device.

        Every device has the tables of the form in full.

        Returns:
            (n_steps, len(TRACE)) float64 record of the steps.
        """
        n_steps = len(chunks[0].targets)
        share, chunk_size = common_share(chunks), self.settings.chunk_size
        numbers = self._per_step.of(int(self.optimizer.iterations.numpy()), n_steps)
        trace = self._chunk(
            self._on_devices(tables),
            self._spread(
                [padded((chunk, share, numbers), chunk_size) for chunk in chunks]
            ),
            tf.constant(n_steps, tf.int32),
        )
        return trace.numpy()[:n_steps]

    def _on_devices(self, tables):
        if self._tables[0] is not tables:
            arrays = self.form.arrays(tables)
            copies = [arrays] * self.strategy.num_replicas_in_sync
            self._tables = tables, self._spread(copies)
        return self._tables[1]

    def _spread(self, arrays):
        """One nest of arrays per device -> the nest of their values on the devices."""
        devices = self.strategy.extended.worker_devices

        def value(context):
            number = context.replica_id_in_sync_group
            with tf.device(devices[number]):
                return tf.nest.map_structure(tf.constant, arrays[number])

        return self.strategy.experimental_distribute_values_from_function(value)

    def _run_chunk(self, tables, chunks, n_steps):
        def body(i, trace):
            records = self.strategy.run(self._step, (tables, chunks, i))
            record = tf.add_n(self.strategy.experimental_local_results(records))
            return i + 1, tf.tensor_scatter_nd_update(trace, [[i]], [record])

        trace = tf.zeros([self.settings.chunk_size, len(TRACE)], tf.float64)
        _, trace = tf.while_loop(
            lambda i, _: i < n_steps, body, (0, trace), parallel_iterations=1
        )
        return trace

    def _step(self, tables, chunk, i):
        """One step, as each device does it; the record of its share."""
        batch, share, numbers = tf.nest.map_structure(lambda array: array[i], chunk)
        values = {
            key: tf.convert_to_tensor(variable)
            for key, variable in self.parameters.variables.items()
        }
        about = tables, batch, share, numbers.costs
        gradients, record = self._gradients(list(values.values()), *about)
        context = tf.distribute.get_replica_context()
        gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
        self.optimizer.update(gradients, numbers.rate)
        self.parameters.after_step()
        return record

    def _loss_gradients(self, values, tables, batch, share, costs):
        values = dict(zip(self.parameters.variables, values, strict=True))
        return loss_gradients(
            self._networks_of(values),
            [values[key] for key in self.trained],
            self.form,
            self.settings,
            tables,
            batch,
            share,
            costs,
        )

    def _networks_of(self, values):
        """AtomicNetworks of {ParameterKey: tensor or variable}."""
        return AtomicNetworks(
            self.parameters.layers_of(values),
            self._activations,
            self.settings.precision,
            self.settings.mixed,
        )
