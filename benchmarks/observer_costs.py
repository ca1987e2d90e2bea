"""What watching a run costs: `python benchmarks/observer_costs.py`, half a minute.

The run of tutorial 1 with 4000 steps, log_frequency = 1 and validation after each 100
or 400 steps, as `app_train` does it. Every call of every callback is timed where it
happens, in seconds of the processor, so that the shares do not depend on how two runs
differ by chance. Checkpoints are not among the observers; they are shown beside them. A
step is its share of the fastest quarter of the chunks, without callbacks. On a busy
machine caches are cold and the shares too large.
"""

import io
import os
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from unittest.mock import patch

import numpy as np

from annpot.apps.training_screen import Screen
from annpot.config import load_train
from annpot.networks.element_network import keras
from annpot.training import trainer
from annpot.training.step import StepProgram

DATA = Path(__file__).parents[1] / "tutorial_data"
N_STEPS, STEPS_PER_EPOCH = 4000, (100, 400)
INI = """
[IO_INFORMATION]
data_dir = {data}/train
train_dir = {folder}
log_frequency = 1
max_ckpt_to_keep = 2
[DATA_INFORMATION]
atomic_sequence = H, C, O, N
output_offset = -13.587223, -1029.511138, -2042.009502, -1485.014746
[DEFAULT_NETWORK]
g_size = 384
architecture = 128:32:1
activations = gaussian:gaussian:linear
[TRAINING_PARAMETERS]
batch_size = 20
steps_per_epoch = {steps_per_epoch}
max_epochs = {n_epochs}
learning_rate = 0.001
seed = 1
[VALIDATION_OPTIONS]
data_dir = {data}/validate
"""
NOT_OBSERVERS = ("Checkpoints",)
EVENTS = (
    "on_epoch_begin",
    "on_epoch_end",
    "on_train_batch_begin",
    "on_train_batch_end",
)


class TimedCallbacks:
    """A list of callbacks that times each of them.

    The first epoch is left out: it compiles, opens files and imports.
    """

    def __init__(self, callbacks, model):
        self.callbacks = callbacks
        self.seconds = defaultdict(float)
        for callback in callbacks:
            callback.set_model(model)

    def __getattr__(self, event):
        def call(*arguments):
            for callback in self.callbacks:
                start = time.thread_time()
                getattr(callback, event)(*arguments)
                if event in EVENTS and self.is_warm:
                    name = type(callback).__name__
                    self.seconds[name] += time.thread_time() - start
            if event == "on_epoch_end" and not self.is_warm:
                self.is_warm = True

        return call

    is_warm = False


def observer_costs(steps_per_epoch, n_steps=N_STEPS):
    """Time of a step and of each callback, microseconds per step.

    Args:
        steps_per_epoch: steps between the ends of epochs.
        n_steps: steps of the run.

    Returns:
        {"step": microseconds without callbacks, name of callback: microseconds}.
    """
    lists, steps = [], []
    n_epochs = n_steps // steps_per_epoch

    def timed(callbacks, model):
        lists.append(TimedCallbacks(callbacks, model))
        return lists[0]

    def timed_run(program, tables, chunk):
        start = time.perf_counter()
        trace = original(program, tables, chunk)
        steps.append((time.perf_counter() - start) / len(trace))
        return trace

    original = StepProgram.run
    with (
        tempfile.TemporaryDirectory() as folder,
        patch.object(keras.callbacks, "CallbackList", timed),
        patch.object(StepProgram, "run", timed_run),
    ):
        path = Path(folder) / "train.ini"
        numbers = {"n_epochs": n_epochs, "steps_per_epoch": steps_per_epoch}
        path.write_text(INI.format(data=DATA, folder=folder, **numbers))
        trainer.train(load_train(path), Screen(io.StringIO()))
    n_steps = (n_epochs - 1) * steps_per_epoch
    costs = {name: 1e6 * s / n_steps for name, s in lists[0].seconds.items()}
    return {"step": 1e6 * np.quantile(steps, 0.25), **costs}


def main():
    """Print the costs and their share of the time of a step."""
    print(f"{os.cpu_count()} cores, load before: {os.getloadavg()[0]:.1f}")
    for steps_per_epoch in STEPS_PER_EPOCH:
        costs = observer_costs(steps_per_epoch)
        step = costs.pop("step")
        print(f"\nepochs of {steps_per_epoch} steps; a step takes {step:.1f} us")
        watching = [cost for name, cost in costs.items() if name not in NOT_OBSERVERS]
        costs["observers together"] = sum(watching)
        for name, cost in costs.items():
            print(f"{name:20} {cost:8.1f} us {100 * cost / step:6.2f} %")


if __name__ == "__main__":
    main()
