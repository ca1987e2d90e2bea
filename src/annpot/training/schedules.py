"""Learning-rate schedules; always a schedule object, also when the rate is constant."""

from annpot.networks.element_network import keras


def learning_rate_schedule(settings):
    """Schedule of the plan's LearningRateSettings.

    lr(t) = lr0 f^(t / decay_step), the exponent rounded down when staircase; f = 1 for
    a constant rate. t counts optimizer steps from 0.

    Returns:
        keras LearningRateSchedule.
    """
    return keras.optimizers.schedules.ExponentialDecay(
        initial_learning_rate=settings.initial,
        decay_steps=settings.decay_step,
        decay_rate=settings.decay_factor,
        staircase=settings.staircase,
    )


def rate_at(settings, step):
    """The same rate as a Python number, for logs.

    Args:
        settings: LearningRateSettings.
        step: optimizer step, from 0.
    """
    exponent = step / settings.decay_step
    exponent = exponent // 1 if settings.staircase else exponent
    return settings.initial * settings.decay_factor**exponent
