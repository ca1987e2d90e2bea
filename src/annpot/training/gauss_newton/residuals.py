"""The residuals of a batch, whose sum of squares is its loss.

    L = sum_i c_i (E_i - E_i(ref))^2 + sum_i f_i |F_i - F_i(ref)|^2

with coefficients from the losses of energies and forces. Rows of a structure are

    sqrt(c_i) (E_i - E_i(ref)),    -sqrt(f_i t_i) u_k . (F_i - F_i(ref)),   k = 1 ... q

with orthonormal random directions u_k of its 3 n coordinates and t_i = 3 n / q: in the
mean over directions the sum of squares is L. u_k . F_i is minus the rate of change of
E_i along u_k. Absent labels have rows of zeros.
"""

from annpot.networks.element_network import tf
from annpot.training.gauss_newton.settings import (
    ENERGIES_ONLY,
    ENERGY_COEFFICIENTS,
    FORCE_COEFFICIENTS,
)
from annpot.training.losses import (
    FORCE_WEIGHTS,
    WEIGHTS,
    as_present,
    safe_sizes,
)


def residuals(prediction, batch, settings, directions):
    """(weights, residuals), both (n_structures, 1 + q) float64.

    Args:
        prediction: Prediction.
        batch: Chunk without its first axis.
        settings: StepSettings.
        directions: (n_places, q, 3), see `directions`; () for energies only.
    """
    n_atoms, labels = batch.n_atoms, batch.labels
    present = as_present(labels.has_energy if labels else None, n_atoms)
    formula = ENERGY_COEFFICIENTS[settings.loss.function]
    weights = _weights(formula, WEIGHTS, n_atoms, present, settings.loss)
    found = weights * _known(prediction.energies - batch.targets, present)
    weights, found = [weights[:, None]], [found[:, None]]
    if settings.form != ENERGIES_ONLY:
        loss = settings.force_loss
        formula = FORCE_COEFFICIENTS[loss.function]
        of_forces = _weights(formula, FORCE_WEIGHTS, n_atoms, labels.has_forces, loss)
        q = directions.shape[1]
        used = tf.minimum(3.0 * n_atoms, tf.cast(q, tf.float64))
        of_forces *= tf.sqrt(3.0 * n_atoms / tf.maximum(used, 1.0))
        along = tf.einsum(
            "px,pkx->pk",
            labels.forces - prediction.forces,
            tf.cast(directions, tf.float64),
        )
        owners = tf.concat(batch.owners, 0)
        n_structures = n_atoms.shape[0]
        along = tf.math.unsorted_segment_sum(along, owners, n_structures + 1)
        along = _known(along[:n_structures], labels.has_forces[:, None])
        weights.append(tf.repeat(of_forces[:, None], q, axis=1))
        found.append(of_forces[:, None] * along)
    return tf.concat(weights, 1), tf.concat(found, 1)


def _weights(formula, weights, n_atoms, present, loss):
    """(n_structures,) square roots of the coefficients of a loss; 0 where absent."""
    present = tf.cast(present, tf.bool)
    sizes = safe_sizes(n_atoms, present)
    coefficients = loss.cost * formula(sizes) * weights[loss.weight](sizes)
    coefficients *= tf.ones_like(sizes)
    if loss.reduction == "mean":
        n_present = tf.reduce_sum(tf.cast(present, tf.float64))
        coefficients /= tf.maximum(n_present, 1.0)
    return _known(tf.sqrt(coefficients), present)


def _known(values, present):
    return tf.where(present, values, tf.zeros([], tf.float64))
