"""The ASE calculator of a deployed model."""

import math
from numbers import Integral, Real
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes

from annpot.deploy.extrapolation import ExtrapolationGuard
from annpot.deploy.golden_check import golden_deviations
from annpot.deploy.kernels.compiled_model import CompiledModel
from annpot.elements import ATOMIC_NUMBERS
from annpot.errors import InputError
from annpot.models.folder import read_model
from annpot.models.model import Model

GEOMETRY = ("numbers", "positions", "cell", "pbc")


class AnnpotCalculator(Calculator):
    """Energies, forces and stress of a model for ASE.

    Results, in ASE's units: energy and free_energy (equal, eV), energies (n_atoms,)
    eV, forces (n_atoms, 3) eV/angstrom, stress (6,) xx, yy, zz, yz, xz, xy,
    eV/angstrom^3, only where all three directions are periodic. Atoms whose descriptor
    leaves the range of training are counted in `n_outside`: ASE's own calculators and
    files refuse results of other names than ASE's.

    Example:
        atoms.calc = AnnpotCalculator("my_model")
        atoms.get_potential_energy()

    Args:
        model: folder that app_extract_weights wrote with output_type = ASE or LAMMPS,
            or a Model.
        threads: number of cores to use; all when None. Results do not depend on it.
        skin: how much further than the cutoff neighbour lists reach, angstrom.
        stop_after: number of extrapolating atoms, counted over all calls, that are
            allowed: a call that finds more raises ExtrapolationError; None for any
            number.

    Raises:
        InputError: an argument is out of its range; the folder is not that of a model,
            or it was damaged; from a calculation: elements without a network,
            coordinates that are not numbers, cells without volume, atoms at one place.
    """

    implemented_properties = ["energy", "free_energy", "energies", "forces", "stress"]
    name = "annpot"
    nolabel = True
    _state = None  # GEOMETRY of the atoms that the results are for, as bytes
    _found = None  # Evaluation of these atoms

    def __init__(self, model, threads=None, skin=0.8, stop_after=None):
        super().__init__()
        _expect(threads is None or _is_number(threads, Integral, 1), "threads", threads,
                "None or a whole number of 1 or more")  # fmt: skip
        _expect(_is_number(skin, Real, 0), "skin", skin, "0 or more angstrom")
        _expect(stop_after is None or _is_number(stop_after, Integral, 0), "stop_after",
                stop_after, "None or a whole number of 0 or more")  # fmt: skip
        self.model = model if isinstance(model, Model) else read_model(Path(model))
        self.parameters["model"] = str(self.model.folder or "in memory")
        self._compiled = CompiledModel(self.model, threads, skin)
        self._guard = ExtrapolationGuard(self.model, stop_after)

    def set(self, **settings):
        """Refuse settings: those of a calculator are the arguments it is made with.

        Raises:
            InputError: there are any.
        """
        if settings:
            raise InputError(
                f"AnnpotCalculator: {', '.join(settings)} cannot be set: expected as "
                "arguments. Make a new calculator with them."
            )
        return {}

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        """Compute all results for `atoms`; ASE calls this where they are not known."""
        atoms = self.atoms if atoms is None else atoms
        if self.results and self._state is not None and not self.check_state(atoms):
            return
        self._state = None
        cell, pbc = atoms.cell.array, atoms.pbc
        positions = np.ascontiguousarray(atoms.positions, float)
        numbers = np.ascontiguousarray(atoms.numbers, np.int64)
        found = self._compiled.evaluate(numbers, positions, cell, pbc)
        self._found = found
        if self.model.ranges:
            self._guard.count(atoms, found.outside)
        self.results = {
            "energy": found.energy,
            "free_energy": found.energy,
            "energies": found.atomic_energies,
            "forces": found.forces,
        }
        if pbc.all():
            self.results["stress"] = found.virial / -abs(np.linalg.det(cell))
        self._state = _state_of(atoms)

    def check_state(self, atoms, tol=0.0):
        """Which of numbers, positions, cell and pbc are not those of the results.

        Nothing else matters here; ASE's own comparison takes longer than a molecule.
        """
        if self._state is None:
            return list(GEOMETRY)
        both = zip(GEOMETRY, _state_of(atoms), self._state, strict=True)
        return [name for name, now, before in both if now != before]

    @property
    def atoms(self):
        """Copy of the atoms that the results are for, None where there are none."""
        if self._state is None:
            return None
        numbers, positions, cell, pbc = self._state
        return Atoms(
            numbers=np.frombuffer(numbers, np.int64),
            positions=np.frombuffer(positions).reshape(-1, 3),
            cell=np.frombuffer(cell).reshape(3, 3),
            pbc=np.frombuffer(pbc, bool),
        )

    @atoms.setter
    def atoms(self, atoms):
        """ASE forgets or restores the atoms through this."""
        self._state = None if atoms is None else _state_of(atoms)

    @property
    def n_outside(self):
        """Number of extrapolating atoms of the results, None without results."""
        return None if self._state is None else self._found.n_outside

    @property
    def n_extrapolations(self):
        """Number of extrapolating atoms in all calculations so far."""
        return self._guard.n_atoms

    def extrapolation(self):
        """Extrapolation of the atoms that the results are for, None without any.

        It names the first atom and component, the value and the range of training.
        """
        atoms = self.atoms
        if atoms is None or not self.model.ranges:
            return None
        return self._guard.described(atoms, self._found.outside)

    def check(self):
        """Compute the golden structures of the model; GoldenDeviation of each.

        Raises:
            InputError: the model has none.
        """
        return golden_deviations(self.model, self._evaluations)

    def _evaluations(self, structures):
        """Evaluation of each structure, aside from the results."""
        return [
            self._compiled.evaluate(
                np.array([ATOMIC_NUMBERS[symbol] for symbol in one.symbols]),
                np.ascontiguousarray(one.positions),
                np.ascontiguousarray(one.cell),
                one.pbc,
            )
            for one in structures
        ]


def _is_number(value, kind, least):
    is_kind = isinstance(value, kind) and not isinstance(value, bool)
    return is_kind and least <= value < math.inf


def _expect(is_right, name, value, expected):
    if not is_right:
        raise InputError(
            f"AnnpotCalculator: {name} = {value!r}: expected {expected}. Correct it."
        )


def _state_of(atoms):
    """Numbers, positions, cell and pbc as bytes, which compare fast."""
    return (
        np.asarray(atoms.numbers, np.int64).tobytes(),
        np.asarray(atoms.positions, float).tobytes(),
        atoms.cell.array.tobytes(),
        atoms.pbc.tobytes(),
    )
