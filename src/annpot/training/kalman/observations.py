"""What an update observes: energies and forces, their errors and their Jacobian.

Each observation y_k is divided by its unit: an energy by energy_unit, after division by
the atoms of the structure where `per_atom`; a force component by force_unit. Then

    H_ki = dy_k/dw_i,    xi_k = y_k(reference) - y_k(network),

and an absent label has a row of zeros and no error, so that it changes nothing.

Source: J. B. Witkoskie, D. J. Doren, J. Chem. Theory Comput. 1, 14 (2005), for the
joint use of energies and their derivatives; A. Singraber, T. Morawietz, J. Behler,
C. Dellago, J. Chem. Theory Comput. 15, 3075 (2019), for several structures (streams) in
one update.
"""

from annpot.networks.element_network import tf


def observed(prediction, batch, components, settings):
    """(y of the network, xi), both (m,) float64: all energies, then the components.

    Args:
        prediction: Prediction.
        batch: Chunk without its first axis.
        components: ForceComponents without their first axis.
        settings: KalmanSettings.
    """
    weights = _energy_weights(batch, settings)
    values = [weights * prediction.energies]
    errors = [weights * (batch.targets - prediction.energies)]
    if settings.n_force_components:
        weights = tf.cast(components.present, tf.float64) / settings.force_unit
        found, wanted = (
            tf.gather(tf.reshape(forces, [-1]), components.places)
            for forces in (prediction.forces, batch.labels.forces)
        )
        values.append(weights * found)
        errors.append(weights * (wanted - found))
    return tf.concat(values, 0), tf.concat(errors, 0)


def _energy_weights(batch, settings):
    """(batch_size,) by which energies are multiplied; 0 where there is none."""
    divisors = batch.n_atoms if settings.per_atom else tf.ones_like(batch.n_atoms)
    weights = 1.0 / (settings.energy_unit * divisors)
    if not batch.labels:
        return weights
    return tf.where(batch.labels.has_energy, weights, tf.zeros([], tf.float64))


def jacobian(tape, values, trained):
    """H as rows: (m, n_weights) of the derivatives of (m,) values.

    Args:
        tape: GradientTape that watched `trained` while the values were made.
        values: (m,).
        trained: tensors in the order of the weights.
    """
    parts = tape.jacobian(
        values,
        trained,
        # The bias of an rbf layer has no part in the energy.
        unconnected_gradients=tf.UnconnectedGradients.ZERO,
    )
    n_values = values.shape[0]
    return tf.concat([tf.reshape(part, [n_values, -1]) for part in parts], 1)
