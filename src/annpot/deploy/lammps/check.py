"""Does LAMMPS give the numbers that a model says of itself?"""

from dataclasses import dataclass

import numpy as np

from annpot.deploy.lammps.engine import lammps_results
from annpot.errors import InputError
from annpot.models.folder import read_model

ENERGY_TOLERANCE = 1e-9  # eV per atom: sums of float64 in another order
FORCE_TOLERANCE = 1e-8  # eV/angstrom, and eV of virials


@dataclass(frozen=True)
class Deviation:
    """Largest differences of LAMMPS from a golden structure.

    Attributes:
        name, role: of the golden structure.
        n_atoms: number of its atoms.
        energy: eV per atom.
        forces: eV/angstrom.
        virial: eV.
        n_outside: atoms out of the range of training.
    """

    name: str
    role: str
    n_atoms: int
    energy: float
    forces: float
    virial: float
    n_outside: int

    @property
    def is_small(self):
        """Whether all of it is rounding."""
        largest = max(self.forces, self.virial)
        return self.energy <= ENERGY_TOLERANCE and largest <= FORCE_TOLERANCE


def deviations(folder, plugin, n_ranks=1):
    """Deviation of each golden structure of a model folder in LAMMPS.

    Args:
        folder: of the model.
        plugin: path of the compiled plugin.
        n_ranks: number of processes of MPI.

    Raises:
        InputError: the folder is damaged or has no golden structures; LAMMPS stopped.
    """
    model = read_model(folder)
    if not model.golden:
        raise InputError(
            f"{folder}: golden.json is missing, so there is nothing to check with. "
            "Extract the model again."
        )
    results = lammps_results(plugin, folder, model.golden, n_ranks)
    return [
        Deviation(
            golden.name,
            golden.role,
            len(golden.symbols),
            abs(found.energy - golden.energy) / len(golden.symbols),
            float(np.abs(found.forces - golden.forces).max()),
            float(np.abs(found.virial - golden.virial).max()),
            found.n_outside,
        )
        for golden, found in zip(model.golden, results, strict=True)
    ]
