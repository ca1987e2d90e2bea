"""The optimizer and the names of its state."""

from annpot.networks.element_network import keras
from annpot.training.schedules import learning_rate_schedule

# Name under which a slot is stored -> attribute of the Keras optimizer that lists it.
SLOTS = {"momentum": "_momentums", "velocity": "_velocities"}


def make_optimizer(settings, variables):
    """Adam over `variables`.

    a_t = lr(t) sqrt(1 - b2^(t+1)) / (1 - b1^(t+1)), m <- b1 m + (1 - b1) g,
    v <- b2 v + (1 - b2) g^2, w <- w - a_t m / (sqrt(v) + eps); t from 0.

    Args:
        settings: StepSettings.
        variables: keras variables to train.

    Source: D. P. Kingma, J. Ba, arXiv:1412.6980 (2014), end of section 2.
    """
    adam = settings.adam
    optimizer = keras.optimizers.Adam(
        learning_rate=learning_rate_schedule(settings.learning_rate),
        beta_1=adam.beta1,
        beta_2=adam.beta2,
        epsilon=adam.epsilon,
    )
    optimizer.build(variables)
    return optimizer


def slot_variables(optimizer, keys):
    """{(ParameterKey, slot name): variable} of an optimizer built over `keys`."""
    return {
        (key, slot): variable
        for slot, attribute in SLOTS.items()
        for key, variable in zip(keys, getattr(optimizer, attribute), strict=True)
    }
