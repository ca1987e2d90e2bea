"""Learning-rate schedules; always a schedule object, also when the rate is constant."""

from annpot.networks.element_network import keras, tf


class RateSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """Constant or exponentially decaying rate, in float64.

    lr(t) = lr0 f^(t / decay_step), the exponent rounded down when staircase; f = 1 for
    a constant rate. t counts optimizer steps from 0.

    Args:
        settings: LearningRateSettings of the plan.
    """

    def __init__(self, settings):
        self.settings = settings

    def __call__(self, step):
        """Rate of an optimizer step: a tensor for a tensor or variable."""
        step = tf.cast(tf.convert_to_tensor(step), tf.float64)
        exponent = step / self.settings.decay_step
        if self.settings.staircase:
            exponent = tf.floor(exponent)
        return self.settings.initial * self.settings.decay_factor**exponent

    def get_config(self):
        """Arguments that make the same schedule."""
        return {"settings": self.settings}


def rate_at(settings, step):
    """The same rate as a Python number, for logs.

    Args:
        settings: LearningRateSettings.
        step: optimizer step, from 0.
    """
    exponent = step / settings.decay_step
    exponent = exponent // 1 if settings.staircase else exponent
    return settings.initial * settings.decay_factor**exponent
