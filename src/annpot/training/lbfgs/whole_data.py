"""Loss of all data and its gradient, part by part in one compiled function."""

import numpy as np

from annpot.networks.element_network import tf
from annpot.training.gradient import loss_gradients
from annpot.training.shares import common_share
from annpot.training.trace import TRACE


class WholeDataFeed:
    """The same Piece for each step: one batch of all structures.

    Args:
        feed: Feed or ForceFeed whose first batch holds all of them.
    """

    is_resident = True

    def __init__(self, feed):
        self._feed = feed

    def pieces(self, segments):
        """Iterate over the Pieces of consecutive segments (first_step, n_steps)."""
        (whole,) = self._feed.pieces([(0, 1)])
        for _, n_steps in segments:
            for _ in range(n_steps):
                yield whole


class WholeDataLoss:
    """Loss of one batch that holds all data, cut into parts of equal size.

    The parts are those that several devices would get, see `annpot.training.shares`;
    here one follows the other, and their gradients are added in float64.

    Args:
        networks: AtomicNetworks.
        trained: variables of theirs.
        settings: StepSettings.
        form: see StepProgram.
    """

    def __init__(self, networks, trained, settings, form):
        self.networks, self.trained = networks, trained
        self.settings, self.form = settings, form
        self._sum = tf.function(
            self._sum_of_parts, jit_compile=settings.xla, autograph=False
        )
        self._first, self._data = None, None

    @property
    def n_programs(self):
        """Number of programs compiled so far."""
        return self._sum.experimental_get_tracing_count()

    def take(self, tables, chunks):
        """Keep the data on the device.

        Args:
            tables: tables of the form.
            chunks: Chunk of each part, of one step each.
        """
        if self._first is chunks[0]:
            return
        share = tf.nest.map_structure(lambda array: array[0], common_share(chunks))
        sizes = [chunk.targets.shape[1] for chunk in chunks]
        groups = [
            _stacked([c for c, n in zip(chunks, sizes, strict=True) if n == size])
            for size in dict.fromkeys(sizes)
        ]
        data = self.form.arrays(tables), tuple(groups), share
        self._data = tf.nest.map_structure(tf.constant, data)
        self._first = chunks[0]

    def __call__(self):
        """(loss, gradient (n,), record (len(TRACE),)) of the weights as they are.

        All float64; the gradient is that by the variables one after the other.
        """
        gradients, record = self._sum(*self._data)
        flat = np.concatenate([part.numpy().ravel() for part in gradients])
        record = record.numpy()
        return float(record[TRACE.index("loss")]), flat, record

    def _sum_of_parts(self, tables, groups, share):
        totals = [tf.zeros(v.shape, tf.float64) for v in self.trained]
        totals.append(tf.zeros([len(TRACE)], tf.float64))
        for group in groups:
            n_parts = group.targets.shape[0]
            body = self._adding(tables, group, share)
            _, totals = tf.while_loop(
                lambda i, _, n=n_parts: i < n, body, (0, totals), parallel_iterations=1
            )
        return totals[:-1], totals[-1]

    def _adding(self, tables, group, share):
        """Body of a loop over the parts of a group."""

        def body(i, totals):
            part = tf.nest.map_structure(lambda array: array[i], group)
            gradients, record = loss_gradients(
                self.networks,
                [variable.value for variable in self.trained],
                self.form,
                self.settings,
                tables,
                part,
                share,
            )
            terms = [tf.cast(g, tf.float64) for g in gradients] + [record]
            return i + 1, [a + b for a, b in zip(totals, terms, strict=True)]

        return body


def _stacked(chunks):
    """Chunks of one step each as one nest whose first axis counts them."""
    return tf.nest.map_structure(lambda *arrays: np.concatenate(arrays), *chunks)
