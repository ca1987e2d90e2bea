"""What is minimized, without regularization: energies, forces and virials together.

L = energy_cost L_E + forces_cost L_F + virial_cost L_W; `annpot.training.losses`.
"""

from annpot.networks.element_network import tf
from annpot.structures.stress import COMPONENT_OF, X_OF, Y_OF
from annpot.training.error_sums import energy_sums, force_sums, virial_sums
from annpot.training.loss_costs import constant_costs
from annpot.training.losses import energy_loss, force_loss, virial_loss


def data_loss(prediction, batch, settings, share=None, costs=()):
    """Loss of a batch and what is recorded of it.

    Args:
        prediction: Prediction.
        batch: Chunk without its first axis.
        settings: StepSettings.
        share: Share without its first axis, where the batch is a part of a whole one;
            None: it is whole.
        costs: Costs, where they change from step to step; (): those of the settings.

    Returns:
        scalar float64, and {name of `annpot.training.trace`: scalar}.
    """
    errors = prediction.energies - batch.targets
    labels, n_atoms = batch.labels, batch.n_atoms
    has_energy = labels.has_energy if labels else None
    term = energy_loss(
        errors, n_atoms, settings.loss, has_energy, share and share.n_energies
    )
    costs = costs or constant_costs(settings)
    is_on = settings.loss.cost > 0
    fit = costs.energy * term if is_on else tf.zeros([], tf.float64)
    values = energy_sums(errors, batch.targets, n_atoms, has_energy)
    values["energy_loss"] = term
    if not labels:
        return fit, values
    if prediction.forces is not None:
        errors = prediction.forces - labels.forces
        about = tf.concat(batch.owners, 0), n_atoms, labels.has_forces
        values |= force_sums(errors, labels.forces, *about)
        if settings.force_loss.is_on:
            n_present = share and share.n_forces
            term = force_loss(errors, *about, settings.force_loss, n_present)
            values["force_loss"] = term
            fit += costs.forces * term
    if prediction.virials is not None:
        projectors, has = labels.projectors, labels.has_virial
        errors = projected(prediction.virials - labels.virials, projectors)
        references = projected(labels.virials, projectors)
        n_periodic = tf.round(tf.linalg.trace(projectors))
        values |= virial_sums(errors, references, n_atoms, n_periodic, has)
        if settings.virial_loss.is_on:
            n_present = share and share.n_virials
            term = virial_loss(errors, n_atoms, has, settings.virial_loss, n_present)
            values["virial_loss"] = term
            fit += costs.virial * term
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
