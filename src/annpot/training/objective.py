"""What is minimized, without regularization: energies, forces and virials together.

L = L_E + forces_cost L_F + virial_cost L_W; terms: `annpot.training.losses`.
"""

from annpot.networks.element_network import tf
from annpot.structures.stress import COMPONENT_OF, X_OF, Y_OF
from annpot.training.error_sums import energy_sums, force_sums, virial_sums
from annpot.training.losses import energy_loss, force_loss, virial_loss


def data_loss(prediction, batch, settings):
    """Loss of a batch and what is recorded of it.

    Args:
        prediction: Prediction.
        batch: Chunk without its first axis.
        settings: StepSettings.

    Returns:
        scalar float64, and {name of `annpot.training.trace`: scalar}.
    """
    errors = prediction.energies - batch.targets
    labels, n_atoms = batch.labels, batch.n_atoms
    has_energy = labels.has_energy if labels else None
    fit = energy_loss(errors, n_atoms, settings.loss, has_energy)
    values = {"energy_loss": fit, **energy_sums(errors, n_atoms, has_energy)}
    if not labels:
        return fit, values
    if prediction.forces is not None:
        errors = prediction.forces - labels.forces
        about = errors, tf.concat(batch.owners, 0), n_atoms
        values |= force_sums(*about, labels.has_forces)
        if settings.force_loss.is_on:
            term = force_loss(*about, labels.has_forces, settings.force_loss)
            values["force_loss"] = term
            fit += settings.force_loss.cost * term
    if prediction.virials is not None:
        errors = projected(prediction.virials - labels.virials, labels.projectors)
        n_periodic = tf.linalg.trace(labels.projectors)
        has = labels.has_virial
        values |= virial_sums(errors, n_atoms, tf.round(n_periodic), has)
        if settings.virial_loss.is_on:
            term = virial_loss(errors, n_atoms, has, settings.virial_loss)
            values["virial_loss"] = term
            fit += settings.virial_loss.cost * term
    return fit, values


def projected(virials, projectors):
    """P W P of symmetric tensors: what acts along periodic directions.

    Args:
        virials: (n_structures, 6), order xx, yy, zz, yz, xz, xy.
        projectors: (n_structures, 3, 3).

    Returns:
        (n_structures, 6), same order.
    """
    full = tf.gather(virials, COMPONENT_OF, axis=1)  # (n_structures, 3, 3)
    inside = projectors @ full @ projectors
    picked = [inside[:, x, y] for x, y in zip(X_OF, Y_OF, strict=True)]
    return tf.stack(picked, axis=1)
