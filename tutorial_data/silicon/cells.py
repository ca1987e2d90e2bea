"""The silicon cells: ideal forms, and how they are strained and shaken."""

from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.build import bulk

LATTICE_CONSTANT = 5.432  # angstrom, of the potential
DECIMALS = 8  # what extended XYZ keeps; rounded before labels are computed
VACUUM = 15.0  # angstrom, length of a slab's third cell vector


@dataclass(frozen=True)
class Kind:
    """One kind of structures.

    Attributes:
        ideal: function without arguments that makes the unstrained Atoms.
        strain: largest component of the strain.
        shape: "isotropic", "uniaxial" or "general", which has shear.
        rattle: largest standard deviation of the displacements, angstrom.
        vacancy: whether one atom is left out.
        count: number of structures.
        text: words for the README.
    """

    ideal: callable
    strain: float
    shape: str
    rattle: float
    vacancy: bool
    count: int
    text: str


def primitive():
    """Two atoms; the cell vectors (3.84 angstrom) are shorter than usual cutoffs."""
    return bulk("Si", a=LATTICE_CONSTANT)


def cubic():
    """Eight atoms."""
    return bulk("Si", a=LATTICE_CONSTANT, cubic=True)


def double():
    """Two cubic cells in a row: 16 atoms."""
    return cubic() * (2, 1, 1)


def layers(pbc):
    """Four layers along [001] with the vectors [110]/2, [-110]/2 and a long third one.

    Bonds run along [110] and [-110] in turn, so that two of each atom's four bonds are
    left when the crystal ends in one direction, or in both of [-110] and [001].
    """
    a = LATTICE_CONSTANT
    lengths = np.array([a / np.sqrt(2), a / np.sqrt(2), a])
    scaled = np.array([[0, 0, 0], [2, 0, 1], [2, 2, 2], [0, 2, 3]]) / 4
    cell = np.diag([*lengths[:2], VACUUM])
    return Atoms("Si4", scaled * lengths, cell=cell, pbc=pbc)


def slab():
    """Eight atoms, periodic along x and y."""
    return layers((True, True, False)) * (2, 1, 1)


def wire():
    """Eight atoms, periodic along x; no vectors along y and z."""
    atoms = layers((True, False, False)) * (2, 1, 1)
    atoms.cell[1:] = 0.0
    return atoms


KINDS = {
    "isotropic": Kind(cubic, 0.06, "isotropic", 0.0, False, 12, "all bonds alike"),
    "uniaxial": Kind(cubic, 0.06, "uniaxial", 0.05, False, 36, "along one axis"),
    "triclinic": Kind(cubic, 0.05, "general", 0.08, False, 60, "with shear"),
    "rattled": Kind(cubic, 0.01, "isotropic", 0.12, False, 48, "rattled"),
    "vacancy": Kind(cubic, 0.03, "general", 0.08, True, 24, "an atom less"),
    "primitive": Kind(primitive, 0.05, "general", 0.10, False, 24, "primitive cell"),
    "double": Kind(double, 0.03, "general", 0.08, False, 12, "two cubic cells"),
    "slab": Kind(slab, 0.04, "general", 0.08, False, 24, "slab in the xy plane"),
    "wire": Kind(wire, 0.04, "general", 0.08, False, 12, "wire along x"),
}  # fmt: skip


def configuration(name, index, rng):
    """Structure number `index` of a kind, strained and shaken; no labels.

    The cell and all positions go from r to (1 + e) r, with a symmetric e; after that
    each coordinate moves by a normal deviate whose width is uniform up to `rattle`.
    """
    kind = KINDS[name]
    atoms = kind.ideal()
    atoms.info["name"] = f"{name}_{index:03d}"
    if kind.vacancy:
        del atoms[rng.integers(len(atoms))]
    deformation = np.eye(3) + strain(kind, atoms.pbc, rng)
    displacements = rng.normal(size=(len(atoms), 3)) * rng.uniform(0, kind.rattle)
    atoms.set_cell(np.round(atoms.cell @ deformation, DECIMALS))
    moved = atoms.positions @ deformation + displacements
    atoms.positions = np.round(moved, DECIMALS)
    return atoms


def strain(kind, pbc, rng):
    """(3, 3) symmetric strain without components along aperiodic axes."""
    values = rng.uniform(-kind.strain, kind.strain, size=(3, 3))
    if kind.shape == "isotropic":
        return values[0, 0] * np.eye(3)
    if kind.shape == "uniaxial":
        return values[0, 0] * np.diag(np.eye(3)[rng.integers(3)])
    return (values + values.T) / 2 * np.outer(pbc, pbc)
