"""Speed of descriptors with derivatives: `python benchmarks/derivatives.py [ZIP]`.

The whole of app_gvect_calculator on 80 carbon cells of 16 to 24 atoms (g_size 80),
without, with dense and with sparse derivatives, and what a large part of it is: the
start of Python with numba. Then the kernels alone. Wall times are the best of several.

ZIP holds a folder `train` of `.example` files, such as the carbon_diverse set; without
it cells like those are made up.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from functools import partial
from pathlib import Path

import numpy as np

from annpot.config import load_gvect
from annpot.descriptors.calculator import descriptors
from annpot.descriptors.derivatives import descriptors_and_derivatives
from annpot.descriptors.settings import descriptor_settings
from annpot.structures.example_json import write_example
from annpot.structures.readers import iter_structures
from annpot.structures.structure import Structure

CARBON = Path(__file__).parents[2] / "shared/data/carbon_diverse/diverse_100.zip"
REPEAT = 7
COMMAND = "from annpot.apps.gvect_calculator import main; raise SystemExit(main())"
INI = """
[IO_INFORMATION]
input_json_dir = {folder}/train
output_gvect_dir = {folder}/bin
log_dir = {folder}
[SYMMETRY_FUNCTION]
type = mBP
species = C
include_derivatives = {dense}
sparse_derivatives = {sparse}
[PARALLELIZATION]
number_of_process = 2
[GVECT_PARAMETERS]
Rc_rad = 4.6
Rs0_rad = 0.5
RsN_rad = 16
eta_rad = 16
Rc_ang = 3.1
Rs0_ang = 0.5
RsN_ang = 8
eta_ang = 6
ThetasN = 8
zeta = 50
"""
FORMS = {
    "no derivatives": {"dense": False, "sparse": False},
    "dense derivatives": {"dense": True, "sparse": False},
    "sparse derivatives": {"dense": True, "sparse": True},
}


def main():
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        print(f"80 cells: {carbon_cells(folder)}")
        command_times(folder)
        kernel_times(folder)


def carbon_cells(folder):
    """Put 80 `.example` files into folder/train; return where they come from."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else CARBON
    if path.exists():
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder / "all")
        (train,) = (folder / "all").rglob("train")
        train.rename(folder / "train")
        return path.name
    (folder / "train").mkdir()
    for k in range(80):
        cell = made_up_cell(k)
        write_example(folder / "train" / f"{cell.name}.example", cell)
    return "made up"


def made_up_cell(k):
    """Diamond-like carbon of 16 or 24 atoms, distorted; 0.15 atoms per cubic angstrom.

    Its energy and forces are random numbers.
    """
    rng = np.random.default_rng(k)
    repeats = (2, 2, 3) if k % 4 == 0 else (2, 2, 2)
    primitive = np.array([[0.0, 1, 1], [1, 0, 1], [1, 1, 0]]) * 1.88
    corners = np.indices(repeats).reshape(3, -1).T @ primitive
    positions = np.concatenate([corners, corners + primitive.sum(axis=0) / 4])
    strain = np.eye(3) + rng.normal(0, 0.03, (3, 3))
    positions = (positions + rng.normal(0, 0.1, positions.shape)) @ strain
    return Structure(
        name=f"carbon_{k:02d}",
        symbols=("C",) * len(positions),
        positions=positions,
        cell=(primitive * np.array(repeats)[:, None]) @ strain,
        pbc=np.ones(3, bool),
        energy=-155.0 * len(positions) + rng.normal(),
        forces=rng.normal(size=positions.shape),
    )


def command_times(folder):
    """Seconds of the whole command, kernels cached."""
    start = best(partial(run, ["-c", "import numba"]))
    print(f"python with numba alone {start:.2f} s")
    for name, flags in FORMS.items():
        (folder / "gvect.ini").write_text(INI.format(folder=folder, **flags))
        command = ["-c", COMMAND, "--config", str(folder / "gvect.ini")]
        empty = partial(forget, folder / "bin")
        seconds = best(partial(run, command), before=empty)
        size = sum(path.stat().st_size for path in (folder / "bin").glob("*.bin"))
        print(f"app_gvect_calculator, {name}: {seconds:.2f} s, {size / 1e6:.1f} MB")


def kernel_times(folder):
    """Milliseconds for the 80 cells in a process that runs already."""
    cells = list(iter_structures(folder / "train"))
    settings = descriptor_settings(load_gvect(folder / "gvect.ini"))
    plain = best(partial(descriptors, cells, settings, np.float32))
    print(f"descriptors with neighbour lists {1e3 * plain:.0f} ms")
    for name, options in (("", {}), (" and by strain", {"strain": True})):
        work = partial(descriptors_and_derivatives, cells, settings, np.float32)
        seconds = best(partial(work, **options))
        print(
            f"with derivatives by positions{name} {1e3 * seconds:.0f} ms, "
            f"{seconds / plain:.1f} times"
        )


def best(call, before=lambda: None):
    """Shortest duration of several calls, after one that warms up, s."""
    durations = []
    for _ in range(REPEAT + 1):
        before()
        start = time.perf_counter()
        call()
        durations.append(time.perf_counter() - start)
    return min(durations[1:])


def run(arguments):
    """Run Python with some arguments."""
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


def forget(folder):
    """Empty a folder that an earlier run filled."""
    with contextlib.suppress(FileNotFoundError):
        for path in folder.iterdir():
            os.unlink(path)


if __name__ == "__main__":
    main()
