"""The virial of a `.example` file, from its keys `virial` and `stress`."""

from annpot.errors import InputError
from annpot.structures.stress import (
    UNIT_NAMES,
    six_components,
    stress_sign,
    stress_unit,
    virial_label,
)

NO_STRESS_UNIT = (
    "the stress has neither stress_unit nor stress_sign: Ry/bohr^3 with positive "
    "compression was assumed, as Quantum ESPRESSO prints it"
)
LARGEST_ASSUMED = 0.1  # Ry/bohr^3, 1500 GPa; kbar or GPa would be larger


def example_virial(content, cell, pbc, energy_unit, constants, assumed):
    """(6,) virial in eV; None without `virial` and `stress`.

    Args:
        content: JSON object of the file.
        cell, pbc: of the structure, angstrom.
        energy_unit: the file's energy unit, in which its virial is, eV.
        constants: UnitConstants.
        assumed: list that gets a text for each assumption.

    Raises:
        InputError: naming the key that is wrong, not the file.
    """
    virial = _tensor(content, "virial")
    if virial is not None:
        virial = virial * energy_unit
    stress = _tensor(content, "stress")
    if stress is not None:
        stress = stress * _stress_factor(content, stress, constants, assumed)
    return virial_label(stress, virial, cell, pbc, assumed.append)


def _tensor(content, key):
    if content.get(key) in (None, []):
        return None
    try:
        return six_components(content[key])
    except InputError as error:
        raise InputError(f"{key}: {error}") from None


def _stress_factor(content, stress, constants, assumed):
    """From the file's unit and sign to eV/angstrom^3 with positive tension."""
    unit, sign = content.get("stress_unit"), content.get("stress_sign")
    if unit is None and sign is None:
        if abs(stress).max() > LARGEST_ASSUMED:
            raise InputError(
                f"stress: found {abs(stress).max():g} without stress_unit and "
                f"stress_sign; expected at most {LARGEST_ASSUMED} if it were in "
                "Ry/bohr^3, as Quantum ESPRESSO prints it. Give both keys."
            )
        assumed.append(NO_STRESS_UNIT)
        unit, sign = "Ry/bohr^3", "compression"
    if unit is None or sign is None:
        raise InputError(
            f"{'stress_unit' if unit is None else 'stress_sign'} is missing. Programs "
            f"differ in it; give both: stress_unit, one of {', '.join(UNIT_NAMES)}, "
            "and stress_sign, 'tension' or 'compression', whichever is positive."
        )
    try:
        return stress_unit(unit, constants) * stress_sign(sign)
    except InputError as error:
        raise InputError(f"stress: {error}") from None
