"""The whole loss of energies, forces and virials, structure by structure in NumPy."""

from dataclasses import dataclass

import numpy as np

from annpot.forces.prediction import predictions

ENERGY = {
    "quad": lambda d, n, p: d**2,
    "exp_quad": lambda d, n, p: np.exp(p * d**2),
    "quad_atom": lambda d, n, p: (d / n) ** 2,
    "quad_std_atom": lambda d, n, p: d**2 / n,
    "exp_quad_atom": lambda d, n, p: np.exp(p * (d / n) ** 2),
}
FORCES = {  # of the errors (n, 3) of a structure
    "quad": lambda d: (d**2).sum(),
    "exp_quad": lambda d: np.exp(d**2).sum(),
    "quad_atom": lambda d: (d**2).sum() / len(d),
    "quad_percomp": lambda d: (d**2).mean(),
}
VIRIALS = {  # of the errors (3, 3) of a structure of n atoms
    "quad": lambda d, n: (d**2).sum(),
    "quad_atom": lambda d, n: ((d / n) ** 2).sum(),
    "quad_std_atom": lambda d, n: (d**2).sum() / n,
    "quad_percomp": lambda d, n: ((d / n) ** 2).mean(),
}
WEIGHTS = {
    None: lambda n: 1,
    "n_atoms": lambda n: n,
    "n_atoms2": lambda n: n**2,
    "3n_atoms": lambda n: 3 * n,
    "3n_atoms2": lambda n: (3 * n) ** 2,
}


@dataclass
class Errors:
    """Errors of the structures that have the label; n: their atoms.

    Attributes:
        energies: list of (d, n), eV.
        forces: list of (d (n, 3), n), eV/angstrom.
        virials: list of (d (3, 3) along periodic directions, n, periodic directions).
    """

    energies: list
    forces: list
    virials: list


def errors_of(potential, structures):
    """Errors of a StructurePotential, network minus reference."""
    found = Errors([], [], [])
    for s, one in zip(structures, predictions(potential, structures), strict=True):
        n = s.n_atoms
        if s.energy is not None:
            found.energies.append((one.energies[0] - s.energy, n))
        if s.forces is not None:
            found.forces.append((one.forces - s.forces, n))
        if s.virial is not None and s.pbc.any():
            d = inside(tensor(one.virials[0] - s.virial), s)
            found.virials.append((d, n, int(s.pbc.sum())))
    return found


def tensor(six):
    """(3, 3) of xx, yy, zz, yz, xz, xy."""
    xx, yy, zz, yz, xz, xy = six
    return np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])


def inside(matrix, structure):
    """Part of a tensor along the periodic directions, by an orthonormal basis."""
    rows = structure.cell[structure.pbc]
    basis = np.linalg.qr(rows.T)[0]  # (3, n_periodic)
    return basis @ (basis.T @ matrix @ basis) @ basis.T


def loss(
    errors,
    loss_function="quad",
    energy_weight=None,
    energy_reduction="mean",
    energy_prefactor=1.0,
    energy_cost=1.0,
    forces_cost=0.0,
    floss_function="quad",
    force_weights=None,
    force_reduction="mean",
    virial_cost=0.0,
    vloss_function="quad_atom",
    virial_weights=None,
    virial_reduction="mean",
):
    """Loss of Errors with the keys of [TRAINING_PARAMETERS]."""
    joined = {"mean": np.mean, "sum": np.sum}
    terms = [
        ENERGY[loss_function](d, n, energy_prefactor) / WEIGHTS[energy_weight](n)
        for d, n in errors.energies
    ]
    total = energy_cost * joined[energy_reduction](terms)
    terms = [
        FORCES[floss_function](d) / WEIGHTS[force_weights](n) for d, n in errors.forces
    ]
    total += forces_cost * joined[force_reduction](terms)
    terms = [
        VIRIALS[vloss_function](d, n) / WEIGHTS[virial_weights](n)
        for d, n, _ in errors.virials
    ]
    return total + virial_cost * joined[virial_reduction](terms)
