"""Energies against energies with forces on few, diverse cells of carbon.

    python benchmarks/carbon.py FOLDER

with .example files in FOLDER/train and FOLDER/val. Three recipes that train on energies
alone, those of the tutorial, and recipes that train on energies and forces in about the
wall time of the longest of them; networks 128:32:1, 80 components. Whole commands, one
after the other. About two minutes.
"""

import argparse
import os
import subprocess
import tempfile
import time
from pathlib import Path

from force_step import CARBON, GVECT

TRAIN = """
[IO_INFORMATION]
data_dir = {data}/train
input_format = example
gvect_ini = {folder}/gvect.ini
train_dir = {folder}/{name}
[DATA_INFORMATION]
atomic_sequence = C
output_offset = -253.674
[DEFAULT_NETWORK]
architecture = 128:32:1
activations = {activation}:{activation}:linear
[TRAINING_PARAMETERS]
batch_size = {batch_size}
max_steps = {steps}
steps_per_epoch = {epoch}
learning_rate = {rate}
learning_rate_constant = {constant}
learning_rate_decay_step = {steps}
learning_rate_decay_factor = {factor}
seed = {seed}
forces_cost = {forces_cost}
[VALIDATION_OPTIONS]
data_dir = {data}/val
"""
ENERGIES = {
    "batch_size": 20, "rate": 0.01, "constant": False, "forces_cost": 0, "epoch": 100,
    "activation": "gaussian",
}  # fmt: skip
FORCES = ENERGIES | {"batch_size": 4, "forces_cost": 1, "factor": 0.01, "epoch": 500}
RECIPES = {
    "energies, constant rate": ENERGIES
    | {"steps": 1000, "constant": True, "factor": 1},
    "energies, decay": ENERGIES | {"steps": 4000, "epoch": 400, "factor": 0.05},
    "energies, long decay": ENERGIES | {"steps": 20000, "epoch": 500, "factor": 0.003},
    "forces": FORCES | {"steps": 6000},
    "forces, longer": FORCES | {"steps": 30000, "rate": 0.005},
}


def main():
    """Print a line for each recipe and seed."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("data", type=Path, help="folder with train and val")
    options.add_argument("--seeds", type=int, default=1, help="runs of each recipe")
    chosen = options.parse_args()
    print(f"{os.cpu_count()} cores, load before: {os.getloadavg()[0]:.1f}")
    print(f"{'':26}{'seed':>5}{'seconds':>9}{'MAE':>8}{'F_MAE':>8}   (validation)")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "gvect.ini").write_text(GVECT.format(**CARBON))
        for name, recipe in RECIPES.items():
            for seed in range(1, chosen.seeds + 1):
                keys = recipe | {"seed": seed}
                seconds, found = train(Path(folder), chosen.data, keys)
                forces = found.get("val_F_MAE", float("nan")) * 1e3
                energy = found["val_MAE/at"] * 1e3
                print(
                    f"{name:26}{seed:5}{seconds:9.1f}{energy:8.1f}{forces:8.0f}"
                    "   meV/atom, meV/angstrom",
                    flush=True,
                )


def train(folder, data, recipe):
    """(wall time of the whole command, last line of metrics.dat by column)."""
    name = f"run_{len(list(folder.iterdir()))}"
    ini = folder / f"{name}.ini"
    ini.write_text(
        TRAIN.format(data=data.resolve(), folder=folder, name=name, **recipe)
    )
    start = time.perf_counter()
    subprocess.run(["app_train", "-c", ini], check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - start
    header, *lines = (folder / name / "metrics.dat").read_text().splitlines()
    values = map(float, lines[-1].split())
    return seconds, dict(zip(header.split(), values, strict=True))


if __name__ == "__main__":
    main()
