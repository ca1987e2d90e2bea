"""Memory and time of the filter, told before it starts."""

import time
from dataclasses import dataclass

from annpot.networks.element_network import tf
from annpot.training.kalman.blocks import STRIP_ROWS, groups_of
from annpot.training.kalman.settings import COVARIANCES, observations_per_update

# Shape of the product that the rate is measured with.
RATE_ROWS, RATE_COLUMNS = STRIP_ROWS, 4096


@dataclass(frozen=True)
class KalmanMemory:
    """Bytes of the filter.

    Attributes:
        covariance: of P and its scales; exact.
        jacobian: of H, in the precision of the networks and in that of the filter.
        work: of what an update makes beside them: P H, L^-1 H^T P, and the change of
            one strip of P.
        checkpoint: of the copy of P that a checkpoint is written from.
    """

    covariance: int
    jacobian: int
    work: int
    checkpoint: int

    @property
    def total(self):
        """Sum of all."""
        return self.covariance + self.jacobian + self.work + self.checkpoint


def parameter_sizes(variables):
    """{ParameterKey: number of weights} of {ParameterKey: variable or array}."""
    return {
        key: int(tf.TensorShape(variable.shape).num_elements())
        for key, variable in variables.items()
    }


def kalman_memory(settings, sizes, batch_size):
    """KalmanMemory of a run.

    Args:
        settings: KalmanSettings.
        sizes: {ParameterKey: number of weights} that are trained.
        batch_size: structures per update.
    """
    m, n = observations_per_update(settings, batch_size), sum(sizes.values())
    strips = [s for g in groups_of(sizes, settings.covariance) for s in g.strips]
    numbers = [a * b for strip in strips for a, b in strip.shapes]
    row = settings.itemsize * m * n
    covariance = settings.itemsize * (sum(numbers) + n)
    return KalmanMemory(
        covariance=covariance,
        jacobian=3 * row,
        work=3 * row + 2 * settings.itemsize * max(numbers, default=0),
        checkpoint=covariance,
    )


def largest_that_fits(settings, sizes, batch_size, budget):
    """The covariance that keeps most correlations within a number of bytes, or None.

    Args:
        settings, sizes, batch_size: see `kalman_memory`; the covariance of the
            settings does not count.
        budget: bytes.
    """
    for covariance in COVARIANCES:
        chosen = type(settings)(**(vars(settings) | {"covariance": covariance}))
        if kalman_memory(chosen, sizes, batch_size).total <= budget:
            return covariance
    return None


def operations(settings, sizes, batch_size):
    """Floating-point operations of an update, without those of the derivatives.

    For each group of n weights and m observations 2 m n^2 for P H and m n^2 for the
    half of P that is stored, n^2 to subtract it; for all n weights 3 m^2 n for H P H^T
    and the triangular solution.
    """
    m, n = observations_per_update(settings, batch_size), sum(sizes.values())
    squares = sum(g.size**2 for g in groups_of(sizes, settings.covariance))
    return (3 * m + 1) * squares + 3 * m * m * n


def seconds_per_update(settings, sizes, batch_size):
    """Estimated time of an update on this machine, without that of the derivatives."""
    m = observations_per_update(settings, batch_size)
    rate = operations_per_second(settings.precision, m)
    return operations(settings, sizes, batch_size) / rate


def operations_per_second(precision, n_observations):
    """Speed of a product of the shape that updates of P have, and its subtraction."""
    dtype = tf.as_dtype(precision)
    y = tf.ones((RATE_ROWS, n_observations), dtype)
    x = tf.ones((n_observations, RATE_COLUMNS), dtype)
    p = tf.Variable(tf.zeros((RATE_ROWS, RATE_COLUMNS), dtype))
    best = float("inf")
    for _ in range(4):
        start = time.perf_counter()
        p.assign_sub(tf.matmul(y, x))
        p[0, 0].numpy()
        best = min(best, time.perf_counter() - start)
    return 2.0 * (n_observations + 1) * RATE_ROWS * RATE_COLUMNS / best
