"""history.csv: all that is known of each epoch, one line for each."""

from pathlib import Path

from annpot import files
from annpot.networks.element_network import keras
from annpot.training.clock import PARTS
from annpot.training.history import EPOCH
from annpot.training.metrics import LABELS, measure_names

NAME = "history.csv"
SECONDS = "seconds"  # of an epoch, then of its parts: seconds_input and so on


class HistoryFile(keras.callbacks.Callback):
    """Keeps the History of a run, and writes it to history.csv.

    Columns: `epoch` (from 1), `step`, `learning_rate` of the last step, all measures,
    those of the validation data with `val_`; `seconds` since the line before, and
    their parts. What a checkpoint holds is written anew at the start of a run: lines
    of epochs that it does not know vanish, and those that a lost file had come back.

    Args:
        folder: the train_dir.
        history: History of the epochs done; it is added to.
        learning_rate: LearningRate.
        clock: Clock of the run.
    """

    def __init__(self, folder, history, learning_rate, clock):
        super().__init__()
        self.path = Path(folder) / NAME
        self.history = history
        self.learning_rate, self.clock = learning_rate, clock

    def on_train_begin(self, logs=None):
        """Bring the file to the epochs before this run."""
        if len(self.history):
            self._write_all()
        elif self.path.exists():
            self.path.unlink()

    def on_epoch_end(self, epoch, logs=None):
        """Add the epoch."""
        step = int(logs["steps"])
        rate = float(self.learning_rate.at(step - 1))
        row = {EPOCH: epoch + 1, "step": step, "learning_rate": rate, **_ordered(logs)}
        line = self.history.add(row | _seconds(self.clock.lap()))
        if line is None:
            self._write_all()
            return
        with (
            files.explained_write_errors(self.path),
            open(self.path, "a", encoding="utf-8") as stream,
        ):
            stream.write(f"{line}\n")

    def _write_all(self):
        lines = [",".join(self.history.columns), *self.history.lines()]
        files.write_text(self.path, "".join(f"{line}\n" for line in lines))


def _ordered(logs):
    """Measures in the order of `metrics`, then those of the validation data."""
    names = measure_names(LABELS)
    every = (*names, *(f"val_{name}" for name in names))
    return {name: logs[name] for name in every if name in logs}


def _seconds(split):
    """{column: seconds} of a split of the Clock."""
    parts = {f"{SECONDS}_{part}": split[part] for part in PARTS}
    return {SECONDS: sum(split.values()), **parts}
