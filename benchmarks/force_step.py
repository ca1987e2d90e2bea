"""Cost of a step with forces: `python benchmarks/force_step.py`, about two minutes.

    molecules  20 tutorial molecules, 384 components, 384-128-32-1 networks
    bulk       4 periodic cells of 100 atoms of 4 elements, the same networks
    carbon     20 cells of 16 or 24 carbon atoms, 80 components, 80-128-32-1; with
               `--carbon FOLDER` of .example files

The trainer of `app_train` without its callbacks: making the batches and the compiled
steps. All forms of a system take turns, so that they see the same load of the machine;
the fastest and the median turn are given, in milliseconds per step, and the ratio to
the energy-only step of the same trainer that keeps all columns.
"""

import argparse
import os
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from unittest.mock import patch

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from annpot.config import load_train
from annpot.training import setup

TUTORIAL = Path(__file__).parents[1] / "tutorial_data/structures"
TURNS = 7
GVECT = """
[SYMMETRY_FUNCTION]
type = mBP
species = {species}
mbp_generation = 3
[GVECT_PARAMETERS]
Rc_rad = 4.6
Rs0_rad = 0.5
RsN_rad = 16
eta_rad = 16
Rc_ang = {rc_ang}
Rs0_ang = 0.5
RsN_ang = {rsn_ang}
eta_ang = 6
ThetasN = 8
zeta = 50
"""
TRAIN = """
[IO_INFORMATION]
data_dir = {data}
input_format = example
gvect_ini = {folder}/gvect.ini
train_dir = {folder}/run
{derivatives}
[DATA_INFORMATION]
atomic_sequence = {species}
output_offset = {offsets}
[DEFAULT_NETWORK]
architecture = 128:32:1
[TRAINING_PARAMETERS]
batch_size = {batch_size}
steps_per_epoch = {n_steps}
max_epochs = 1000
learning_rate = 0.0001
seed = 1
forces_cost = {forces_cost}
"""
ELEMENTS = "H, C, O, N"
MOLECULES = {
    "species": ELEMENTS, "batch_size": 20, "rc_ang": 3.1, "rsn_ang": 4,
    "offsets": "-13.587223, -1029.511138, -2042.009502, -1485.014746",
}  # fmt: skip
BULK = MOLECULES | {"batch_size": 4, "offsets": "0, 0, 0, 0", "rc_ang": 3.5}
CARBON = {
    "species": "C", "batch_size": 20, "rc_ang": 3.1, "rsn_ang": 8, "offsets": "0",
}  # fmt: skip
FORMS = {  # name -> forces_cost, derivatives, whether all columns are kept
    "energies, all columns": (0, "", True),
    "energies": (0, "", False),
    "stored, all columns": (0.1, "derivatives = stored", True),
    "stored": (0.1, "derivatives = stored", False),
    "computed, all columns": (0.1, "derivatives = computed", True),
    "computed": (0.1, "derivatives = computed", False),
}


def main():
    """Print a table for each system."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--carbon", type=Path, help="folder of .example files")
    options.add_argument("--only", help="name of one system")
    chosen = options.parse_args()
    print(f"{os.cpu_count()} cores, load before: {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        systems = {
            "molecules": (MOLECULES, TUTORIAL / "train_validate.xyz", 200),
            "bulk": (BULK, bulk_cells(Path(folder) / "bulk.xyz"), 12),
        }
        if chosen.carbon:
            systems["carbon"] = (CARBON, chosen.carbon, 60)
        for name, system in systems.items():
            if chosen.only in (None, name):
                table(name, *system, folder)


def table(name, keys, data, n_steps, folder):
    """Print the times of all forms of a system."""
    keys = keys | {"n_steps": n_steps}  # no chunk is longer than an epoch
    runs = {form: run_of(form, keys, data, folder) for form in FORMS}
    pieces = {form: iter(run.feed.pieces(turns(n_steps))) for form, run in runs.items()}
    for form, run in runs.items():
        steps(run, pieces[form], n_steps)  # compiles
    times = {form: [] for form in FORMS}
    for _ in range(TURNS):
        for form, run in runs.items():
            start = time.perf_counter()
            steps(run, pieces[form], n_steps)
            times[form].append((time.perf_counter() - start) / n_steps * 1e3)
    print(f"\n{name}: {n_steps} steps a turn, load {os.getloadavg()[0]:.1f}")
    print(f"{'':24}{'fastest':>9}{'median':>9}{'ratio':>8}")
    bound = np.median(times["energies, all columns"])
    for form, found in times.items():
        median = np.median(found)
        print(f"{form:24}{min(found):9.3f}{median:9.3f}{median / bound:8.2f}")
    sizes = [note for note in runs["stored"].notes if "MB" in note]
    print(*sizes, f"shapes {runs['computed'].plan.step.shapes}", sep="\n")


def turns(n_steps):
    """Segments of n_steps, one after the other."""
    return ((first, n_steps) for first in range(0, 10**9, n_steps))


def steps(run, pieces, n_steps):
    """Do the next n_steps."""
    done = 0
    while done < n_steps:
        piece = next(pieces)
        done += len(run.program.run(piece.tables, piece.chunk))


def run_of(form, keys, data, folder):
    """Run of a form, ready before its first step."""
    forces_cost, derivatives, all_columns = FORMS[form]
    folder = Path(folder)
    (folder / "gvect.ini").write_text(GVECT.format(**keys))
    ini = folder / "train.ini"
    values = keys | {"forces_cost": forces_cost, "derivatives": derivatives}
    ini.write_text(TRAIN.format(data=data, folder=folder, **values))
    n_species = len(keys["species"].split(","))
    keep_all = patch.object(setup, "columns_in_use", lambda *_: (None,) * n_species)
    with keep_all if all_columns else nullcontext():
        return setup.prepare(load_train(ini), lambda *_: nullcontext(lambda n: None))


def bulk_cells(path, n_cells=16, n_atoms=100, edge=10.0):
    """Write cells of jittered grids, 100 atoms in 1000 cubic angstrom."""
    rng = np.random.default_rng(0)
    side = int(np.ceil(n_atoms ** (1 / 3)))
    grid = np.stack(np.meshgrid(*[np.arange(side)] * 3), -1).reshape(-1, 3)
    frames = []
    for _ in range(n_cells):
        sites = grid[rng.permutation(len(grid))[:n_atoms]] * edge / side
        atoms = Atoms(
            rng.choice(ELEMENTS.split(", "), n_atoms),
            sites + rng.normal(0, 0.15, (n_atoms, 3)),
            cell=[edge] * 3,
            pbc=True,
        )
        atoms.calc = SinglePointCalculator(
            atoms, energy=0.0, forces=rng.normal(size=(n_atoms, 3))
        )
        frames.append(atoms)
    write(path, frames, format="extxyz")
    return path


if __name__ == "__main__":
    main()
