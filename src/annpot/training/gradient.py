"""The slopes of the loss of a batch, or of one device's share of a batch."""

from annpot.networks.element_network import tf
from annpot.training.error_sums import trace_record
from annpot.training.losses import regularization
from annpot.training.objective import data_loss


def loss_gradients(
    networks,
    trained,
    form,
    settings,
    tables,
    batch,
    share=None,
    costs=(),
    scale=None,
):
    """Gradients of the loss, and the record of the step.

    Those of the shares of a batch add up to those of the batch, and so do the records:
    a mean is taken over the labels of the whole batch, and each share bears its part of
    the penalties.

    Args:
        networks: AtomicNetworks.
        trained: tensors or variables of theirs to differentiate by.
        form: see `annpot.training.forms.prediction`.
        settings: StepSettings.
        tables: tables of the form.
        batch: Chunk without its first axis.
        share: Share without its first axis; None: the batch is a whole one.
        costs: Costs of this step; (): those of the settings.
        scale: LossScale that multiplies the gradients, or None.

    Returns:
        list of tensors of the shapes of `trained`; (len(TRACE),) float64.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(trained)
        prediction = form(networks, tables, batch)
        fit, values = data_loss(prediction, batch, settings, share, costs)
        penalty = regularization(
            [layer for layers in networks.layers for layer in layers],
            settings.regularization,
        )
        if share is not None:
            penalty *= share.fraction
        loss = fit + penalty
        target = loss if scale is None else loss * tf.convert_to_tensor(scale.value)
    gradients = tape.gradient(
        target,
        trained,
        # The bias of an rbf layer has no part in the energy.
        unconnected_gradients=tf.UnconnectedGradients.ZERO,
    )
    return gradients, trace_record({"loss": loss, "regularization": penalty, **values})
