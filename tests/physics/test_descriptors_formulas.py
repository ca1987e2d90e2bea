"""Compiled descriptors against their formulas written as loops, to 1e-12.

Tolerance: values are of order 1 to 10, a sum has at most a few hundred terms, and
x^zeta multiplies the rounding of x by zeta; 1e-12 leaves room for that only.
"""

import numpy as np
import pytest

from annpot.descriptors.calculator import descriptors
from annpot.structures.structure import Structure
from reference.descriptor_cases import SMALL_BP, SMALL_MBP, settings_of
from reference.numpy_symmetry_functions import behler_parrinello, modified_bp

SPECIES = ("H", "C", "O")
SKEWED = np.array([[3.0, 0.4, 0.0], [-1.1, 3.4, 0.3], [0.5, 1.2, 2.8]])


def placed(symbols, positions, cell=None, pbc=(False, False, False)):
    cell = np.zeros((3, 3)) if cell is None else np.where(np.c_[list(pbc)], cell, 0.0)
    return Structure("case", tuple(symbols), np.array(positions), cell, np.array(pbc))


def scattered(symbols, cell=None, pbc=(False, False, False), seed=3):
    """Atoms near a grid 1.1 angstrom wide, some moved out of the cell."""
    rng = np.random.default_rng(seed)
    grid = np.indices((3, 3, 3)).reshape(3, -1).T[: len(symbols)] * 1.1
    positions = grid + rng.uniform(-0.2, 0.2, (len(symbols), 3))
    if cell is not None:
        inside = np.where(np.c_[list(pbc)], cell, 0.0)
        positions = positions + rng.integers(-1, 2, (len(symbols), 3)) @ inside
    return placed(symbols, positions, cell, pbc)


CASES = {
    "molecule": scattered("CHHOH"),
    "absent species": scattered("HHH"),
    "lone atom": placed("O", [[0.3, 0.2, 0.1]]),
    "collinear": placed("OCO", [[-1.2, 0, 0], [0, 0, 0], [1.2, 0, 0]]),
    "at the cutoffs": placed("HCO", [[0, 0, 0], [4.6, 0, 0], [0, 3.1, 0]]),
    "periodic, wider than the cutoff": scattered("CHHOHC", SKEWED * 3, (True,) * 3),
    "skewed, smaller than the cutoff": scattered("CHO", SKEWED, (True,) * 3),
    "one atom and its images": placed("C", [[9.0, -7.0, 1.0]], SKEWED, (True,) * 3),
    "slab": scattered("CHOH", SKEWED, (True, False, True)),
    "chain": scattered("CHOH", SKEWED, (False, True, False)),
}
MBP = {
    "generation 0": (SMALL_MBP, 0),
    "generation 1": (SMALL_MBP, 1),
    "generation 2": (SMALL_MBP, 2),
    "generation 3": (SMALL_MBP, 3),
    "real exponents": (SMALL_MBP | {"zeta": (7.5, 20.25, 1.0)}, 3),
    "mixed exponents": (SMALL_MBP | {"zeta": (50.0, 3.0, 8.0)}, 3),
    "lists": (SMALL_MBP | {"eta_rad": (1.0, 3.0, 9.0), "eta_ang": (1.0, 4.0)}, 3),
    "angular reaches further": (SMALL_MBP | {"rc_rad": 2.6, "rc_ang": 3.6}, 3),
}


def agree(got, expected):
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


def in_words(numbers, generation):
    """The same numbers with the centres spelt out."""
    n_rad, n_ang, n_theta = (numbers[k] for k in ("rsn_rad", "rsn_ang", "thetasn"))
    return {
        "rc_rad": numbers["rc_rad"],
        "rc_ang": numbers["rc_ang"],
        "centres_rad": numbers["rs0_rad"]
        + np.arange(n_rad) * (numbers["rc_rad"] - numbers["rs0_rad"]) / n_rad,
        "centres_ang": numbers["rs0_ang"]
        + np.arange(n_ang) * (numbers["rc_ang"] - numbers["rs0_ang"]) / n_ang,
        "eta_rad": np.broadcast_to(numbers["eta_rad"], n_rad),
        "eta_ang": np.broadcast_to(numbers["eta_ang"], n_ang),
        "n_theta": n_theta,
        "zeta": np.broadcast_to(numbers["zeta"], n_theta),
        "generation": generation,
    }


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("form", MBP)
def test_modified_bp(case, form):
    structure, (numbers, generation) = CASES[case], MBP[form]
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
