"""Memory against size of the data: `python benchmarks/memory.py`, about two minutes.

Prints the largest memory (resident set, MB) that a command held on the tutorial's 900
molecules and on ten copies of each under other names. Packing and streamed training
(`dataset_cache = False`) must not grow; training from memory, for comparison, does.
What TensorFlow and its compiler need themselves, some 700 MB, is part of the numbers.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
COPIES = (1, 10)
# command -> INI file and what is changed in it
RUNS = {
    "app_gvect_calculator": ("gvect.ini", "", ""),
    "app_tfr_packer": ("tfr.ini", "tutorial_tfr", "tutorial_data/train"),
    "app_train, streamed": ("train1.ini", "[DATA", "dataset_cache = False\n[DATA"),
    "app_train, in memory": ("train1.ini", "[DATA", "dataset_cache = True\n[DATA"),
}


def main():
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        folders = [prepare(Path(folder) / str(copies), copies) for copies in COPIES]
        heads = "".join(f"{n_molecules(folder):>11} mol." for folder in folders)
        print(f"{'peak memory':24}{heads}{'growth':>13}")
        for name, (ini, old, new) in RUNS.items():
            few, many = (peak(f, name.split(",")[0], ini, old, new) for f in folders)
            print(
                f"{name:24}{few:13.0f} MB{many:13.0f} MB{many - few:+10.0f} MB",
                flush=True,
            )


def prepare(folder, copies):
    """A copy of the tutorial with `copies` times its molecules; return the folder."""
    tutorial = ROOT / "tutorial_data"
    shutil.copytree(ROOT / "input_files", folder / "input_files")
    shutil.copytree(tutorial / "validate", folder / "tutorial_data/validate")
    (folder / "tutorial_data/structures").mkdir()
    structures = (tutorial / "structures/train_validate.xyz").read_text()
    with open(folder / "tutorial_data/structures/train_validate.xyz", "w") as stream:
        for copy in range(copies):
            stream.write(re.sub(r"name=(\S+)", rf"name=\1_{copy}", structures))
    return folder


def n_molecules(folder):
    """Molecules of a prepared folder."""
    path = folder / "tutorial_data/structures/train_validate.xyz"
    return path.read_text().count("name=")


def peak(folder, command, ini, old, new):
    """Largest resident set of a command, MB, with `old` replaced in its INI file."""
    text = (ROOT / "input_files" / ini).read_text().replace(old, new, 1)
    (folder / "input_files" / ini).write_text(text)
    shutil.rmtree(folder / "tutorial_train", ignore_errors=True)
    process = subprocess.Popen(
        [Path(sys.executable).with_name(command), "-c", f"input_files/{ini}"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} failed in {folder}")
    return usage.ru_maxrss / 1e3  # the system counts in kB


if __name__ == "__main__":
    main()
