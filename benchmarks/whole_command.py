"""Wall time of whole commands: `python benchmarks/whole_command.py`, about two minutes.

Each command runs as a user types it, in a process of its own and in a temporary copy
of the tutorial, and starts anew each time. Import, compilation and all files written
are counted. Seconds; the shortest of the repetitions says what the command costs, the
median what a busy machine made of it.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
COMMANDS = (
    "app_gvect_calculator",
    "app_tfr_packer",
    "app_train",
    "app_evaluate",
    "app_extract_weights",
)
REPEAT = 3
INSTANT = 0.5  # limit of what needs no numbers, s
N_WATER, COPIES = 300, 6
WRONG_INI = "[IO_INFORMATION]\nnonsense = 1\n"


def main():
    """Print the table."""
    print(f"{os.cpu_count()} cores, load before: {os.getloadavg()[0]:.1f}")
    print(f"{'':40}{'min':>7}{'median':>9}{'limit':>7}")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        prepare(folder)
        for command in COMMANDS:
            show(f"{command} --help", INSTANT, folder, [command, "--help"])
        for command in COMMANDS:
            arguments = [command, "-c", "wrong.ini"]
            show(f"{command}, unknown key", INSTANT, folder, arguments, exit_code=2)
        train1 = ["app_train", "-c", "input_files/train1.ini"]
        show("train1.ini, 1000 steps", 8.0, folder, train1)
        decay = ["app_train", "-c", "input_files/train1_decay.ini"]
        show("train1_decay.ini, 4000 steps", 9.0, folder, decay)
        water = ["app_gvect_calculator", "-c", "input_files/water.ini"]
        n = len(list((folder / "water").iterdir()))
        show(f"{n} water files, compiling", None, folder, water, repeat=1)
        show(f"{n} water files, cached kernels", 2.0, folder, water)


def prepare(folder):
    """Copy the tutorial, multiply the water molecules, write a faulty INI file."""
    shutil.copytree(ROOT / "input_files", folder / "input_files")
    for part in ("train", "validate"):
        shutil.copytree(ROOT / "tutorial_data" / part, folder / "tutorial_data" / part)
    (folder / "water").mkdir()
    structures = ROOT / "tutorial_data/structures/train_validate"
    for source in sorted(structures.glob("H2O_*.example")):
        for copy in range(COPIES):
            shutil.copy(source, folder / "water" / f"{source.stem}_{copy}.example")
    settings = (ROOT / "input_files/gvect.ini").read_text()
    water = settings.replace("tutorial_data/structures/train_validate.xyz", "water")
    (folder / "input_files/water.ini").write_text(water)
    (folder / "wrong.ini").write_text(WRONG_INI)


def show(name, limit, folder, arguments, exit_code=0, repeat=REPEAT):
    """Run a command some times and print its line."""
    seconds = [run(folder, arguments, exit_code) for _ in range(repeat)]
    print(
        f"{name:40}{min(seconds):7.2f}{statistics.median(seconds):9.2f}"
        f"{'' if limit is None else limit:>7}",
        flush=True,
    )


def run(folder, arguments, exit_code):
    """Seconds of one run; what earlier runs wrote is removed before."""
    for result in ("tutorial_train", "tutorial_train_decay", "tutorial_bin"):
        shutil.rmtree(folder / result, ignore_errors=True)
    command = [Path(sys.executable).with_name(arguments[0]), *arguments[1:]]
    start = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"NUMBA_CACHE_DIR": str(folder / "numba")},
        capture_output=True,
        text=True,
    )
    seconds = time.perf_counter() - start
    if done.returncode != exit_code:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return seconds


if __name__ == "__main__":
    main()
