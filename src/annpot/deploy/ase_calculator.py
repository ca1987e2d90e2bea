"""The ASE calculator of a deployed model."""

import logging
from pathlib import Path

import numpy as np
from ase.calculators.calculator import (
    Calculator,
    PropertyNotImplementedError,
    all_changes,
)

from annpot.deploy.compiled_model import CompiledModel
from annpot.deploy.extrapolation import Extrapolation, ExtrapolationGuard
from annpot.models.folder import read_model
from annpot.models.model import Model

logger = logging.getLogger(__name__)
GEOMETRY = {"positions", "numbers", "cell", "pbc"}


class AnnpotCalculator(Calculator):
    """Energies, forces and stress of a model for ASE.

    Results, in ASE's units: energy and free_energy (equal, eV), energies (n_atoms,)
    eV, forces (n_atoms, 3) eV/angstrom, stress (6,) xx, yy, zz, yz, xz, xy,
    eV/angstrom^3, only where all three directions are periodic; and extrapolation,
    the number of atoms whose descriptor leaves the range of training.

    Args:
        model: folder that app_extract_weights wrote with output_type = ASE or LAMMPS,
            or a Model.
        threads: number of cores to use; all when None. Results do not depend on it.
        skin: how much further than the cutoff neighbour lists reach, angstrom.
        stop_after: number of extrapolating atoms, counted over all calls, from which
            on a call raises ExtrapolationError; never when None.

    Raises:
        InputError: the folder is not that of a model, or it was damaged.
    """

    implemented_properties = [
        "energy", "free_energy", "energies", "forces", "stress", "extrapolation",
    ]  # fmt: skip
    default_parameters = {}
    nolabel = True

    def __init__(self, model, threads=None, skin=0.6, stop_after=None):
        super().__init__()
        self.model = model if isinstance(model, Model) else read_model(Path(model))
        self._compiled = CompiledModel(self.model, threads, skin)
        self._guard = ExtrapolationGuard(self.model, stop_after)

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        """Compute all results for `atoms`; ASE calls this where they are not known."""
        if atoms is None:
            atoms = self.atoms
        if GEOMETRY.isdisjoint(system_changes) and self.results:
            return
        self.atoms = atoms.copy()  # what the results are for
        found = self._compiled.evaluate(
            atoms.numbers, np.ascontiguousarray(atoms.positions), atoms.cell.array,
            atoms.pbc,
        )  # fmt: skip
        self.results = {
            "energy": found.energy,
            "free_energy": found.energy,
            "energies": found.atomic_energies,
            "forces": found.forces,
            "extrapolation": 0,
        }
        if atoms.pbc.all():
            self.results["stress"] = found.virial / -atoms.cell.volume
