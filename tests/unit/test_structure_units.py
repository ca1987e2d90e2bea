"""Unit constants, and the document that states them."""

import re
from pathlib import Path

import pytest

from annpot import units
from annpot.errors import InputError

CONVENTIONS = Path(__file__).parents[2] / "doc" / "conventions.md"


def test_constants_are_those_of_codata_2022():
    """CODATA 2022: a_0 = 5.29177210544(82)e-11 m, E_h = 27.211386245981(30) eV."""
    assert units.CODATA_2022.bohr == 0.529177210544
    assert units.CODATA_2022.hartree == 27.211386245981
    assert units.CODATA_2022.rydberg == 27.211386245981 / 2


def test_ase_agrees_within_the_digits_of_its_own_release():
    """ASE uses CODATA 2014: the two releases differ by less than 1e-8 relative."""
    import ase.units

    assert units.CODATA_2022.bohr == pytest.approx(ase.units.Bohr, rel=1e-8)
    assert units.CODATA_2022.hartree == pytest.approx(ase.units.Hartree, rel=1e-8)


@pytest.mark.parametrize("constant", ["bohr", "hartree"])
def test_the_document_states_the_constants(constant):
    stated = re.search(rf"\| {constant} \| ([\d.]+) ", CONVENTIONS.read_text())
    assert float(stated.group(1)) == getattr(units.CODATA_2022, constant)


def test_names_of_units():
    assert units.length_in_angstrom("au") == units.CODATA_2022.bohr
    assert units.length_in_angstrom("A") == 1.0
    assert units.energy_in_ev("Ryd") == units.CODATA_2022.rydberg
    with pytest.raises(
        InputError, match=r"unknown length unit 'nm': expected one of au"
    ):
        units.length_in_angstrom("nm")
    with pytest.raises(
        InputError, match="unknown energy unit 'kcal': expected one of Ry"
    ):
        units.energy_in_ev("kcal")
