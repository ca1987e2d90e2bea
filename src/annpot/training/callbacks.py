"""What happens beside the steps: the stop at NaN, checkpoints.

Each is a Keras callback. A Keras "batch" is one chunk of optimizer steps; the model's
`last_chunk` is the ChunkRecord of the one that just ended. `batch` arguments count
optimizer steps. The logs of an epoch are named by `annpot.training.metrics`, with
`val_` before those of the validation data.
"""

from dataclasses import dataclass

import numpy as np

from annpot.errors import TrainingError
from annpot.networks.element_network import keras


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

    That is done where `save_is_due`, where the epoch is one to keep, and where a
    callback set `stop_training`: then the checkpoint also says that the run has ended,
    and the model's `stop_reason`. It comes after the files of the epoch and before the
    screen.

    Args:
        save: function of a Progress and of the reason why the run ends, or None.
        is_wanted: function that says whether the epoch is one to keep.
    """

    def __init__(self, save, is_wanted):
        super().__init__()
        self.save, self.is_wanted = save, is_wanted

    def on_epoch_end(self, epoch, logs=None):
        """Save if a checkpoint is due."""
        model = self.model
        if model.stop_training:
            default = f"a callback stopped training after epoch {epoch + 1}"
            self.save(model.progress, getattr(model, "stop_reason", None) or default)
        elif model.save_is_due or self.is_wanted():
            self.save(model.progress)
