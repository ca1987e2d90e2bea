"""Numbers of a descriptor as an INI file gives them, and structures to describe."""

from types import SimpleNamespace

import numpy as np

from annpot.descriptors.settings import descriptor_settings
from annpot.structures.structure import Structure
from annpot.units import CODATA_2022, UnitConstants

# What PANNA works with: an older CODATA, rounded to float32.
PANNA_CONSTANTS = UnitConstants(
    bohr=float(np.float32(0.52917721067)),
    hartree=2 * float(np.float32(13.6056980659)),
)
SMALL_MBP = {
    "rc_rad": 4.6, "rs0_rad": 0.5, "rsn_rad": 3, "eta_rad": 3.0,
    "rc_ang": 3.1, "rs0_ang": 0.4, "rsn_ang": 2, "eta_ang": 2.0,
    "thetasn": 3, "zeta": 5.0,
}  # fmt: skip
TUTORIAL_MBP = {
    "rc_rad": 4.6, "rs0_rad": 0.5, "rsn_rad": 16, "eta_rad": 16.0,
    "rc_ang": 3.1, "rs0_ang": 0.5, "rsn_ang": 4, "eta_ang": 16.0,
    "thetasn": 8, "zeta": 50.0,
}  # fmt: skip
SMALL_BP = {
    "rc_rad": 4.6, "rs0_rad": 0.0, "rsn_rad": 2, "eta_rad": (0.3, 1.5),
    "rc_ang": 3.4, "eta_ang": (0.02, 0.2), "zeta": (1.0, 4.0),
}  # fmt: skip


def configuration(species, numbers, kind="mBP", generation=None):
    """The two sections that descriptor_settings reads."""
    return SimpleNamespace(
        symmetry_function=SimpleNamespace(
            type=kind, species=tuple(species), mbp_generation=generation
        ),
        gvect_parameters=SimpleNamespace(**numbers),
    )


def settings_of(species, numbers, constants=CODATA_2022, **options):
    """DescriptorSettings of `species` (a list, or one-letter symbols as a word)."""
    return descriptor_settings(configuration(species, numbers, **options), constants)


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


SPECIES = ("H", "C", "O")
SKEWED = np.array([[3.0, 0.4, 0.0], [-1.1, 3.4, 0.3], [0.5, 1.2, 2.8]])


def placed(symbols, positions, cell=None, pbc=(False, False, False)):
    """Structure whose cell vectors are 0 where it does not repeat."""
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
FORMS = {  # of mBP: (numbers, generation)
    "generation 0": (SMALL_MBP, 0),
    "generation 1": (SMALL_MBP, 1),
    "generation 2": (SMALL_MBP, 2),
    "generation 3": (SMALL_MBP, 3),
    "real exponents": (SMALL_MBP | {"zeta": (7.5, 20.25, 1.0)}, 3),
    "mixed exponents": (SMALL_MBP | {"zeta": (50.0, 3.0, 8.0)}, 3),
    "lists": (SMALL_MBP | {"eta_rad": (1.0, 3.0, 9.0), "eta_ang": (1.0, 4.0)}, 3),
    "angular reaches further": (SMALL_MBP | {"rc_rad": 2.6, "rc_ang": 3.6}, 3),
}
