"""Speed of the descriptors: `python benchmarks/descriptors.py`.

Prints molecules per second for the tutorial's mix of H2O, NH3 and CH4, milliseconds
for a periodic cell of 64 atoms of four elements, both with 384 features and with the
neighbour list, and seconds of the first call of a process with and without kernels
in numba's cache. Times are the best of several, on all cores.
"""

import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import ase.build
import numpy as np

from annpot.descriptors.calculator import descriptors
from annpot.descriptors.settings import descriptor_settings
from annpot.structures.structure import Structure

TUTORIAL = Path(__file__).parents[1] / "tutorial_data/structures/train_validate.xyz"
N_MOLECULES = 30_000
FIRST_CALL = "first call"  # argument with which this script measures itself


def main():
    """Print the table."""
    settings = tutorial_settings()
    if sys.argv[1:] == [FIRST_CALL]:
        print(seconds(lambda: descriptors(molecules()[:3], settings), repeat=1))
        return
    mix, cell = many(molecules(), N_MOLECULES), liquid_cell()
    for dtype, threads in product((np.float64, np.float32), (None, 1)):
        describe = partial(descriptors, settings=settings, dtype=dtype, threads=threads)
        rate = N_MOLECULES / seconds(partial(describe, mix))
        one = seconds(partial(describe, [cell]), repeat=100)
        cores = "one core" if threads else "all cores"
        print(
            f"{dtype.__name__}, {cores}: {rate:,.0f} molecules/s, "
            f"{1e3 * one:.2f} ms per 64-atom cell"
        )
    cold, cached = first_calls()
    print(f"first call: {cold:.1f} s compiling, {cached:.2f} s with cached kernels")


def tutorial_settings():
    """The tutorial's descriptor: mBP, 384 features, order H, C, O, N."""
    numbers = {
        "rc_rad": 4.6, "rs0_rad": 0.5, "rsn_rad": 16, "eta_rad": 16.0,
        "rc_ang": 3.1, "rs0_ang": 0.5, "rsn_ang": 4, "eta_ang": 16.0,
        "thetasn": 8, "zeta": 50.0,
    }  # fmt: skip
    kind = SimpleNamespace(type="mBP", species=("H", "C", "O", "N"), mbp_generation=3)
    return descriptor_settings(
        SimpleNamespace(
            symmetry_function=kind, gvect_parameters=SimpleNamespace(**numbers)
        )
    )


def molecules():
    """The tutorial's structures, or molecules distorted like them."""
    if TUTORIAL.exists():
        from annpot.structures.readers import iter_structures

        return list(iter_structures(TUTORIAL))
    rng = np.random.default_rng(0)
    found = []
    for k in range(900):
        molecule = ase.build.molecule(("H2O", "NH3", "CH4")[k % 3])
        positions = molecule.positions + rng.normal(0, 0.1, (len(molecule), 3))
        symbols = tuple(molecule.get_chemical_symbols())
        found.append(Structure(f"molecule {k}", symbols, positions))
    return found


def many(structures, n):
    """`n` structures, those given again and again."""
    return (structures * (n // len(structures) + 1))[:n]


def liquid_cell():
    """64 atoms of four elements, 0.1 per cubic angstrom, periodic."""
    rng = np.random.default_rng(0)
    edge = (64 / 0.1) ** (1 / 3)
    grid = np.indices((4, 4, 4)).reshape(3, -1).T * edge / 4
    positions = grid + rng.normal(0, 0.2, grid.shape)
    symbols = tuple(rng.choice(list("HCON"), 64))
    return Structure("cell", symbols, positions, np.eye(3) * edge, np.ones(3, bool))


def seconds(call, repeat=5):
    """Shortest duration of `repeat` calls, after one that warms up."""
    if repeat > 1:
        call()
    return min(_timed(call) for _ in range(repeat))


def _timed(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def first_calls():
    """Seconds of a process's first call, (kernels compiled, kernels cached)."""
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"NUMBA_CACHE_DIR": cache}
        command = [sys.executable, __file__, FIRST_CALL]
        return [
            float(subprocess.check_output(command, env=environment)) for _ in range(2)
        ]


if __name__ == "__main__":
    main()
