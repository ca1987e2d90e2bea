"""Accuracy of the shipped recipes: `python benchmarks/recipes.py`, about three minutes.

Trains each recipe with three seeds by `app_train`, as shipped but for the seed, and
prints a Markdown table: mean absolute error per atom on the validation molecules at
the end of the run (the last line of metrics.dat), the same on the test molecules,
which no recipe was chosen on (by `app_evaluate`), and wall time of the training.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from annpot.accuracy import accuracy, errors_per_atom

ROOT = Path(__file__).parents[1]
SEEDS = (1, 2, 3)
LIMITS = {"train1": None, "train1_decay": 4.0, "train_long": 2.0}  # meV/atom
MEV = 1000.0


@dataclass(frozen=True)
class Result:
    """What a run reached.

    Attributes:
        steps: optimizer steps.
        validation: MAE on the validation molecules, meV/atom.
        test: MAE on the test molecules, meV/atom.
        seconds: wall time of app_train.
    """

    steps: int
    validation: float
    test: float
    seconds: float


def main():
    """Print the table."""
    print("| recipe | steps | seed | validation MAE | limit | test MAE | wall time |")
    print("|---|---|---|---|---|---|---|")
    for recipe, limit in LIMITS.items():
        for seed in SEEDS:
            with tempfile.TemporaryDirectory() as folder:
                result = trained(recipe, seed, Path(folder))
            print(
                f"| {recipe}.ini | {result.steps} | {seed} "
                f"| {result.validation:.2f} meV/atom | {limit or ''} "
                f"| {result.test:.2f} meV/atom | {result.seconds:.1f} s |",
                flush=True,
            )


def trained(recipe, seed, folder):
    """Result of a recipe, trained in an empty folder."""
    for part in ("train", "validate", "test"):
        source = ROOT / "tutorial_data" / part
        shutil.copytree(source, folder / "tutorial_data" / part)
    ini = (ROOT / f"input_files/{recipe}.ini").read_text()
    (folder / "train.ini").write_text(changed(ini, seed=seed, train_dir="run"))
    ini = (ROOT / "input_files/validation1.ini").read_text()
    (folder / "evaluate.ini").write_text(
        changed(ini, train_ini="train.ini", networks_dir="run/_models", eval_dir="test")
    )
    start = time.perf_counter()
    run(folder, "app_train", "train.ini")
    seconds = time.perf_counter() - start
    run(folder, "app_evaluate", "evaluate.ini")
    metrics = last_metrics(folder / "run/metrics.dat")
    return Result(
        steps=int(metrics["tot_st"]),
        validation=float(metrics["val_MAE/at"]) * MEV,
        test=mean_absolute_error(next((folder / "test").glob("*.dat"))) * MEV,
        seconds=seconds,
    )


def run(folder, command, ini):
    """Run a command of annpot in a folder."""
    program = Path(sys.executable).with_name(command)
    subprocess.run(
        [program, "-c", ini], cwd=folder, check=True, stdout=subprocess.DEVNULL
    )


def changed(ini, **values):
    """The text of an INI file with other values of some keys, which must be there."""
    for key, value in values.items():
        ini, n = re.subn(rf"(?m)^{key} *=.*$", f"{key} = {value}", ini)
        if n != 1:
            raise SystemExit(f"{n} lines set {key}, expected one")
    return ini


def last_metrics(path):
    """{column: text} of the last line of metrics.dat."""
    header, *_, last = path.read_text().splitlines()
    return dict(zip(header.split(), last.split(), strict=True))


def mean_absolute_error(path):
    """Per atom, of the energies that app_evaluate wrote, eV/atom."""
    n_atoms, e_ref, e_nn = np.loadtxt(path, usecols=(1, 2, 3), unpack=True)
    return accuracy(errors_per_atom(e_nn, e_ref, n_atoms)).mae


if __name__ == "__main__":
    main()
