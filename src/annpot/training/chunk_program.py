"""The compiled loop over the steps of a chunk."""

import numpy as np

from annpot.networks.element_network import tf
from annpot.training.trace import TRACE


class ChunkProgram:
    """Steps one after the other in one program, their number an input.

    Chunks of other shapes (a batch that needs more room) get a program of their own
    over the same state.

    Args:
        form: how energies and forces are had, see `annpot.training.forms.prediction`.
        chunk_size: most steps of a call.
        step: function of the tables on the device and of what a step reads; it moves
            the variables and returns the record (len(TRACE),) float64.
        xla: whether the loop is compiled with XLA.
    """

    def __init__(self, form, chunk_size, step, xla):
        self._form, self._chunk_size, self._step = form, chunk_size, step
        self._chunk = tf.function(
            self._run_chunk, jit_compile=xla or None, autograph=False
        )
        self._tables = (None, None)

    @property
    def n_programs(self):
        """Number of programs compiled so far: one for each shape of a batch."""
        return self._chunk.experimental_get_tracing_count()

    def run(self, tables, steps, n_steps):
        """Run some steps.

        Args:
            tables: tables of the form.
            steps: tuple of nests of arrays whose first axis counts steps.
            n_steps: their number.

        Returns:
            (n_steps, len(TRACE)) float64.
        """
        trace = self._chunk(
            self._on_device(tables),
            tf.nest.map_structure(tf.constant, padded(steps, self._chunk_size)),
            tf.constant(n_steps, tf.int32),
        )
        return trace.numpy()[:n_steps]

    def _on_device(self, tables):
        if self._tables[0] is not tables:
            arrays = self._form.arrays(tables)
            self._tables = tables, tf.nest.map_structure(tf.constant, arrays)
        return self._tables[1]

    def _run_chunk(self, tables, steps, n_steps):
        def body(i, trace):
            record = self._step(
                tables, *tf.nest.map_structure(lambda array: array[i], steps)
            )
            return i + 1, tf.tensor_scatter_nd_update(trace, [[i]], [record])

        trace = tf.zeros([self._chunk_size, len(TRACE)], tf.float64)
        _, trace = tf.while_loop(
            lambda i, _: i < n_steps, body, (0, trace), parallel_iterations=1
        )
        return trace


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
