"""Chemical formulas as they are usually written."""

import pytest

from annpot.formula import formula


@pytest.mark.parametrize(
    ("atoms", "expected"),
    [
        ("H C H H H", "CH4"),
        ("H H N H", "NH3"),
        ("H O H", "H2O"),
        ("O C H H C H H H H", "C2H6O"),
        ("N C H", "CHN"),
        ("Cl Na", "NaCl"),
        ("O Si O", "SiO2"),
        ("O Ti Ba O O", "BaTiO3"),
        ("C C C C", "C4"),
    ],
)
def test_formula(atoms, expected):
    assert formula(atoms.split()) == expected
