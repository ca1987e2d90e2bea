"""Molecular dynamics in ASE: 20 ps in a heat bath of 300 K, then 20 ps without it.

python input_files/md/dynamics_ase.py water silicon
"""

import sys
from pathlib import Path

import numpy as np
from ase.build import bulk, molecule
from ase.constraints import FixCom
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import thermalize_momenta
from ase.md.verlet import VelocityVerlet
from ase.units import fs

from annpot import AnnpotCalculator

FOLDER = Path("tutorial_md")
# Atoms, folder of the model, time step in fs.
SYSTEMS = {
    "water": (molecule("H2O"), "tutorial_model", 0.25),
    "silicon": (bulk("Si", cubic=True) * (2, 2, 2), "tutorial_model_silicon", 1.0),
}
PICOSECONDS, LINES = 20, 1000


def main():
    """Both simulations of each system, each with a file of energies."""
    FOLDER.mkdir(exist_ok=True)
    names = sys.argv[1:] or SYSTEMS
    if unknown := set(names) - set(SYSTEMS):
        sys.exit(f"{', '.join(unknown)}: expected one or more of {', '.join(SYSTEMS)}")
    for name in names:
        atoms, model, step = SYSTEMS[name]
        atoms.calc = AnnpotCalculator(model)
        rng = np.random.default_rng(1)
        # The centre of mass stays where it is. Langevin's own fixcm heats molecules.
        atoms.set_constraint(FixCom())
        thermalize_momenta(atoms, temperature_K=300, rng=rng)
        bath = Langevin(
            atoms,
            step * fs,
            temperature_K=300,
            friction=0.01 / fs,
            fixcm=False,
            rng=rng,
        )
        run(bath, atoms, f"{name}_ase_nvt", step)
        run(VelocityVerlet(atoms, step * fs), atoms, f"{name}_ase_nve", step)


def run(dynamics, atoms, name, step):
    """Run, with time (ps), total energy (eV/atom) and temperature (K) in a file."""
    n_steps = round(1000 * PICOSECONDS / step)
    before = atoms.calc.n_extrapolations
    with open(FOLDER / f"{name}.csv", "w", encoding="utf-8") as stream:
        stream.write("ps,eV/atom,K\n")

        def write():
            time = dynamics.nsteps * step / 1000
            energy = atoms.get_total_energy() / len(atoms)
            stream.write(f"{time:.6g},{energy:.15g},{atoms.get_temperature():.8g}\n")

        dynamics.attach(write, interval=n_steps // LINES)
        dynamics.run(n_steps)
    outside = atoms.calc.n_extrapolations - before
    print(f"{name}: {n_steps} steps, {outside} times an atom was out of range")


if __name__ == "__main__":
    main()
