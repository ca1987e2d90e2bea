"""What TensorBoard shows of a run: scalars of steps and epochs, weights, time."""

from pathlib import Path

import numpy as np

from annpot.networks.element_network import keras
from annpot.training.clock import PARTS
from annpot.training.event_file import EventFile
from annpot.training.history_file import SECONDS
from annpot.training.metrics import STEP_MEASURES, step_measures

# Measure -> tag: of PANNA 2.0 as far as it has one; 5 of the losses, 5 and 6 of the
# metrics are its charges.
STEP_TAGS = {
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
EPOCH_TAGS = {
    "mse_per_atom": "2. Metrics/9. MSE/atom",
    "mape_per_atom": "2. Metrics/10. MAPE/atom",
    "r2_per_atom": "2. Metrics/11. R2/atom",
    "mse_force": "2. Metrics/12. Force components MSE",
    "mape_force": "2. Metrics/13. Force components MAPE",
    "r2_force": "2. Metrics/14. Force components R2",
    "mse_virial_per_atom": "2. Metrics/15. Virial components MSE/atom",
    "mape_virial_per_atom": "2. Metrics/16. Virial components MAPE/atom",
    "r2_virial_per_atom": "2. Metrics/17. Virial components R2/atom",
}
# Tags of the columns of what is written for each step.
SERIES = (*(STEP_TAGS[name] for name in STEP_MEASURES), "learning_rate")
TIME_TAGS = {SECONDS: "3. Time/1. Epoch"} | {
    f"{SECONDS}_{part}": f"3. Time/{number}. {part.capitalize()}"
    for number, part in enumerate(PARTS, start=2)
}
# Least steps between two distributions of the weights: as many as hide what it costs
# to count them.
HISTOGRAM_STEPS = 10_000


class TensorBoardLog(keras.callbacks.Callback):
    """Scalars of every `every`-th step, averages and time of each epoch, weights.

    Distributions of the weights are written at the end of the first epoch, of those
    that are at least `HISTOGRAM_STEPS` steps apart, and of the run.

    Args:
        folder: train_dir; event files go to its `train` and `validation`.
        every: steps between scalars.
        plan: Plan of the run.
        first_step: steps done before this run.
        history: History whose last row is that of the epoch that ends.
        learning_rate: LearningRate.
    """

    def __init__(self, folder, every, plan, first_step, history, learning_rate):
        super().__init__()
        self.learning_rate = learning_rate
        self.folder, self.every = Path(folder), every
        self.plan, self.history = plan, history
        self.first_step = first_step
        self.histogram_epochs = -(-HISTOGRAM_STEPS // plan.steps_per_epoch)
        self._files = {}

    def on_train_batch_end(self, batch, logs=None):
        """Write the scalars of the chunk's logged steps."""
        record = self.model.last_chunk
        first = record.first_step + 1
        chosen = np.arange(-first % self.every, len(record.trace), self.every)
        if not len(chosen):
            return
        values = step_measures(record.trace[chosen])  # (n_steps, n_measures)
        rates = np.empty((len(chosen), 1))
        rates[:, 0] = self.learning_rate.at(first + chosen - 1)
        values = np.concatenate([values, rates], axis=1)
        self._file("train").series(first + chosen, SERIES, values)

    def on_epoch_end(self, epoch, logs=None):
        """Write averages, time and perhaps the distributions of the weights."""
        step = int(logs["steps"])
        if "val_loss" in logs:
            tagged = _tagged(logs, STEP_TAGS | EPOCH_TAGS, "val_")
            self._file("validation").scalars(step, tagged)
        tagged = _tagged(logs, EPOCH_TAGS) | _tagged(self.history.latest(), TIME_TAGS)
        if tagged:
            self._file("train").scalars(step, tagged)
        if epoch % self.histogram_epochs == 0 or step == self.plan.total_steps:
            self._file("train").histograms(step, _weights(self.model))

    def on_train_end(self, logs=None):
        """Close the files."""
        for file in self._files.values():
            file.close()

    def _file(self, name):
        if name not in self._files:
            self._files[name] = EventFile(self.folder / name, self.first_step)
        return self._files[name]


def _tagged(values, tags, prefix=""):
    """{tag: value} of those measures that there are."""
    named = {tag: f"{prefix}{name}" for name, tag in tags.items()}
    return {tag: values[name] for tag, name in named.items() if name in values}


def _weights(potential):
    return {
        f"S{network.name}.{index}/{letter}{number}": getattr(layer, kind).numpy()
        for index, network in enumerate(potential.networks)
        for number, layer in enumerate(network.atomic_layers)
        for letter, kind in (("W", "kernel"), ("B", "bias"))
    }
