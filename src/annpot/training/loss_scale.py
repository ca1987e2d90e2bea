"""A factor on the loss that keeps slopes within the range of float16.

The loss is multiplied by s before it is differentiated, and the gradient divided by s
after. A step whose gradient is not finite moves nothing. Without a fixed s

    s <- s / 2      after a step whose gradient is not finite
    s <- 2 s        after GROWTH steps in a row whose gradient is

Source: P. Micikevicius et al., arXiv:1710.03740 (2017); numbers as in Keras'
LossScaleOptimizer.
"""

from annpot.networks.element_network import tf

FIRST, GROWTH = 2.0**15, 2000
LARGEST = 2.0**24  # beyond it nothing is gained: slopes of 2^-48 are seen


class LossScale:
    """The factor, and how long it has served.

    Attributes:
        value: s, a float64 variable.
        good_steps: steps since s changed, an int64 variable.

    Args:
        fixed: s that never changes; None for one that adapts.
    """

    def __init__(self, fixed=None):
        self.fixed = fixed
        first = FIRST if fixed is None else fixed
        self.value = tf.Variable(first, dtype=tf.float64, trainable=False)
        self.good_steps = tf.Variable(0, dtype=tf.int64, trainable=False)

    def state(self):
        """{name: variable} of what the next step depends on."""
        return {"loss_scale": self.value, "loss_scale_steps": self.good_steps}

    def unscaled(self, gradients):
        """(gradients / s, whether all are finite)."""
        inverse = 1.0 / tf.convert_to_tensor(self.value)
        gradients = [g * tf.cast(inverse, g.dtype) for g in gradients]
        finite = [tf.reduce_all(tf.math.is_finite(g)) for g in gradients]
        return gradients, tf.reduce_all(tf.stack(finite))

    def after_step(self, is_finite):
        """Adapt s to a step, within the compiled program."""
        if self.fixed is not None:
            return
        value = tf.convert_to_tensor(self.value)
        steps = tf.convert_to_tensor(self.good_steps) + 1
        grows = steps >= GROWTH
        larger = tf.where(grows, tf.minimum(2.0 * value, LARGEST), value)
        self.value.assign(tf.where(is_finite, larger, tf.maximum(value / 2.0, 1.0)))
        starts = tf.logical_or(grows, tf.logical_not(is_finite))
        self.good_steps.assign(tf.where(starts, tf.zeros_like(steps), steps))
