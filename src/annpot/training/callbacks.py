"""What happens beside the steps: files, TensorBoard, the screen.

Each is a Keras callback. A Keras "batch" is one chunk of optimizer steps; the model's
`last_chunk` is the ChunkRecord of the one that just ended. `batch` arguments count
optimizer steps. The logs of an epoch are named by `annpot.training.metrics`, with
`val_` before those of the validation data.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from annpot.errors import TrainingError
from annpot.networks.element_network import keras
from annpot.training.metrics import measures
from annpot.training.schedules import rate_at
from annpot.training.tensorboard_log import EventLog
from annpot.training.trace import by_name

TAGS = {  # measure -> tag of PANNA 2.0; 5 of the losses, 5 and 6 are its charges
    "loss": "1. Losses/1. Total",
    "energy_loss": "1. Losses/2. Energy",
    "force_loss": "1. Losses/3. Forces",
    "regularization": "1. Losses/4. Regularization",
    "virial_loss": "1. Losses/6. Virials",
    "rmse_per_atom": "2. Metrics/1. RMSE/atom",
    "mae_per_atom": "2. Metrics/2. MAE/atom",
    "rmse_force": "2. Metrics/3. Force components RMSE",
    "mae_force": "2. Metrics/4. Force components MAE",
    "rmse_virial_per_atom": "2. Metrics/7. Virial components RMSE/atom",
    "mae_virial_per_atom": "2. Metrics/8. Virial components MAE/atom",
}


@dataclass(frozen=True)
class ChunkRecord:
    """What a chunk of steps left behind.

    Attributes:
        first_step: optimizer steps done before it.
        trace: (n_steps, len(TRACE)) float64, see `annpot.training.trace`.
    """

    first_step: int
    trace: np.ndarray


class StopOnNaN(keras.callbacks.Callback):
    """Ends training when the loss is not a finite number."""

    def __init__(self, train_dir):
        super().__init__()
        self.train_dir = train_dir

    def on_train_batch_end(self, batch, logs=None):
        """Look at every step of the chunk."""
        record = self.model.last_chunk
        bad = np.flatnonzero(~np.isfinite(record.trace[:, 0]))
        if len(bad):
            step = record.first_step + bad[0] + 1
            raise TrainingError(
                f"{self.train_dir}: the loss of step {step} is not a finite number. "
                "Try a smaller learning_rate, check output_offset against the "
                "energies, or use quad instead of an exponential loss. Earlier "
                "checkpoints are untouched."
            )


class Checkpoints(keras.callbacks.Callback):
    """Saves the model's `progress` at the end of an epoch.

    That is done where `save_is_due`, and where a callback set `stop_training`: then the
    checkpoint also says that the run has ended, and the model's `stop_reason`. It comes
    after the files of the epoch and before the screen: an epoch that the user has seen
    is on disk.

    Args:
        save: function of a Progress and of the reason why the run ends, or None.
    """

    def __init__(self, save):
        super().__init__()
        self.save = save

    def on_epoch_end(self, epoch, logs=None):
        """Save if a checkpoint is due."""
        model = self.model
        if model.stop_training:
            default = f"a callback stopped training after epoch {epoch + 1}"
            self.save(model.progress, getattr(model, "stop_reason", None) or default)
        elif model.save_is_due:
            self.save(model.progress)


class TensorBoardLog(keras.callbacks.Callback):
    """Scalars of every `every`-th step, averages and weight histograms of each epoch.

    Args:
        folder: train_dir; event files go to its `train` and `validation`.
        every: steps between scalars.
        learning_rate: LearningRateSettings.
        first_step: steps done before this run.
    """

    def __init__(self, folder, every, learning_rate, first_step):
        super().__init__()
        self.folder = Path(folder)
        self.every = every
        self.learning_rate = learning_rate
        self.first_step = first_step
        self._logs = {}

    def on_train_batch_end(self, batch, logs=None):
        """Write the scalars of the chunk's logged steps."""
        record = self.model.last_chunk
        first = record.first_step + 1
        offset = -first % self.every
        for index in range(offset, len(record.trace), self.every):
            scalars = _tagged(measures(by_name(record.trace[index]), 1))
            rate = rate_at(self.learning_rate, first + index - 1)
            self._log("train").scalars(first + index, scalars | {"learning_rate": rate})

    def on_epoch_end(self, epoch, logs=None):
        """Write validation averages and the distributions of weights and biases."""
        step = int(logs["steps"])
        if "val_loss" in logs:
            self._log("validation").scalars(step, _tagged(logs, "val_"))
            self._log("validation").flush()
        self._log("train").histograms(step, _distributions(self.model))
        self._log("train").flush()

    def on_train_end(self, logs=None):
        """Close the files."""
        for log in self._logs.values():
            log.close()

    def _log(self, name):
        if name not in self._logs:
            self._logs[name] = EventLog(self.folder / name, self.first_step)
        return self._logs[name]


def _tagged(values, prefix=""):
    """{tag: value} of those measures that there are."""
    named = {tag: f"{prefix}{name}" for name, tag in TAGS.items()}
    return {tag: values[name] for tag, name in named.items() if name in values}


def _distributions(potential):
    return {
        f"S{network.name}.{index}/{letter}{number}": getattr(layer, kind).numpy()
        for index, network in enumerate(potential.networks)
        for number, layer in enumerate(network.atomic_layers)
        for letter, kind in (("W", "kernel"), ("B", "bias"))
    }
