"""The optimizer: its slots, and the update of all variables by a gradient."""

from annpot.networks.element_network import tf
from annpot.training.clipping import clipped
from annpot.training.update_rules import RULES, slot_names

REST_FACTOR = "rest_factor"
ACCUMULATED = "accumulated"  # slot of the sum of gradients since the last update
FAMILY = {"adamw": "adam"}  # whose slots mean the same


class Optimizer:
    """Moves variables by gradients, see `annpot.training.update_rules`.

    Decoupled weight decay comes first: w <- w - a lambda w, of kernels only. With
    `accumulate` = k the mean gradient of k steps is clipped and used at the last of
    them; what is summed so far is a slot like others.

    Args:
        settings: OptimizerSettings.
        clipping: ClippingSettings.
        trained: {ParameterKey: variable}.
        loss_scale: LossScale by which gradients are multiplied, or None. A step whose
            gradient is not finite then moves nothing, but counts.

    Attributes:
        iterations: steps done, a variable.
        first_steps: for each variable the step at which its slots started at zero: 0,
            or later where a checkpoint held none.
        slots: for each variable {name: variable}.
        rest_factor: product of 1 - a lambda of all updates, float64: what a kernel
            whose gradient is always zero is multiplied by; None without decay.

    Source of the decay: I. Loshchilov, F. Hutter, arXiv:1711.05101 (2017), algorithm 2.
    """

    def __init__(self, settings, clipping, trained, loss_scale=None):
        self.settings, self.clipping = settings, clipping
        self.loss_scale = loss_scale
        self.variables = [_plain(variable) for variable in trained.values()]
        self._decays = [
            bool(settings.weight_decay) and key.kind == "kernel" for key in trained
        ]
        self.first_steps = [0] * len(self.variables)
        names = slot_names(settings)
        names += (ACCUMULATED,) if settings.accumulate > 1 else ()
        self.slots = [
            {
                name: tf.Variable(tf.zeros(variable.shape, variable.dtype), name=name)
                for name in names
            }
            for variable in self.variables
        ]
        first = tf.VariableAggregation.ONLY_FIRST_REPLICA
        self.iterations = tf.Variable(
            0, dtype=tf.int64, aggregation=first, trainable=False, name="iterations"
        )
        self.rest_factor = None
        if settings.weight_decay:
            self.rest_factor = tf.Variable(
                1.0, dtype=tf.float64, aggregation=first, trainable=False, name="rest"
            )

    @property
    def family(self):
        """Name of those optimizers whose slots can go on in this one."""
        return FAMILY.get(self.settings.name, self.settings.name)

    def state(self):
        """{name: variable} of what the next step depends on beside slots and step."""
        found = {} if self.rest_factor is None else {REST_FACTOR: self.rest_factor}
        return found if self.loss_scale is None else found | self.loss_scale.state()

    def set_state(self, stored):
        """Go on with what `state` gave, as far as it is there."""
        for name, variable in self.state().items():
            if name in stored:
                variable.assign(stored[name])

    def begin_at(self, step):
        """Count updates of all variables from a step on."""
        self.first_steps = [step] * len(self.variables)

    def update(self, gradients, rate):
        """One step: move the variables, or add to the sum of gradients.

        Within a strategy the gradients are those of the whole batch on each device.

        Args:
            gradients: list of tensors in the order of the variables.
            rate: learning rate, float64.
        """
        if self.loss_scale is None:
            self._move(gradients, rate)
        else:
            gradients, is_finite = self.loss_scale.unscaled(gradients)
            tf.cond(is_finite, lambda: self._move(gradients, rate), lambda: None)
            self.loss_scale.after_step(is_finite)
        self.iterations.assign_add(1)

    def _move(self, gradients, rate):
        """Move the variables by gradients that are finite."""
        done = tf.convert_to_tensor(self.iterations)
        sums, gradients = self._summed(gradients)
        gradients = clipped(gradients, self.clipping)
        about = gradients, sums, rate, done
        if tf.distribute.has_strategy():
            tf.distribute.get_replica_context().merge_call(self._everywhere, about)
        else:
            for index, variable in enumerate(self.variables):
                slots = self.slots[index].values()
                self._update_one(variable, index, *_at(index, about), *slots)
        if self.rest_factor is not None:
            factor = 1.0 - tf.cast(rate, tf.float64) * self.settings.weight_decay
            factor = tf.where(self._is_due(done), factor, tf.ones_like(factor))
            rest = tf.convert_to_tensor(self.rest_factor)
            self.rest_factor.assign(rest * factor)

    def _is_due(self, done):
        """Whether the step after `done` others makes an update."""
        return tf.equal((done + 1) % self.settings.accumulate, 0)

    def _summed(self, gradients):
        """(sums of gradients since the last update, their means)."""
        k = self.settings.accumulate
        if k == 1:
            return gradients, gradients
        sums = [
            tf.convert_to_tensor(slots[ACCUMULATED]) + gradient
            for slots, gradient in zip(self.slots, gradients, strict=True)
        ]
        return sums, [total / k for total in sums]

    def _everywhere(self, strategy, *about):
        """Update the copies of all variables, each with what its device has."""
        for index, variable in enumerate(self.variables):
            strategy.extended.update(
                variable,
                self._update_one,
                args=(index, *_at(index, about), *self.slots[index].values()),
                group=False,
            )

    def _update_one(self, variable, index, gradient, total, rate, done, *slots):
        """Update one variable, or its copy on a device, and its slots."""
        k = self.settings.accumulate
        before = tf.convert_to_tensor(variable)
        names = self.slots[index]
        old = {n: tf.convert_to_tensor(s) for n, s in zip(names, slots, strict=True)}
        t = tf.cast((done - self.first_steps[index]) // k, tf.float64) + 1.0
        rate = tf.cast(rate, tf.float64)
        new, change = RULES[self.settings.name](gradient, old, rate, t, self.settings)
        after = before
        if self._decays[index]:
            decay = tf.cast(rate * self.settings.weight_decay, before.dtype)
            after = before - before * decay
        after = after - change
        if k > 1:
            due = self._is_due(done)
            after = tf.where(due, after, before)
            new = {name: tf.where(due, new[name], old[name]) for name in new}
            new[ACCUMULATED] = tf.where(due, tf.zeros_like(total), total)
        for name, slot in zip(names, slots, strict=True):
            slot.assign(new[name])
        variable.assign(after)


def _at(index, about):
    gradients, sums, rate, done = about
    return gradients[index], sums[index], rate, done


def _plain(variable):
    """TensorFlow's variable in one of Keras."""
    return variable if isinstance(variable, tf.Variable) else variable.value


def slot_variables(optimizer, keys):
    """{(ParameterKey, slot name): variable} of an optimizer built over `keys`."""
    return {
        (key, name): variable
        for key, slots in zip(keys, optimizer.slots, strict=True)
        for name, variable in slots.items()
    }
