"""Do forces and energies belong together? A test of units and signs.

Between two configurations of the same atoms that are close to each other

    E_2 - E_1 = - (F_1 + F_2) / 2 . (r_2 - r_1) + O(|r_2 - r_1|^3),

the trapezoidal rule. A wrong unit multiplies the right-hand side by one number for all
pairs; noise, different cells or large distances scatter the ratio instead.
"""

from dataclasses import dataclass
from itertools import islice

import numpy as np

from annpot import units

MOST_STRUCTURES = 3000
MOST_ATOMS = 300_000  # of all structures that are looked at; 15 MB
MOST_COMPARED = 500  # structures of one group that are compared each with each
FEWEST_PAIRS = 8
FARTHEST = 0.3  # angstrom, largest displacement of an atom between two neighbours
MOST_PAIRS = 300  # the closest ones
SCATTER = 0.25  # a pair agrees with the median when its ratio differs by less
AGREEING = 0.6  # this share of the work has to agree
RIGHT = (1 / 1.5, 1.5)  # ratios that raise no suspicion
NAMED_WITHIN = 0.12  # of a unit's own ratio
_LENGTH, _HARTREE = units.CODATA_2022.bohr, units.CODATA_2022.hartree
_KCAL_PER_MOL = 4184 / 96485.33212  # eV; 1 eV = 96485.33212 J/mol
# What 1 of a unit is in eV/angstrom: the ratio when forces have it.
LIKELY_UNITS = {
    "eV/bohr": 1 / _LENGTH,
    "Ha/bohr": _HARTREE / _LENGTH,
    "Ry/bohr": _HARTREE / 2 / _LENGTH,
    "Ha/angstrom": _HARTREE,
    "Ry/angstrom": _HARTREE / 2,
    "kcal/mol/angstrom": _KCAL_PER_MOL,
    "kJ/mol/angstrom": _KCAL_PER_MOL / 4.184,
    "meV/angstrom": 1e-3,
}


@dataclass(frozen=True)
class Agreement:
    """How energy differences compare with the work of the forces.

    Attributes:
        n_pairs: pairs of neighbouring configurations.
        ratio: median of dE / (work), weighted by the work; 1 for consistent labels.
        agreeing: share of the work whose ratio is that of the median.
    """

    n_pairs: int
    ratio: float
    agreeing: float

    @property
    def tells(self):
        """Whether there are enough pairs that say the same."""
        return self.n_pairs >= FEWEST_PAIRS and self.agreeing >= AGREEING


def unit_warning(structures):
    """Warning where forces look like another unit or sign than energies; else None.

    Args:
        structures: iterable of Structure, labels taken as eV and eV/angstrom; those
            without energy or forces are passed over, and only the first 3000 are used.
    """
    found = agreement(structures)
    if not found.tells or RIGHT[0] < found.ratio < RIGHT[1]:
        return None
    return (
        f"The forces do not fit the energies: between neighbouring configurations "
        f"({found.n_pairs} pairs) the energy changes by {found.ratio:.4g} times the "
        f"work of the forces, expected 1. {_explained(found.ratio)}"
    )


def agreement(structures):
    """Agreement of the energies and forces of structures, see `unit_warning`."""
    changes = [_pair_changes(group) for group in _groups(structures)]
    distance, difference, work = np.concatenate([np.zeros((3, 0)), *changes], axis=1)
    closest = np.argsort(distance, kind="stable")[:MOST_PAIRS]
    difference, work = difference[closest], work[closest]
    if not len(work):
        return Agreement(0, np.nan, 0.0)
    ratios, weights = difference / work, np.abs(work)
    median = _weighted_median(ratios, weights)
    agree = np.abs(ratios - median) < SCATTER * abs(median)
    return Agreement(len(work), median, float(weights[agree].sum() / weights.sum()))


def _explained(ratio):
    """What a ratio makes likely, and what to do."""
    if RIGHT[0] < -ratio < RIGHT[1]:
        return "They look like gradients, not forces: multiply them by -1."
    name = min(LIKELY_UNITS, key=lambda x: abs(np.log(abs(ratio) / LIKELY_UNITS[x])))
    factor = np.sign(ratio) * LIKELY_UNITS[name]
    if abs(ratio / factor - 1) > NAMED_WITHIN:
        return "Check the units of energies (eV) and forces (eV/angstrom)."
    what = "forces" if ratio > 0 else "gradients, not forces,"
    return (
        f"They look like {what} in {name}: multiply them by {factor:.6g} for "
        "eV/angstrom, or check the unit of the energies."
    )


def _groups(structures):
    """Lists of labelled structures that differ in their positions only."""
    groups, n_atoms = {}, 0
    for structure in islice(structures, MOST_STRUCTURES):
        if structure.energy is None or structure.forces is None:
            continue
        n_atoms += structure.n_atoms
        if n_atoms > MOST_ATOMS and groups:
            break
        cell = np.round(structure.cell, 6) + 0.0  # no minus zero in the key
        key = structure.symbols, cell.tobytes(), structure.pbc.tobytes()
        groups.setdefault(key, []).append(structure)
    return [group for group in groups.values() if len(group) > 1]


def _pair_changes(group):
    """(3, n_pairs): distance, energy difference and work of near pairs of a group."""
    first = group[0]
    moved = np.array([s.positions for s in group]) - first.positions
    moved = _nearest_images(moved, first)
    moved -= moved.mean(axis=1, keepdims=True)  # translations do no work
    forces = np.array([s.forces for s in group])
    energies = np.array([s.energy for s in group])
    i, j = _near_pairs(moved.reshape(len(group), -1))
    step = _nearest_images(moved[j] - moved[i], first)  # (n_pairs, n_atoms, 3)
    distance = np.sqrt((step**2).sum(axis=2).max(axis=1))
    work = -((forces[i] + forces[j]) / 2 * step).sum(axis=(1, 2))
    near = (distance < FARTHEST) & (work != 0) & np.isfinite(work)
    return np.array([distance, energies[j] - energies[i], work])[:, near]


def _near_pairs(points):
    """Pairs of points that may be close: neighbours in the file and nearest ones.

    Args:
        points: (n_structures, 3 n_atoms), angstrom.

    Returns:
        (2, n_pairs) indices i < j, each pair once. The nearest one is searched among
        500 of the points.
    """
    n_points = len(points)
    file_order = np.stack([np.arange(n_points - 1), np.arange(1, n_points)])
    chosen = np.unique(np.linspace(0, n_points - 1, MOST_COMPARED).astype(int))
    some = points[chosen]
    squares = (some**2).sum(axis=1)
    distances = squares[:, None] + squares - 2 * some @ some.T
    np.fill_diagonal(distances, np.inf)
    nearest = np.stack([chosen, chosen[distances.argmin(axis=1)]])
    return np.unique(np.sort(np.hstack([file_order, nearest]), axis=0), axis=1)


def _nearest_images(vectors, structure):
    """Vectors (..., 3), each less the lattice vector that is nearest to it."""
    if not structure.pbc.any():
        return vectors
    cell = np.where(structure.pbc[:, None], structure.cell, 0.0)
    return vectors - np.round(vectors @ np.linalg.pinv(cell)) @ cell


def _weighted_median(values, weights):
    order = np.argsort(values, kind="stable")
    cumulated = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(cumulated, cumulated[-1] / 2)])
