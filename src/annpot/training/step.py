"""The compiled program: a stretch of optimizer steps from arrays and state to state."""

import numpy as np

from annpot.networks.element_network import network_output, tf
from annpot.training.losses import energy_loss, regularization
from annpot.training.optimizers import make_optimizer

# What the program records of every step; sums run over the structures of the batch.
TRACE = (
    "loss",
    "energy_loss",
    "regularization",
    "sum_abs_per_atom",  # sum |d|/n
    "sum_square_per_atom",  # sum (d/n)^2
    "sum_square",  # sum d^2
)


class StepProgram:
    """Optimizer steps over chunks of batches.

    One program runs a whole chunk, with the number of steps as an input: how a run is
    cut into chunks changes no bit of its result. Chunks of other shapes (a batch that
    needs more room) get a program of their own over the same state.

    Args:
        parameters: Parameters to train.
        networks: the ElementNetworks, for their activations.
        settings: StepSettings.
    """

    def __init__(self, parameters, networks, settings):
        self.settings = settings
        self.parameters = parameters
        self.activations = [network.activations for network in networks]
        self.layers = [parameters.layers(network.name) for network in networks]
        self.trained = parameters.trainable()
        self.optimizer = make_optimizer(settings, list(self.trained.values()))
        self._chunk = tf.function(
            self._run_chunk, jit_compile=settings.xla, autograph=False
        )
        self._tables = (None, None)

    def run(self, tables, chunk):
        """Run the batches of a Chunk over AtomTables.

        Returns:
            (n_steps, len(TRACE)) float64 record of the steps.
        """
        n_steps = len(chunk.targets)
        trace = self._chunk(
            self._on_device(tables),
            tuple(self._padded(rows) for rows in chunk.rows),
            tuple(self._padded(owners) for owners in chunk.owners),
            self._padded(chunk.targets),
            self._padded(chunk.n_atoms),
            tf.constant(n_steps, tf.int32),
        )
        return trace.numpy()[:n_steps]

    def _on_device(self, tables):
        if self._tables[0] is not tables:
            self._tables = tables, tuple(tf.constant(g) for g in tables.g)
        return self._tables[1]

    def _padded(self, array):
        missing = self.settings.chunk_size - len(array)
        if missing:
            array = np.concatenate([array, np.repeat(array[-1:], missing, axis=0)])
        return tf.constant(array)

    def _run_chunk(self, tables, rows, owners, targets, n_atoms, n_steps):
        def body(i, trace):
            batch = (
                [r[i] for r in rows],
                tf.concat([o[i] for o in owners], 0),
                targets[i],
                n_atoms[i],
            )
            record = self._step(tables, *batch)
            return i + 1, tf.tensor_scatter_nd_update(trace, [[i]], [record])

        trace = tf.zeros([self.settings.chunk_size, len(TRACE)], tf.float64)
        _, trace = tf.while_loop(
            lambda i, _: i < n_steps, body, (0, trace), parallel_iterations=1
        )
        return trace

    def _step(self, tables, rows, owners, targets, n_atoms):
        variables = list(self.trained.values())
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([variable.value for variable in variables])
            errors = self._energies(tables, rows, owners) - targets
            data_loss = energy_loss(errors, n_atoms, self.settings.loss)
            penalty = regularization(
                [layer for layers in self.layers for layer in layers],
                self.settings.regularization,
            )
            loss = data_loss + penalty
        gradients = tape.gradient(
            loss,
            [variable.value for variable in variables],
            # The bias of an rbf layer has no part in the energy.
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
        self.optimizer.apply(gradients, variables)
        per_atom = errors / n_atoms
        return tf.stack(
            [
                loss,
                data_loss,
                penalty,
                tf.reduce_sum(tf.abs(per_atom)),
                tf.reduce_sum(per_atom**2),
                tf.reduce_sum(errors**2),
            ]
        )

    def _energies(self, tables, rows, owners):
        batch_size = self.settings.batch_size
        atomic = [
            network_output(
                tf.cast(tf.gather(table, row), self.settings.precision),
                [(tf.convert_to_tensor(w), tf.convert_to_tensor(b)) for w, b in layers],
                activations,
            )
            for table, row, layers, activations in zip(
                tables, rows, self.layers, self.activations, strict=True
            )
        ]
        atomic = tf.cast(tf.concat(atomic, 0), tf.float64)
        sums = tf.math.unsorted_segment_sum(atomic, owners, batch_size + 1)
        return sums[:batch_size]
