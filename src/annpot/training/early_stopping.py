"""Ends a run whose metric has ceased to improve; it may end with its best weights."""

import math
from dataclasses import dataclass

from annpot.networks.element_network import keras
from annpot.training.keeps import best_first, checkpoint_names, is_larger_better
from annpot.training.metrics import measure_of_column


@dataclass(frozen=True)
class StoppingSettings:
    """When a run ends early.

    Attributes:
        column: of metrics.dat, for messages.
        measure: its name in the history.
        patience: epochs without improvement.
        min_delta: what counts as one.
        restore_best: whether the run ends with the weights of its best epoch.
    """

    column: str
    measure: str
    patience: int
    min_delta: float = 0.0
    restore_best: bool = False


def stopping_settings(training, has_validation):
    """StoppingSettings of the [TRAINING_PARAMETERS] section; None without patience."""
    if training.early_stopping_patience is None:
        return None
    default = "val_loss" if has_validation else "loss"
    column = training.early_stopping_metric or default
    return StoppingSettings(
        column,
        measure_of_column(column),
        training.early_stopping_patience,
        training.early_stopping_min_delta,
        training.restore_best,
    )


class EarlyStopping(keras.callbacks.Callback):
    """Ends training after `patience` epochs whose metric was not better.

    An epoch is better where its value is smaller than the best by more than min_delta
    (r2: larger); one that is not a number is not. Epochs that the end of a run cuts
    short do not count.

    Args:
        settings: StoppingSettings.
        history: History of the run, in which the epoch stands already.
        go_back: function that takes the name of a checkpoint and gives the run its
            weights; says whether it is there.
    """

    name = "early_stopping"

    def __init__(self, settings, history, go_back):
        super().__init__()
        self.settings, self.history, self.go_back = settings, history, go_back
        self.best, self.best_epoch, self.waited = None, 0, 0

    def state(self):
        """What it remembers; see `annpot.training.stateful`."""
        return {
            "measure": self.settings.measure,
            "best": self.best,
            "best_epoch": self.best_epoch,
            "waited": self.waited,
        }

    def restore(self, state):
        """Go on as `state` said; another metric begins anew."""
        if state["measure"] == self.settings.measure:
            self.best, self.waited = state["best"], state["waited"]
            self.best_epoch = state["best_epoch"]

    def on_epoch_end(self, epoch, logs=None):
        """Compare the metric; stop if it is time."""
        if self.model.progress.steps_in_epoch:
            return
        value = (logs or {}).get(self.settings.measure, math.nan)
        if self._is_better(value):
            self.best, self.best_epoch, self.waited = float(value), epoch + 1, 0
        else:
            self.waited += 1
        if self.waited >= self.settings.patience and not self.model.stop_training:
            self.model.stop_training = True
            self.model.stop_reason = self._reason() + self._restored()

    def _is_better(self, value):
        if not math.isfinite(value) or self.best is None:
            return math.isfinite(value)
        gain = self.best - value
        if is_larger_better(self.settings.measure):
            gain = -gain
        return gain > self.settings.min_delta

    def _reason(self):
        column = self.settings.column
        epochs = f"{self.waited} epoch{'s' if self.waited > 1 else ''}"
        if self.best is None:
            return f"early stopping: {column} was not a number for {epochs}"
        margin = f" by {self.settings.min_delta:g}" if self.settings.min_delta else ""
        return (
            f"early stopping: {column} was {self.best:.6g} after epoch "
            f"{self.best_epoch} and has not improved{margin} for {epochs}"
        )

    def _restored(self):
        """Go back to the best epoch if that is asked for; what to tell of it."""
        values = self.history.column(self.settings.measure)
        order = best_first(values, is_larger_better(self.settings.measure))
        if not (self.settings.restore_best and order):
            return ""
        name = checkpoint_names(self.history)[order[0]]
        if order[0] == len(self.history) - 1:
            return ""
        if not self.go_back(name):
            return f"; its weights are those of the last step, as {name} is not there"
        return f"; its weights are those of {name}"
