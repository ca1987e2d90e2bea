"""Speed of molecular dynamics: `python benchmarks/md.py`.

A periodic box of acetamide (9 atoms a molecule, 576 atoms) and larger ones made of it,
random networks of two shapes, one core:

1. `pair_style annpot` in LAMMPS, microseconds per atom and step (Loop time of NVE with
   neighbour lists), and how time and memory grow with the number of atoms;
2. the ASE calculator in the same box, and a water molecule above an empty calculator;
3. OpenKIM's driver for PANNA's files in Debian's LAMMPS, where it is installed (the
   same shape of network, generation 2 of the descriptor).
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from ase.io import write
from md_ase import (
    SHAPES,
    SPECIES,
    acetamide_box,
    described,
    model_of,
    overhead,
    per_atom_and_step,
)

from annpot.deploy.ase_calculator import AnnpotCalculator
from annpot.deploy.lammps.build import build
from annpot.deploy.openkim import kim_files
from annpot.models.folder import write_model

DEBIAN_LAMMPS, KIM_INSTALL = "/usr/bin/lmp", "kim-api-collections-management"
COPIES = (1, 2, 3, 4, 5, 6)  # of the box along each direction: 576 to 124,416 atoms
REPEAT = 3
WORDS = "-nocite", "-log", "none", "-in"
# Peak memory of a program, kB: a small process starts it, as a child begins with the
# memory of its parent.
PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
INPUT = """
units metal
atom_style atomic
{before}
read_data {folder}/box.data
replicate {copies} {copies} {copies}
{style}
velocity all create 300 1
neighbor 1.0 bin
timestep 0.0005
fix 1 all nve
thermo {steps}
run {steps}
"""


def main():
    """Print the tables."""
    box = acetamide_box()
    models = {
        name: replace(model_of(*shape), mbp_generation=3)
        for name, shape in SHAPES.items()
    }
    print(described(box, next(iter(models.values()))))
    print(f"load {os.getloadavg()[0]:.1f}\n")
    plugin = build().path
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        write(folder / "box.data", box, format="lammps-data", specorder=SPECIES,
              masses=True)  # fmt: skip
        print(f"{'us per atom and step, 576 atoms':<34}" + "".join(
            f"{name:>16}" for name in models
        ))  # fmt: skip
        rows = {
            "pair_style annpot (LAMMPS)": lambda name, model: in_lammps(
                folder, plugin, name, model
            ),
            "AnnpotCalculator (ASE)": lambda _, model: per_atom_and_step(
                box, AnnpotCalculator(model, threads=1)
            ),
            "water above an empty calculator, us": lambda _, model: overhead(
                AnnpotCalculator(model, threads=1)
            ),
        }
        if Path(DEBIAN_LAMMPS).exists() and shutil.which(KIM_INSTALL):
            rows["OpenKIM's driver (Debian's LAMMPS)"] = lambda name, model: in_kim(
                folder, name, model
            )
        for label, measured in rows.items():
            times = [measured(name, model) for name, model in models.items()]
            print(f"{label:<36}" + "".join(f"{time:15.2f} " for time in times))
        growth(folder, plugin, models)


def in_lammps(folder, plugin, name, model, copies=1, steps=100):
    """Microseconds per atom and step of the pair style, the best of several runs."""
    write_model(folder / name, model)
    style = (
        f"plugin load {plugin}\npair_style annpot\n"
        f"pair_coeff * * {folder / name} {' '.join(SPECIES)}"
    )
    program = Path(sys.prefix, "bin", "lmp")
    runs = [
        loop(folder, [str(program)], "", style, copies, steps)
        for _ in range(REPEAT if copies == 1 else 1)
    ]
    return min(time for time, _ in runs)


def in_kim(folder, name, model, steps=5):
    """The same of OpenKIM's driver with a model of generation 2."""
    settings = replace(model.settings, epsilon=1e-2)
    title = f"benchmark_{name.replace('-', '_')}__MO_000000000000_000"
    _, files, _ = kim_files(settings, model.specs, model.weights, 2, title)
    (folder / title).mkdir()
    for file_name, content in files.items():
        (folder / title / file_name).write_bytes(content)
    installed = {"KIM_API_PORTABLE_MODELS_DIR": str(folder / "kim_models")}
    subprocess.run(
        [KIM_INSTALL, "install", "environment", str(folder / title)],
        env=os.environ | installed, check=True, capture_output=True, cwd=folder,
    )  # fmt: skip
    before, style = f"kim init {title} metal", f"kim interactions {' '.join(SPECIES)}"
    time, _ = loop(folder, [DEBIAN_LAMMPS], before, style, 1, steps, installed)
    return time


def loop(folder, program, before, style, copies, steps, environment=None):
    """(microseconds per atom and step, peak memory in bytes) of a run of LAMMPS."""
    script = folder / "in.lammps"
    script.write_text(
        INPUT.format(
            folder=folder, before=before, style=style, copies=copies, steps=steps
        )
    )
    one_thread = {"OMP_NUM_THREADS": "1"} | (environment or {})
    done = subprocess.run(
        [sys.executable, "-c", PEAK, *program, *WORDS, script],
        capture_output=True, text=True, env=os.environ | one_thread, cwd=folder,
        check=False,
    )  # fmt: skip
    found = re.search(r"Loop time of (\S+) on .* with (\d+) atoms", done.stdout)
    if not found:
        raise SystemExit(done.stdout + done.stderr)
    seconds, n_atoms = found.groups()
    memory = 1024 * int(done.stdout.split()[-1])
    return 1e6 * float(seconds) / steps / int(n_atoms), memory


def growth(folder, plugin, models):
    """Print time and memory of the pair style from 576 to over 100,000 atoms."""
    name, model = next(iter(models.items()))
    write_model(folder / name, model)
    style = (
        f"plugin load {plugin}\npair_style annpot\n"
        f"pair_coeff * * {folder / name} {' '.join(SPECIES)}"
    )
    print(f"\n{name}: atoms, us per atom and step, peak memory (MB), bytes per atom")
    program, smallest = [str(Path(sys.prefix, "bin", "lmp"))], None
    for copies in COPIES:
        n_atoms = 576 * copies**3
        steps = max(5, 100 // copies**3)
        time, memory = loop(folder, program, "", style, copies, steps)
        smallest = smallest or (n_atoms, memory)
        per_atom = (memory - smallest[1]) / max(1, n_atoms - smallest[0])
        print(f"{n_atoms:8d}{time:10.2f}{memory / 1e6:10.0f}{per_atom:10.0f}")


if __name__ == "__main__":
    main()
