"""Golden structures of a model computed again: does this machine agree?"""

from dataclasses import dataclass

import numpy as np

from annpot.elements import ATOMIC_NUMBERS
from annpot.errors import InputError

ENERGY_TOLERANCE = 1e-10  # eV per atom
FORCE_TOLERANCE = 1e-9  # eV/angstrom
VIRIAL_TOLERANCE = 1e-9  # eV per atom


@dataclass(frozen=True)
class GoldenDeviation:
    """Largest deviations of one golden structure from what its model recorded.

    Attributes:
        name, role: of the GoldenStructure.
        energy: of the atomic energies, eV.
        forces: of a component, eV/angstrom.
        virial: of a component, eV per atom.
    """

    name: str
    role: str
    energy: float
    forces: float
    virial: float

    @property
    def agrees(self):
        """Whether the deviations are rounding."""
        # Written so that NaN does not agree.
        return (
            self.energy <= ENERGY_TOLERANCE
            and self.forces <= FORCE_TOLERANCE
            and self.virial <= VIRIAL_TOLERANCE
        )


def check_golden(model, compiled_model):
    """GoldenDeviation of each golden structure of a Model.

    Args:
        compiled_model: CompiledModel of it.

    Raises:
        InputError: the model has no golden structures.
    """
    if not model.golden:
        raise InputError(
            f"{model.folder or 'model'}: no golden structures to check with: expected "
            "some in golden.json. Extract the model again."
        )
    return [_deviation(golden, compiled_model) for golden in model.golden]


def _deviation(golden, compiled_model):
    found = compiled_model.evaluate(
        np.array([ATOMIC_NUMBERS[symbol] for symbol in golden.symbols]),
        np.ascontiguousarray(golden.positions),
        np.ascontiguousarray(golden.cell),
        golden.pbc,
    )
    return GoldenDeviation(
        name=golden.name,
        role=golden.role,
        energy=_largest(found.atomic_energies - golden.atomic_energies),
        forces=_largest(found.forces - golden.forces),
        virial=_largest(found.virial - golden.virial) / len(golden.symbols),
    )


def _largest(differences):
    return float(np.abs(differences).max())
