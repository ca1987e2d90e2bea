"""Accuracy of the shipped recipes: `python benchmarks/recipes.py`, about six minutes.

Trains each recipe with three seeds by `app_train`, as shipped but for the seed, and
prints a Markdown table: mean absolute error of energies per atom, and of forces where
they are trained, on the validation molecules at the end of the run (the last line of
metrics.dat), the same on the test molecules, which no recipe was chosen on (by
`app_evaluate`), and wall time of the training. `python benchmarks/recipes.py NAME ...`
trains the recipes of these names only.
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
ENERGIES = "validation1.ini"
FORCES = "validation_force.ini"
# Name of the INI file -> how it is evaluated; limits of energies, meV/atom, and of
# forces, meV/angstrom.
RECIPES = {
    "train1": (ENERGIES, None, None),
    "train1_decay": (ENERGIES, 4.0, None),
    "train_long": (ENERGIES, 2.0, None),
    "train_best": (ENERGIES, 0.5, None),
    "train_force": (FORCES, None, None),
    "train_force_long": (FORCES, 1.0, 30.0),
    "train_force_best": (FORCES, 0.2, 5.0),
}
MEV = 1000.0
COLUMNS = (
    "recipe", "steps", "seed",
    "validation, meV/atom", "limit", "test, meV/atom",
    "forces, validation, meV/angstrom", "limit", "forces, test, meV/angstrom",
    "wall time",
)  # fmt: skip


@dataclass(frozen=True)
class Result:
    """What a run reached.

    Attributes:
        steps: optimizer steps.
        validation: MAE on the validation molecules, meV/atom.
        test: MAE on the test molecules, meV/atom.
        validation_forces, test_forces: MAE, meV/angstrom; None without forces.
        seconds: wall time of app_train.
    """

    steps: int
    validation: float
    test: float
    validation_forces: float | None
    test_forces: float | None
    seconds: float


def main():
    """Print the table."""
    names = sys.argv[1:] or list(RECIPES)
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    for recipe in names:
        _, limit, limit_forces = RECIPES[recipe]
        for seed in SEEDS:
            with tempfile.TemporaryDirectory() as folder:
                result = trained(recipe, seed, Path(folder))
            cells = (
                f"{recipe}.ini", result.steps, seed,
                cell(result.validation), limit or "", cell(result.test),
                cell(result.validation_forces), limit_forces or "",
                cell(result.test_forces), f"{result.seconds:.1f} s",
            )  # fmt: skip
            print(f"| {' | '.join(map(str, cells))} |", flush=True)


def cell(value):
    """A number of the table; empty for None."""
    return "" if value is None else f"{value:.2f}"


def trained(recipe, seed, folder):
    """Result of a recipe, trained in an empty folder."""
    for part in ("train", "validate", "test", "forces"):
        source = ROOT / "tutorial_data" / part
        shutil.copytree(source, folder / "tutorial_data" / part)
    (folder / "input_files").mkdir()
    shutil.copy(ROOT / "input_files/gvect.ini", folder / "input_files")
    ini = (ROOT / f"input_files/{recipe}.ini").read_text()
    (folder / "train.ini").write_text(changed(ini, seed=seed, train_dir="run"))
    ini = (ROOT / "input_files" / RECIPES[recipe][0]).read_text()
    (folder / "evaluate.ini").write_text(
        changed(ini, train_ini="train.ini", networks_dir="run/_models", eval_dir="test")
    )
    start = time.perf_counter()
    run(folder, "app_train", "train.ini")
    seconds = time.perf_counter() - start
    run(folder, "app_evaluate", "evaluate.ini")
    metrics = last_metrics(folder / "run/metrics.dat")
    with_forces = "val_F_MAE" in metrics
    step = int(metrics["tot_st"])
    (results,) = (folder / "test").glob(f"*_step_{step}.dat")
    return Result(
        steps=step,
        validation=float(metrics["val_MAE/at"]) * MEV,
        test=mean_absolute_error(results) * MEV,
        validation_forces=float(metrics["val_F_MAE"]) * MEV if with_forces else None,
        test_forces=mean_force_error(results) * MEV if with_forces else None,
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


def mean_force_error(path):
    """Of the force components in the file beside that of the energies, eV/angstrom."""
    forces = np.loadtxt(f"{path.with_suffix('')}_forces.dat", usecols=range(2, 8))
    return np.abs(forces[:, :3] - forces[:, 3:]).mean()


if __name__ == "__main__":
    main()
