"""Golden structures of a model computed again: does this program agree with it?"""

from dataclasses import dataclass

import numpy as np

from annpot.errors import InputError

# Sums of float64 in another order.
ENERGY_TOLERANCE = 1e-10  # eV per atom
FORCE_TOLERANCE = 1e-9  # eV/angstrom
VIRIAL_TOLERANCE = 1e-9  # eV per atom


@dataclass(frozen=True)
class GoldenDeviation:
    """Largest deviations of one golden structure from what its model recorded.

    Attributes:
        name, role: of the GoldenStructure.
        n_atoms: number of its atoms.
        energy: of the atomic energies, and of the total energy per atom, eV.
        forces: of a component, eV/angstrom.
        virial: of a component, eV per atom.
        n_outside: atoms whose descriptors are out of the range of training.
    """

    name: str
    role: str
    n_atoms: int
    energy: float
    forces: float
    virial: float
    n_outside: int

    @property
    def agrees(self):
        """Whether the deviations are rounding."""
        # Written so that NaN does not agree.
        return (
            self.energy <= ENERGY_TOLERANCE
            and self.forces <= FORCE_TOLERANCE
            and self.virial <= VIRIAL_TOLERANCE
        )


def golden_deviations(model, results_of):
    """GoldenDeviation of each golden structure of a Model.

    Args:
        results_of: function from a sequence of structures to the result of each, which
            has energy, atomic_energies, forces, virial and n_outside as GoldenStructure
            and GoldenDeviation have them.

    Raises:
        InputError: the model has no golden structures; what `results_of` raises.
    """
    if not model.golden:
        raise InputError(
            f"{model.folder or 'model'}: no golden structures to check with: expected "
            "some in golden.json. Extract the model again."
        )
    results = results_of(model.golden)
    return [_deviation(*both) for both in zip(model.golden, results, strict=True)]


def _deviation(golden, found):
    n_atoms = len(golden.symbols)
    of_atoms = _largest(found.atomic_energies - golden.atomic_energies)
    of_total = _largest(found.energy - golden.energy) / n_atoms
    return GoldenDeviation(
        name=golden.name,
        role=golden.role,
        n_atoms=n_atoms,
        # `max` of Python would lose a NaN.
        energy=_largest([of_atoms, of_total]),
        forces=_largest(found.forces - golden.forces),
        virial=_largest(found.virial - golden.virial) / n_atoms,
        n_outside=found.n_outside,
    )


def _largest(differences):
    return float(np.abs(differences).max())
