"""The optimizer and the names of its state."""

from annpot.networks.element_network import keras, tf
from annpot.training.schedules import RateSchedule

# Name under which a slot is stored -> attribute of the Keras optimizer that lists it.
SLOTS = {"momentum": "_momentums", "velocity": "_velocities"}


class Adam(keras.optimizers.Adam):
    """Adam whose coefficients are float64, whatever the precision of the weights.

    Keras rounds them to float32 first: 1 - 0.999 is then wrong by 1e-5.

    Attributes:
        first_steps: for each variable the step at which its slots started at zero: 0,
            or later where a checkpoint held none.
    """

    def build(self, variables):
        """Make the slots."""
        super().build(variables)
        self.first_steps = [0] * len(variables)

    def update_step(self, gradient, variable, learning_rate):
        """Update one variable and its slots."""
        index = self._get_variable_index(variable)
        done = tf.cast(self.iterations.value, tf.float64) - self.first_steps[index]
        t = done + 1.0
        correction = tf.sqrt(1.0 - self.beta_2**t) / (1.0 - self.beta_1**t)
        rate = tf.cast(tf.cast(learning_rate, tf.float64) * correction, variable.dtype)
        m, v = self._momentums[index], self._velocities[index]
        self.assign_add(m, (gradient - m) * (1.0 - self.beta_1))
        self.assign_add(v, (gradient * gradient - v) * (1.0 - self.beta_2))
        self.assign_sub(variable, rate * m / (tf.sqrt(v) + self.epsilon))


def make_optimizer(settings, variables):
    """Adam over `variables`.

    a_t = lr(t) sqrt(1 - b2^(t+1)) / (1 - b1^(t+1)), m <- b1 m + (1 - b1) g,
    v <- b2 v + (1 - b2) g^2, w <- w - a_t m / (sqrt(v) + eps); t from 0. Where slots
    started later (`first_steps`), the exponents count from there.

    Args:
        settings: StepSettings.
        variables: keras variables to train.

    Source: D. P. Kingma, J. Ba, arXiv:1412.6980 (2014), end of section 2.
    """
    adam = settings.adam
    optimizer = Adam(
        learning_rate=RateSchedule(settings.learning_rate),
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
