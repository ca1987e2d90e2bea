"""The learning rate falls when a metric does not improve any more."""

import math

from annpot.networks.element_network import keras
from annpot.training.keeps import VALIDATION, is_larger_better
from annpot.training.metrics import measure_of_column


class Plateau(keras.callbacks.Callback):
    """Multiplies the rate by `factor` after `patience` epochs without improvement.

    An epoch improves when its metric is better than that of all epochs before; the
    count begins anew then and after each fall. Epochs without the metric count as not
    improved.

    Args:
        learning_rate: LearningRate that it lowers.
        factor, patience: see above.
        metric: name of the measure in the logs of an epoch.
    """

    name = "plateau"

    def __init__(self, learning_rate, factor, patience, metric):
        super().__init__()
        self.learning_rate, self.metric = learning_rate, metric
        self.factor, self.patience = factor, patience
        self._best, self._waited = None, 0

    def on_epoch_end(self, epoch, logs=None):
        """Compare the epoch with the best before."""
        value = (logs or {}).get(self.metric, math.nan)
        if self._is_better(value):
            self._best, self._waited = float(value), 0
            return
        self._waited += 1
        if self._waited >= self.patience:
            self._waited = 0
            self.learning_rate.factor *= self.factor

    def _is_better(self, value):
        if not math.isfinite(value):
            return False
        if self._best is None:
            return True
        if is_larger_better(self.metric):
            return value > self._best
        return value < self._best

    def state(self):
        """What it remembers, for the checkpoints."""
        return {
            "metric": self.metric,
            "best": self._best,
            "waited": self._waited,
            "factor": self.learning_rate.factor,
        }

    def restore(self, state):
        """Go on with what a checkpoint remembers; of another metric, the rate only."""
        self.learning_rate.factor = state["factor"]
        if state["metric"] == self.metric:
            self._best, self._waited = state["best"], state["waited"]


def plateau_of(training, learning_rate, has_validation):
    """[Plateau] of the [TRAINING_PARAMETERS] section, [] with another schedule.

    Args:
        training: the section.
        learning_rate: LearningRate of the run.
        has_validation: whether there are validation data.
    """
    if training.rate_schedule != "plateau":
        return []
    metric = f"{VALIDATION}loss" if has_validation else "loss"
    if training.plateau_metric is not None:
        metric = measure_of_column(training.plateau_metric)
    about = training.plateau_factor, training.plateau_patience, metric
    return [Plateau(learning_rate, *about)]
