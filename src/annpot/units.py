"""Unit constants and the unit names of the file formats.

Inside annpot: angstrom, eV, eV/angstrom, elementary charges, float64.
Values: CODATA 2022, in eV and angstrom.
"""

from dataclasses import dataclass

from annpot.errors import InputError


@dataclass(frozen=True)
class UnitConstants:
    """The two constants that every conversion of this program is made of.

    Attributes:
        bohr: length of one bohr, angstrom.
        hartree: energy of one hartree, eV; a rydberg is half of it.
    """

    bohr: float
    hartree: float

    @property
    def rydberg(self):
        """Energy of one rydberg, eV."""
        return self.hartree / 2


CODATA_2022 = UnitConstants(bohr=0.529177210544, hartree=27.211386245981)

LENGTH_NAMES = {
    "bohr": ("au", "bohr", "bohr_radius", "BOHR"),
    "angstrom": ("a", "A", "angstrom", "Angstrom", "ANGSTROM"),
}
ENERGY_NAMES = {
    "rydberg": ("Ry", "Ryd", "ryd", "ry", "RY"),
    "hartree": ("Ha", "ha", "HA", "hartree", "Hartree"),
    "ev": ("eV", "ev", "EV"),
}


def length_in_angstrom(name, constants=CODATA_2022):
    """Factor that turns a length in unit `name` into angstrom."""
    factors = {"bohr": constants.bohr, "angstrom": 1.0}
    return factors[_canonical(name, LENGTH_NAMES, "length")]


def energy_in_ev(name, constants=CODATA_2022):
    """Factor that turns an energy in unit `name` into eV."""
    factors = {"rydberg": constants.rydberg, "hartree": constants.hartree, "ev": 1.0}
    return factors[_canonical(name, ENERGY_NAMES, "energy")]


def _canonical(name, names, quantity):
    for canonical, spellings in names.items():
        if name in spellings:
            return canonical
    choices = ", ".join(spelling for group in names.values() for spelling in group)
    raise InputError(f"unknown {quantity} unit {name!r}: expected one of {choices}.")
