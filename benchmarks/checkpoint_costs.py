"""What checkpoints cost: `python benchmarks/checkpoint_costs.py`, about a minute.

The run of tutorial 1, steps only: in turns 500 steps without and 500 steps with a
checkpoint, in one process, so that both see the same load of the machine. A checkpoint
holds the training up for as long as its numbers are taken; a thread writes them while
the next steps run, and takes its share of the processors. `share` is all of that
together, from the medians over stretches. Slower steps make it smaller.
"""

import os
import tempfile
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from annpot.config import load_train
from annpot.tensorflow_import import import_tensorflow

DATA = Path(__file__).parents[1] / "tutorial_data"
EVERY = 500  # steps between checkpoints
N_PAIRS, STRETCH = 30, 4  # pairs of stretches, and checkpoints of each
LIMIT = 0.05
INI = """
[IO_INFORMATION]
data_dir = {data}/train
train_dir = {folder}/run
max_ckpt_to_keep = 5
[DATA_INFORMATION]
atomic_sequence = H, C, O, N
output_offset = -13.587223, -1029.511138, -2042.009502, -1485.014746
[DEFAULT_NETWORK]
g_size = 384
architecture = 128:32:1
activations = gaussian:gaussian:linear
[TRAINING_PARAMETERS]
batch_size = 20
steps_per_epoch = 1000
max_epochs = 1000
learning_rate = 0.001
seed = 1
"""


@dataclass(frozen=True)
class CheckpointCost:
    """Times of a run that saves every `EVERY` steps.

    Attributes:
        step: s, without checkpoints.
        held_up: s that a checkpoint holds the training up.
        share: what checkpoints add to the time of a run, as a fraction of it.
        n_bytes: size of a checkpoint.
    """

    step: float
    held_up: float
    share: float
    n_bytes: int


def main():
    """Print one line."""
    cost = checkpoint_cost()
    print(
        f"load {os.getloadavg()[0]:.1f}; step {cost.step * 1e3:.3f} ms, checkpoint of "
        f"{cost.n_bytes / 1e6:.2f} MB: {cost.held_up * 1e3:.1f} ms of the training; "
        f"every {EVERY} steps {100 * cost.share:.1f} % of the run (limit "
        f"{100 * LIMIT:.0f} %)"
    )


def checkpoint_cost():
    """CheckpointCost of the tutorial's network."""
    with tempfile.TemporaryDirectory() as folder:
        run = _prepared(Path(folder))
        _stretch(run, True, 0)  # compiles both
        pairs, held_up = [], []
        for number in range(1, N_PAIRS + 1):
            without, _ = _stretch(run, False, number)
            with_saves, seconds = _stretch(run, True, number)
            pairs.append((without, with_saves))
            held_up += seconds
        data = next((Path(folder) / "run" / "_models").glob("*.data*"))
        pairs = np.array(pairs)  # (N_PAIRS, 2)
        return CheckpointCost(
            step=float(np.median(pairs[:, 0])) / (EVERY * STRETCH),
            held_up=float(np.median(held_up)),
            share=float(np.divide(*np.median(pairs[:, ::-1], axis=0))) - 1.0,
            n_bytes=data.stat().st_size,
        )


def _prepared(folder):
    """Run of the INI file, with the number of threads that app_train takes."""
    path = folder / "train.ini"
    path.write_text(INI.format(data=DATA, folder=folder))
    config = load_train(path)
    import_tensorflow(2)
    from annpot.training.setup import prepare

    return prepare(config, lambda *about: nullcontext(lambda n: None))


def _stretch(run, saves, number):
    """(seconds of STRETCH x EVERY steps, seconds of each checkpoint in between)."""
    from annpot.training.progress import Progress

    held_up, first = [], number * EVERY * STRETCH
    began = time.perf_counter()
    for part in range(STRETCH):
        start = first + part * EVERY
        for piece in run.feed.pieces([(start, EVERY)]):
            run.program.run(piece.tables, piece.chunk)
        if saves:
            before = time.perf_counter()
            run.save(Progress(step=start + EVERY))
            held_up.append(time.perf_counter() - before)
    seconds = time.perf_counter() - began
    run.recorder.wait()  # the end of a run, once; not in the time
    return seconds, held_up


if __name__ == "__main__":
    main()
