"""Averages of the weights over the steps (EMA) or over the ends of epochs (SWA).

With w the weights, a their average and n the number of updates that a had before:

    ema   a_0 = w_0 (the first weights), after each step
          a <- d a + (1 - d) w,   d = min(ema_decay, (1 + n) / (10 + n))
    swa   after each complete epoch from swa_start on
          a <- a + (w - a) / (n + 1)

d is small at first, so that the first weights are soon forgotten: there is no bias to
correct. Until n = 1 the average of swa is w itself. Averages are float64; what
validates, and what is stored as the averaged network, is rounded to the precision of
the networks.

Sources: B. T. Polyak, A. B. Juditsky, SIAM J. Control Optim. 30, 838 (1992);
P. Izmailov et al., arXiv:1803.05407 (2018); d as in tf.train.ExponentialMovingAverage.
"""

from dataclasses import dataclass

import numpy as np

from annpot.networks.element_network import tf

NONE, EMA, SWA = "none", "ema", "swa"
SLOT = "average"  # under which a checkpoint holds the float64 average
UPDATES = "average_updates"  # n, in the state of the optimizer
WARM_UP = 10.0


@dataclass(frozen=True)
class AveragingSettings:
    """What is averaged when.

    Attributes:
        kind: "none", "ema" or "swa".
        decay: ema_decay.
        start: epoch, counted from 1, at whose end swa begins.
    """

    kind: str = NONE
    decay: float = 0.999
    start: int = 1

    @property
    def is_on(self):
        """Whether anything is averaged."""
        return self.kind != NONE


def averaging_settings(training):
    """AveragingSettings of the [TRAINING_PARAMETERS] section."""
    start = training.swa_start or 1
    return AveragingSettings(training.average, training.ema_decay, start)


def decay_after(n, decay):
    """d of the update that follows n others; numbers, arrays or tensors of float64."""
    smaller = tf.minimum if tf.is_tensor(n) else np.minimum
    return smaller(decay, (1.0 + n) / (WARM_UP + n))


class WeightAverage:
    """Average of some variables.

    Args:
        settings: AveragingSettings; something is averaged.
        variables: {ParameterKey: variable of the step}.

    Attributes:
        totals: {ParameterKey: float64 variable}, the average.
        updates: int64 variable, n.
    """

    def __init__(self, settings, variables):
        self.settings, self._variables = settings, variables
        first = tf.VariableAggregation.ONLY_FIRST_REPLICA
        about = {"trainable": False, "aggregation": first}
        self.updates = tf.Variable(0, dtype=tf.int64, name="updates", **about)
        self.totals = {
            key: tf.Variable(
                tf.zeros(variable.shape, tf.float64),
                name=f"average_of_{number}",
                **about,
            )
            for number, (key, variable) in enumerate(variables.items())
        }

    def begin(self):
        """Start with the weights of this moment."""
        self.updates.assign(0)
        for key, variable in self._variables.items():
            self.totals[key].assign(variable.numpy().astype(np.float64))

    def after_step(self):
        """Update of ema, within the compiled step."""
        if self.settings.kind != EMA:
            return
        n = tf.cast(tf.convert_to_tensor(self.updates), tf.float64)
        part = 1.0 - decay_after(n, tf.constant(self.settings.decay, tf.float64))
        for key, variable in self._variables.items():
            old = tf.convert_to_tensor(self.totals[key])
            now = tf.cast(tf.convert_to_tensor(variable), tf.float64)
            self.totals[key].assign(old + part * (now - old))
        self.updates.assign_add(1)

    def after_epoch(self, epoch):
        """Update of swa, after the epoch of that number, counted from 1."""
        if self.settings.kind != SWA or epoch < self.settings.start:
            return
        n = int(self.updates.numpy())
        for key, variable in self._variables.items():
            now, old = variable.numpy().astype(np.float64), self.totals[key].numpy()
            self.totals[key].assign(old + (now - old) / (n + 1) if n else now)
        self.updates.assign(n + 1)

    def seen(self, weights, totals, updates):
        """{ParameterKey: array} that validation and users see, in their precision.

        Args:
            weights: {ParameterKey: array} of the step at one moment.
            totals, updates: of the same moment.
        """
        if self.settings.kind == SWA and not updates:
            return dict(weights)
        averaged = {k: a.astype(weights[k].dtype) for k, a in totals.items()}
        return {**weights, **averaged}

    def restore(self, state, parameters):
        """Go on with the average of a checkpoint; without one, with the weights.

        Args:
            state: SavedState of the run, or None.
            parameters: Parameters, whose weights are set already.
        """
        self.begin()
        if state is None or UPDATES not in state.optimizer:
            return
        self.updates.assign(int(state.optimizer[UPDATES]))
        for key, total in self.totals.items():
            stored = state.slots.get((key.element, key.layer, key.kind, SLOT))
            if stored is not None:
                total.assign(parameters.from_full(key, stored))


def average_slots(parameters):
    """{(ParameterKey, slot): variable} of the average of Parameters, if any."""
    if parameters.average is None:
        return {}
    return {(key, SLOT): total for key, total in parameters.average.totals.items()}


def average_state(parameters):
    """{name: variable} that their average depends on beside slots."""
    average = parameters.average
    return {} if average is None else {UPDATES: average.updates}
