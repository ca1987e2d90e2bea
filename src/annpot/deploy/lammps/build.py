"""The pair style compiled as a plugin of an installed LAMMPS."""

import hashlib
import json
import os
import platform
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from annpot import files
from annpot.deploy.lammps.installation import PLUGIN, headers, plugin_path
from annpot.errors import InputError

SOURCES = Path(__file__).parent / "sources"
# No exception flags, errno or signed zeros: loops over square roots and maxima then go
# through all lanes. Sums keep their order, so that a plugin's numbers are its own.
FLAGS = (
    "-std=c++17",
    "-O3",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fno-signed-zeros",
)
LINES_SHOWN = 12


@dataclass(frozen=True)
class Build:
    """A plugin on disk.

    Attributes:
        path: of the shared library.
        is_new: whether it was compiled now; else it was there already.
    """

    path: Path
    is_new: bool


def build(lammps=None, mpi=None, output=None, compiler="g++", flags=None, force=False):
    """Compile the plugin, unless the same sources were compiled there in the same way.

    Args:
        lammps, mpi: see `annpot.deploy.lammps.installation.headers`.
        output: folder of the plugin; None for where `lmp` looks for it.
        compiler: command of the compiler.
        flags: text of flags for the processor and for LAMMPS' own definitions
            (-DLAMMPS_BIGBIG of a LAMMPS that was built so); None for this processor.
        force: compile in any case.

    Raises:
        InputError: no compiler or no headers; what the compiler says otherwise.
    """
    found, folder = headers(lammps, mpi), Path(output or plugin_path())
    if shutil.which(compiler) is None:
        raise InputError(
            f"{compiler}: no such program: expected a compiler of C++17. Install one "
            "(Debian: apt install g++), or give --compiler."
        )
    command = [compiler, *FLAGS, *_processor_flags(flags), "-fPIC", "-shared"]
    command += [f"-I{path}" for path in (found.lammps, found.mpi) if path]
    command += map(str, sorted(SOURCES.glob("*.cpp")))
    path, stamp = folder / PLUGIN, folder / f"{PLUGIN}.json"
    made_of = {
        "command": shlex.join(command),
        "sha256": _digest(found),
        "compiler": _version(compiler),
    }
    if not force and path.is_file() and _stored(stamp) == made_of:
        return Build(path, is_new=False)
    files.make_folder(folder)
    if not os.access(folder, os.W_OK):
        raise InputError(
            f"{folder}: cannot be written (Permission denied). Give another folder "
            "(--output) or change its permissions."
        )
    with files.atomic_path(path) as temporary:
        _compile([*command, "-o", str(temporary)])
    files.write_text(stamp, json.dumps(made_of, indent=1) + "\n")
    return Build(path, is_new=True)


def ready():
    """Build of the plugin where `lmp` looks for it, compiled only where needed.

    One of the same sources for the same LAMMPS is taken, in whatever way it was
    compiled; no compiler is needed then.

    Raises:
        InputError: see `build`.
    """
    path = Path(plugin_path(), PLUGIN)
    known = _stored(path.with_name(f"{PLUGIN}.json"))
    if path.is_file() and known.get("sha256") == _digest(headers()):
        return Build(path, is_new=False)
    return build()


def _processor_flags(given):
    if given is not None:
        try:
            flags = shlex.split(given)
        except ValueError as error:
            raise InputError(
                f"--flags {given}: {error}: expected flags of the compiler, such as "
                "-march=x86-64-v3. Correct them."
            ) from None
    elif platform.machine() in ("x86_64", "AMD64"):
        flags = ["-march=native"]
    else:
        flags = ["-mcpu=native"]
    defined = any(flag.startswith("-DLAMMPS_") for flag in flags)
    return flags if defined else [*flags, "-DLAMMPS_SMALLBIG"]


def _digest(found):
    """sha256 of the sources and of the headers' version."""
    digest = hashlib.sha256()
    for path in (*sorted(SOURCES.glob("*.[ch]*")), found.lammps / "pair.h"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _version(compiler):
    told = subprocess.run([compiler, "--version"], capture_output=True, check=False)
    return told.stdout.decode(errors="replace").partition("\n")[0]


def _stored(stamp):
    try:
        stored = json.loads(stamp.read_bytes())
    except (OSError, ValueError):
        return {}
    return stored if isinstance(stored, dict) else {}


def _compile(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        told = done.stderr.splitlines() or ["(it says nothing)"]
        lines = [line for line in told if "error" in line or "cannot" in line]
        shown = "\n  ".join((lines or told)[:LINES_SHOWN])
        raise InputError(
            f"The pair style could not be compiled ({done.returncode}):\n  {shown}\n"
            f"Command: {shlex.join(command)}\nGive the headers of the LAMMPS and the "
            "MPI that it is for (--lammps, --mpi), or another --compiler."
        )
