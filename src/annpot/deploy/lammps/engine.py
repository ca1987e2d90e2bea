"""LAMMPS as a calculator of single structures, in a process of its own."""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from annpot.deploy.lammps.installation import program
from annpot.errors import InputError


@dataclass(frozen=True, eq=False)
class LammpsResult:
    """What LAMMPS says about a structure, in the frame of the structure.

    Attributes:
        energy: eV.
        atomic_energies: (n_atoms,) eV.
        forces: (n_atoms, 3) eV/angstrom.
        virial: (6,) W = -dE/d(strain), eV: xx, yy, zz, yz, xz, xy.
        atomic_virials: (n_atoms, 6) eV; their sum is the virial.
        centroid_virials: (n_atoms, 3, 3) eV, those of `compute centroid/stress/atom`,
            with which the heat flux is sum_i W_i v_i; their sum is the virial.
        n_outside: atoms whose descriptors are out of the range of training.
    """

    energy: float
    atomic_energies: np.ndarray
    forces: np.ndarray
    virial: np.ndarray
    atomic_virials: np.ndarray
    centroid_virials: np.ndarray
    n_outside: int


def lammps_results(plugin, model, structures, n_ranks=1, style="extrapolation warn"):
    """LammpsResult of each structure.

    Args:
        plugin: path of the compiled plugin.
        model: folder of the model.
        structures: objects with symbols, positions, cell, pbc; angstrom.
        n_ranks: number of processes of MPI.
        style: words after `pair_style annpot`.

    Raises:
        InputError: LAMMPS stopped; with its message.
    """
    structures = list(structures)
    with tempfile.TemporaryDirectory(prefix="annpot_lammps_") as folder:
        # Input of LAMMPS is words of ASCII; these names are, whatever the paths.
        links = Path(folder, "annpotplugin.so"), Path(folder, "model")
        for link, target in zip(links, (plugin, model), strict=True):
            link.symlink_to(Path(target).resolve())
        task = {
            "plugin": str(links[0]),
            "model": str(links[1]),
            "style": style,
            "structures": [_plain(structure) for structure in structures],
        }
        paths = Path(folder, "task.json"), Path(folder, "result.npz")
        paths[0].write_text(json.dumps(task), encoding="utf-8")
        _run([sys.executable, "-m", "annpot.deploy.lammps.worker", *paths], n_ranks)
        if not paths[1].is_file():
            raise InputError(
                "LAMMPS ended without a result. Run it by hand to see why."
            )
        with np.load(paths[1]) as found:
            found = dict(found)
    if "error" in found:
        told = str(found["error"]).strip().replace(str(links[1]), str(model))
        raise InputError(f"LAMMPS: {told.replace(str(links[0]), str(plugin))}")
    return [_result(found, number) for number in range(len(structures))]


def _plain(structure):
    return {
        "symbols": list(structure.symbols),
        "positions": np.asarray(structure.positions, float).tolist(),
        "cell": np.asarray(structure.cell, float).tolist(),
        "pbc": [bool(along) for along in structure.pbc],
    }


def _run(command, n_ranks):
    command = [str(word) for word in command]
    if n_ranks > 1:
        command = [str(program("mpiexec")), "-n", str(n_ranks), *command]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        told = (done.stdout + done.stderr).strip().splitlines()
        errors = [line for line in told if line.startswith("ERROR")] or told[-3:]
        raise InputError(f"LAMMPS stopped ({done.returncode}): {' '.join(errors)}")


def _result(found, number):
    names = LammpsResult.__dataclass_fields__
    values = {name: found[f"{name}_{number}"] for name in names}
    values |= {"energy": float(values["energy"]), "n_outside": int(values["n_outside"])}
    return LammpsResult(**values)
