"""Compiled descriptors against their formulas written as loops, to 1e-12.

Tolerance: values are of order 1 to 10, a sum has at most a few hundred terms, and
x^zeta multiplies the rounding of x by zeta; 1e-12 leaves room for that only.
"""

import numpy as np
import pytest

from annpot.descriptors.calculator import descriptors
from reference.descriptor_cases import (
    CASES,
    FORMS,
    SMALL_BP,
    SMALL_MBP,
    SPECIES,
    in_words,
    placed,
    settings_of,
)
from reference.numpy_symmetry_functions import behler_parrinello, modified_bp


def agree(got, expected):
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("form", FORMS)
def test_modified_bp(case, form):
    structure, (numbers, generation) = CASES[case], FORMS[form]
    settings = settings_of(SPECIES, numbers, generation=generation)
    expected = modified_bp(
        structure.symbols, structure.positions, structure.cell, structure.pbc,
        SPECIES, in_words(numbers, generation),
    )  # fmt: skip
    agree(descriptors([structure], settings)[0], expected)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("zeta", [(1.0, 4.0), (1.5, 16.0)])
def test_behler_parrinello(case, zeta):
    structure, numbers = CASES[case], SMALL_BP | {"zeta": zeta}
    step = numbers["rc_rad"] / numbers["rsn_rad"]
    expected = behler_parrinello(
        structure.symbols, structure.positions, structure.cell, structure.pbc,
        SPECIES, numbers | {"centres_rad": np.arange(numbers["rsn_rad"]) * step},
    )  # fmt: skip
    got = descriptors([structure], settings_of(SPECIES, numbers, kind="BP"))[0]
    agree(got, expected)


def test_values_of_a_right_angle_by_hand():
    """Neighbours at 1 and 2 angstrom under 90 degrees, one function of each kind."""
    structure = placed("OHC", [[0, 0, 0], [1.0, 0, 0], [0, 2.0, 0]])
    numbers = {
        "rc_rad": 4.0, "rs_rad_list": (1.5,), "eta_rad": 2.0,
        "rc_ang": 4.0, "rs_ang_list": (1.0,), "eta_ang": 3.0,
        "thetas_list": (60.0,), "zeta": 2.0,
    }  # fmt: skip
    g = descriptors([structure], settings_of("HCO", numbers, generation=1))[0][0]
    f_1, f_2 = 0.5 + 0.5 * np.cos(np.pi / 4), 0.5
    assert g[0] == pytest.approx(np.exp(-0.5) * f_1)
    assert g[1] == pytest.approx(np.exp(-0.5) * f_2)
    cos_30 = np.sqrt(3) / 2  # 90 degrees, less the centre at 60
    h_c = 2 * ((1 + cos_30) / 2) ** 2 * np.exp(-3 * 0.25) * f_1 * f_2
    assert g[3 + 1] == pytest.approx(h_c)
    assert np.count_nonzero(g) == 3


def test_bp_forgets_pairs_whose_atoms_are_apart():
    """f_c(r_jk) is 0 beyond the cutoff: no angular part though both are near."""
    apart = placed("OHH", [[0, 0, 0], [2.0, 0, 0], [-2.0, 0, 0]])
    numbers = SMALL_BP | {"rc_ang": 3.4}
    settings = settings_of("HO", numbers, kind="BP")
    central = descriptors([apart], settings)[0][0]
    assert not central[settings.n_radial_features :].any()
    together = placed("OHH", [[0, 0, 0], [2.0, 0, 0], [0, 2.0, 0]])
    assert descriptors([together], settings)[0][0][settings.n_radial_features :].any()


def test_ani_constants_scale_the_cosine_and_the_radial_part():
    structure, ani = CASES["molecule"], {"cosine_scale": 0.95, "radial_prefactor": 0.25}
    plain = settings_of(SPECIES, SMALL_MBP, generation=1)
    scaled = settings_of(SPECIES, SMALL_MBP | ani, generation=1)
    n = plain.n_radial_features
    a, b = (descriptors([structure], s)[0] for s in (plain, scaled))
    agree(b[:, :n], 0.25 * a[:, :n])
    assert abs(b[:, n:] - a[:, n:]).max() > 1e-3
