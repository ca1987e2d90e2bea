"""LAMMPS run with an input script, and ended with the command that started it."""

import os
import signal
import subprocess
from pathlib import Path

from annpot.deploy.lammps.installation import program
from annpot.errors import AnnpotError, InputError


def run_script(script, n_ranks=1, words=()):
    """Run `lmp` of the Python environment; its output goes to the screen.

    Args:
        script: path of the input script.
        n_ranks: number of processes of MPI.
        words: further words for `lmp`.

    Raises:
        InputError: no such script or no LAMMPS.
        AnnpotError: LAMMPS stopped with an error, or was interrupted.
    """
    if not Path(script).is_file():
        raise InputError(
            f"{script}: no such file: expected an input script of LAMMPS. Correct the "
            "path, as seen from this folder."
        )
    command = [str(program("lmp")), "-in", str(script), *words]
    if n_ranks > 1:
        command = [str(program("mpiexec")), "-n", str(n_ranks), *command]
    # `lmp` of the wheel starts the program proper: a signal has to reach both.
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, start_new_session=True
    )
    try:
        code = process.wait()
    except KeyboardInterrupt:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        raise AnnpotError(
            f"{script}: LAMMPS was interrupted; what it wrote is as far as it came."
        ) from None
    if code:
        raise AnnpotError(f"{script}: LAMMPS stopped with exit code {code}; see above.")
