"""Time of Gauss-Newton steps: `python benchmarks/gauss_newton_steps.py`, two minutes.

    energies  120 tutorial molecules per step, 384-128-32-1 networks
    forces    30 molecules per step, with five directions of forces each

The first chunk holds tracing and compilation. Descriptor columns are scaled by the root
of their spread. The errors are those of the last epoch of training, each batch before
its step.
"""

import contextlib
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from annpot.training.root_scale import root_scale

from annpot.config import load_train
from annpot.data.atom_tables import AtomTables
from annpot.training.gauss_newton.memory import gauss_newton_memory
from annpot.training.gauss_newton.program import GaussNewtonProgram, most_atoms
from annpot.training.gauss_newton.settings import GaussNewtonSettings
from annpot.training.setup import prepare
from annpot.training.trace import TRACE

ROOT = Path(__file__).parents[1]
INI = """
[IO_INFORMATION]
train_dir = {folder}/run
{data}
[DATA_INFORMATION]
atomic_sequence = H, C, O, N
output_offset = -13.587223, -1029.511138, -2042.009502, -1485.014746
[DEFAULT_NETWORK]
architecture = 128:32:1
activations = tanh:tanh:linear
[TRAINING_PARAMETERS]
batch_size = {batch_size}
seed = 1
learning_rate = 1.0
steps_per_epoch = {steps_per_epoch}
max_epochs = {n_epochs}
{forces}
"""
CASES = {
    "energies": {
        "data": f"data_dir = {ROOT}/tutorial_data/train\n",
        "batch_size": 120, "steps_per_epoch": 6, "n_epochs": 120, "forces": "",
    },
    "forces": {
        "data": f"data_dir = {ROOT}/tutorial_data/forces/train\n"
        f"input_format = structure\ngvect_ini = {ROOT}/input_files/gvect.ini\n"
        "derivatives = stored\n",
        "batch_size": 30, "steps_per_epoch": 24, "n_epochs": 8,
        "forces": "forces_cost = 5.0\nfloss_function = quad_percomp\n",
    },
}  # fmt: skip
SETTINGS = {
    "energies": GaussNewtonSettings(),
    "forces": GaussNewtonSettings(momentum=0.85),
}
RAMP, TAIL = {"energies": 30, "forces": 20}, {"energies": 0.5, "forces": 0.8}


def main():
    """Print one row for each case."""
    print(f"load {os.getloadavg()[0]:.1f}")
    print("| case | first chunk, s | step, ms | MB | meV/atom | meV/angstrom |")
    print("|---|---|---|---|---|---|")
    for name in CASES:
        print(f"| {name} | {' | '.join(measured(name))} |", flush=True)


def measured(name):
    """Words of a row of the table."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.ini"
        path.write_text(INI.format(folder=folder, **CASES[name]))
        run = prepare(
            load_train(path), lambda *about: contextlib.nullcontext(lambda n: None)
        )
        tables = scaled_tables(run)
        n_steps = CASES[name]["steps_per_epoch"] * CASES[name]["n_epochs"]
        program = GaussNewtonProgram(
            run.parameters, run.potential.networks, run.plan.step,
            run.data.step_form(run.plan.step), SETTINGS[name],
            most_atoms(run.data.counts, 4), rates(name, n_steps),
        )  # fmt: skip
        traces, ends, start = [], [], time.perf_counter()
        for piece in run.feed.pieces([(0, n_steps)]):
            traces.append(program.run(tables, piece.chunk))
            ends.append(time.perf_counter() - start)
        after = 1e3 * (ends[-1] - ends[0]) / (n_steps - len(traces[0]))
        shapes = [
            [tuple(w.shape) for w, _ in layers] for layers in program.networks.layers
        ]
        n_bytes = gauss_newton_memory(
            SETTINGS[name], run.plan.step, shapes, program.most_atoms
        ).total
        last = np.concatenate(traces)[-CASES[name]["steps_per_epoch"] :].sum(axis=0)
        sums = dict(zip(TRACE, last, strict=True))
        energy = 1e3 * sums["sum_abs_per_atom"] / sums["n_energies"]
        force = 1e3 * sums["sum_abs_force"] / max(sums["n_force_components"], 1.0)
    return (
        f"{ends[0]:.1f}", f"{after:.1f}", f"{n_bytes / 1e6:.0f}",
        f"{energy:.3f}", f"{force:.2f}",
    )  # fmt: skip


def scaled_tables(run):
    """Tables of the run with columns of mean 0, scaled by `root_scale`."""
    (piece,) = run.feed.pieces([(0, 1)])
    tables = piece.tables
    g, scales = [], []
    for table in tables.g:
        own = table[:-1].astype(float)
        scales.append(root_scale(own.std(axis=0)))
        scaled = (own - own.mean(axis=0)) / scales[-1]
        g.append(np.concatenate([scaled, 0.0 * table[-1:]]).astype(np.float32))
    if isinstance(tables, AtomTables):
        return replace(tables, g=tuple(g))
    pairs = zip(tables.blocks, scales, strict=True)
    blocks = tuple((block / s).astype(np.float32) for block, s in pairs)
    return tables._replace(g=tuple(g), blocks=blocks)


def rates(name, n_steps):
    """Rate of steps: up in RAMP steps, at the end down along a cosine."""

    def rate(step):
        x = np.clip((step / n_steps - 1.0 + TAIL[name]) / TAIL[name], 0.0, 1.0)
        rising = np.minimum(1.0, (step + 1) / RAMP[name])
        return rising * 0.5 * (1.0 + np.cos(np.pi * x))

    return rate


if __name__ == "__main__":
    main()
