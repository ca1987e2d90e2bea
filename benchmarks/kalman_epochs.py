"""The Kalman filter against Adam, by passes through the data, some ten minutes.

`python benchmarks/kalman_epochs.py` trains networks 16:16:1 (gaussian) on the
tutorial's energies with three seeds each: by Adam with a constant rate of 1e-3, 4000
steps of 20 molecules (111 passes), and by the filter in its forms, 20 molecules an
update (30 passes). It prints a Markdown table: mean absolute error on the validation
molecules, meV/atom, after some passes; the time of a step, its median over the epochs,
without validation and checkpoints; and after how many passes the error is below the
last one of Adam with the same seed. The limit is a tenth of Adam's passes.
`python benchmarks/kalman_epochs.py NAME ...` trains only those of these names.
"""

import csv
import os
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
SEEDS = (1, 2, 3)
STEPS_PER_EPOCH = 36  # 720 molecules
EPOCHS = (1, 3, 6, 12, 30)
COMMON = """\
[IO_INFORMATION]
data_dir = {root}/tutorial_data/train
train_dir = {folder}/run
max_ckpt_to_keep = 1
[DATA_INFORMATION]
atomic_sequence = H, C, O, N
output_offset = -13.587223, -1029.511138, -2042.009502, -1485.014746
[DEFAULT_NETWORK]
architecture = 16:16:1
activations = gaussian:gaussian:linear
[TRAINING_PARAMETERS]
batch_size = 20
seed = {seed}
steps_per_epoch = {steps_per_epoch}
{keys}
[VALIDATION_OPTIONS]
data_dir = {root}/tutorial_data/validate
"""
ADAM = "max_steps = 4000"
FILTER = "optimizer = kalman\nmax_epochs = 30\nkalman_covariance = {}\n"
FLOAT32 = "kalman_precision = float32\n"
RUNS = {
    "adam": ADAM,
    "layer, float32": FILTER.format("layer") + FLOAT32,
    "layer": FILTER.format("layer"),
    "element, float32": FILTER.format("element") + FLOAT32,
    "element": FILTER.format("element"),
}
COLUMN, TIME = "val_mae_per_atom", "seconds_compute"
MEV = 1000.0


def main():
    """Print the table."""
    names = sys.argv[1:] or list(RUNS)
    print(f"Load of the machine before: {os.getloadavg()[0]:.1f}")
    passes = " | ".join(f"{epoch}" for epoch in EPOCHS)
    print(f"| run | seed | {passes} | last | ms/step | passes to Adam's last |")
    print(f"|{'---|' * (len(EPOCHS) + 5)}")
    last_of_adam = {}
    for name in names:
        for seed in SEEDS:
            errors, times = trained(RUNS[name], seed)
            if name == "adam":
                last_of_adam[seed] = errors[-1]
            cells = [f"{errors[e - 1]:.2f}" for e in EPOCHS]
            cells += [f"{errors[-1]:.2f}", f"{median(times):.2f}"]
            cells.append(passes_to(last_of_adam.get(seed), errors))
            print(f"| {name} | {seed} | {' | '.join(cells)} |", flush=True)


def passes_to(goal, errors):
    """First pass whose error is at most a goal; empty without one."""
    if goal is None:
        return ""
    return next((str(n) for n, e in enumerate(errors, 1) if e <= goal), "never")


def trained(keys, seed):
    """([validation error of each epoch, meV/atom], [ms per step of each epoch])."""
    with tempfile.TemporaryDirectory() as folder:
        ini = Path(folder) / "train.ini"
        ini.write_text(
            COMMON.format(
                root=ROOT, folder=folder, seed=seed, keys=keys,
                steps_per_epoch=STEPS_PER_EPOCH,
            )
        )  # fmt: skip
        program = "import sys; from annpot.apps.train import main; sys.exit(main())"
        command = [sys.executable, "-c", program, "-c", str(ini)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        with open(Path(folder) / "run/history.csv", newline="") as stream:
            rows = list(csv.DictReader(stream))
    errors = [float(row[COLUMN]) * MEV for row in rows]
    ends = [0, *(int(row["step"]) for row in rows)]
    steps = [after - before for before, after in pairwise(ends)]
    times = [float(r[TIME]) / n * 1e3 for r, n in zip(rows, steps, strict=True)]
    return errors, times


if __name__ == "__main__":
    main()
