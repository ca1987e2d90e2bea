"""Cost of an optimizer step: `python benchmarks/energy_step.py`, about a minute.

The bound is a plain TensorFlow product of the same matrices: for a batch of the
tutorial's training molecules and 384-128-32-1 networks, the products of the forward
pass, of the gradients of all weights and of the gradients of all layers' inputs but
the first's, over all 384 columns, without biases, activations, optimizer or padding,
looped inside one tf.function. Against it stands the trainer of `app_train` with its
callbacks. Before each epoch of the trainer the bound is measured once more in the same
process, so that both see the same load of the machine: `ratio` compares medians over
epochs, `at most` the trainer's median with the fastest that the bound ever was.

A step is its batch, its share of the compiled program, its scalars to TensorBoard and
to the screen. The end of an epoch is validation, metrics.dat, the distributions of all
weights and a checkpoint; `step+` is a step with its share of that in epochs of 400
steps (of 100 for the large batch). The first epoch, which compiles, is left out.
"""

import io
import os
import tempfile
import time
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from unittest.mock import patch

import numpy as np

from annpot.apps.training_screen import Screen
from annpot.config import load_train
from annpot.data.record_index import index_records
from annpot.data.tfrecord import read_records
from annpot.networks.element_network import keras, tf
from annpot.training import setup, trainer
from annpot.training.plan import is_small_step, use_xla

DATA = Path(__file__).parents[1] / "tutorial_data"
N_SPECIES, N_FEATURES, SIZES = 4, 384, (128, 32, 1)
LIMITS = {20: 2.0, 200: 1.5}  # batch size -> times the bound
STEPS_PER_EPOCH = {20: 400, 200: 100}
N_EPOCHS = 14
INI = """
[IO_INFORMATION]
data_dir = {data}/train
train_dir = {folder}
use_xla = {xla}
[DATA_INFORMATION]
atomic_sequence = H, C, O, N
output_offset = -13.587223, -1029.511138, -2042.009502, -1485.014746
[DEFAULT_NETWORK]
g_size = 384
architecture = 128:32:1
activations = gaussian:gaussian:linear
[TRAINING_PARAMETERS]
batch_size = {batch_size}
steps_per_epoch = {steps_per_epoch}
max_epochs = {n_epochs}
learning_rate = 0.001
seed = 1
[VALIDATION_OPTIONS]
data_dir = {data}/validate
"""


def main():
    """Print a table for each batch size."""
    print(f"{os.cpu_count()} cores, load before: {os.getloadavg()[0]:.1f}")
    for batch_size, limit in LIMITS.items():
        steps = STEPS_PER_EPOCH[batch_size]
        atoms = atoms_of_batch(batch_size)
        bound = Bound(atoms, steps)
        print(
            f"\nbatch of {batch_size} molecules, {list(atoms)} atoms of H, C, O, N; "
            f"milliseconds; limit of the ratio {limit}"
        )
        print(
            f"{'':25}{'bound':>7}{'step':>7}{'ratio':>7}{'at most':>9}"
            f"{'end':>9}{'step+':>8}{'ratio':>7}{'at most':>9}"
        )
        for xla, all_columns in product((True, False), (False, True)):
            name, times = measure(Case(batch_size, xla, all_columns), bound)
            print(row(name, times, bound.fastest), flush=True)
    print("\n* what use_xla = auto chooses")


def row(name, times, fastest):
    """Line of the table; `fastest` in milliseconds per step."""
    bound, step, end = (np.median(x) for x in (times.bound, times.step, times.end))
    with_end = np.median(times.step + times.end_per_step)
    return (
        f"{name:25}{bound:7.3f}{step:7.3f}{np.median(times.step / times.bound):7.2f}"
        f"{step / fastest:9.2f}{end:9.1f}"
        f"{with_end:8.3f}{with_end / bound:7.2f}{with_end / fastest:9.2f}"
    )


def atoms_of_batch(batch_size):
    """Atoms of each element in an average batch, rounded with their sum kept."""
    counts = np.zeros(N_SPECIES)
    n_records = 0
    for file in index_records(DATA / "train").files:
        for record in read_records(file):
            counts += np.bincount(record.species, minlength=N_SPECIES)
            n_records += 1
    borders = np.rint(np.cumsum(counts) * batch_size / n_records).astype(int)
    return tuple(int(n) for n in np.diff(borders, prepend=0))


@dataclass(frozen=True)
class Case:
    """One way to run the trainer.

    Attributes:
        batch_size: structures per step.
        xla: whether XLA compiles the step.
        all_columns: whether descriptor columns that are zero everywhere are kept.
    """

    batch_size: int
    xla: bool
    all_columns: bool


@dataclass(frozen=True)
class Times:
    """Milliseconds of each measured epoch, (n_epochs,).

    Attributes:
        bound: of a step of the bound.
        step: of a step of the trainer.
        end: of the end of the epoch.
        end_per_step: the same for each step.
    """

    bound: np.ndarray
    step: np.ndarray
    end: np.ndarray
    end_per_step: np.ndarray


class Bound:
    """The matrix products of one step.

    Args:
        atoms: atoms of each element in a batch.
        n_steps: steps of one measurement.
    """

    def __init__(self, atoms, n_steps):
        self.n_steps = n_steps
        self.fastest = np.inf
        shapes = list(zip((N_FEATURES, *SIZES), SIZES, strict=False))
        inputs = [_random((n, N_FEATURES)) for n in atoms]
        weights = [[_random(shape) for shape in shapes] for _ in atoms]

        # The loop's state are the gradients of all weights, so that none is left out.
        def body(i, _):
            networks = zip(inputs, weights, strict=True)
            return i + 1, [products(x, w) for x, w in networks]

        self._loop = tf.function(
            lambda n: tf.while_loop(
                lambda i, _: i < n, body, (0, weights), parallel_iterations=1
            ),
            autograph=False,
        )
        # TensorFlow learns from thousands of executions which operations are too small
        # for a thread of their own.
        for _ in range(10):
            self.milliseconds()

    def milliseconds(self):
        """Time of one step."""
        start = time.perf_counter()
        self._loop(tf.constant(self.n_steps))[0].numpy()
        duration = 1e3 * (time.perf_counter() - start) / self.n_steps
        self.fastest = min(self.fastest, duration)
        return duration


def products(x, weights):
    """Matrix products of one network's step: the gradients of its weights.

    y_l = y_{l-1} W_l;  dW_l = y_{l-1}^T d_l,  d_{l-1} = d_l W_l^T down to l = 2, with
    the output itself as d of the last layer.
    """
    outputs = [x]
    for kernel in weights:
        outputs.append(tf.matmul(outputs[-1], kernel))
    gradient, found = outputs.pop(), []
    for y, kernel in zip(reversed(outputs), reversed(weights), strict=True):
        found.append(tf.matmul(y, gradient, transpose_a=True))
        if y is not x:
            gradient = tf.matmul(gradient, kernel, transpose_b=True)
    return found[::-1]


def _random(shape):
    return tf.random.stateless_normal(shape, seed=(1, 2)) / np.sqrt(shape[-1])


class EpochClock(keras.callbacks.Callback):
    """Times steps and ends of epochs, and the bound between epochs.

    It stands last among the callbacks, so that the work of the others is counted.
    """

    def __init__(self, bound):
        super().__init__()
        self.bound = bound
        self.bounds, self.begun, self.stepped, self.ended = [], [], [], []

    def on_epoch_begin(self, epoch, logs=None):
        """The epoch before is over, its checkpoint written."""
        self.ended.append(time.perf_counter())
        self.bounds.append(self.bound.milliseconds())
        self.begun.append(time.perf_counter())

    def on_train_batch_end(self, batch, logs=None):
        """All callbacks have seen this chunk of steps."""
        self.latest = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        """Keep the time of the epoch's last step."""
        self.stepped.append(self.latest)

    def times(self):
        """Times of all epochs but the first, which compiles, and the last."""
        steps = self.bound.n_steps
        stepped = np.array(self.stepped[1:-1])
        end = 1e3 * (np.array(self.ended[2:]) - stepped)
        return Times(
            bound=np.convolve(self.bounds[1:], [0.5, 0.5], "valid"),  # before and after
            step=1e3 * (stepped - np.array(self.begun[1:-1])) / steps,
            end=end,
            end_per_step=end / steps,
        )


class ClockedScreen(Screen):
    """The screen of app_train, shown to nobody, and the clock."""

    def __init__(self, clock):
        super().__init__(io.StringIO())
        self.clock = clock

    def callbacks(self, config, run):
        """Those of app_train, then the clock."""
        step, specs = run.plan.step, [network.spec for network in run.networks]
        small = is_small_step(specs, step.columns, step.shapes[-1])
        self.is_choice = step.xla == use_xla("auto", small)
        return [*super().callbacks(config, run), self.clock]


def measure(case, bound):
    """(name, Times) of a run of the trainer; a star marks what `auto` chooses."""
    screen = ClockedScreen(EpochClock(bound))
    with (
        tempfile.TemporaryDirectory() as folder,
        all_columns_kept() if case.all_columns else nullcontext(),
    ):
        path = Path(folder) / "train.ini"
        path.write_text(
            INI.format(
                data=DATA,
                folder=folder,
                xla=case.xla,
                batch_size=case.batch_size,
                steps_per_epoch=bound.n_steps,
                n_epochs=N_EPOCHS,
            )
        )
        trainer.train(load_train(path), screen)
    name = "XLA" if case.xla else "graph"
    name += ", all columns" if case.all_columns else ", columns in use"
    name += " *" if screen.is_choice else ""
    return name, screen.clock.times()


def all_columns_kept():
    """Context in which the trainer finds no column to leave out."""
    return patch.object(setup, "columns_in_use", lambda *_: (None,) * N_SPECIES)


if __name__ == "__main__":
    main()
