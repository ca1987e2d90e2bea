"""Energy, forces and stress of silicon by Tersoff's classical potential."""

import numpy as np
from ase.calculators.tersoff import Tersoff, TersoffParameters

# J. Tersoff, Phys. Rev. B 38, 9902 (1988), the parameters called Si(C). R and D are the
# middle and the half width of the cutoff, angstrom; A and B in eV; lambda1, lambda2 and
# lambda3 in 1/angstrom; gamma = 1 and m = 3 give the form of that paper.
SILICON = TersoffParameters(
    m=3.0,
    gamma=1.0,
    lambda3=1.7322,
    c=1.0039e5,
    d=16.218,
    h=-0.59826,
    n=0.78734,
    beta=1.0999e-6,
    lambda2=1.7322,
    B=471.18,
    R=2.85,
    D=0.15,
    lambda1=2.4799,
    A=1830.8,
)
CUTOFF = SILICON.R + SILICON.D


def calculator():
    """ASE calculator of the potential."""
    return Tersoff({("Si", "Si", "Si"): SILICON}, skin=0.0)


def label(atoms):
    """Energy, forces and, where the cell is periodic in three directions, stress.

    Args:
        atoms: ase.Atoms of silicon.

    Returns:
        (energy, forces, stress): eV; (n_atoms, 3), eV/angstrom; (6,), eV/angstrom^3 in
        the order xx, yy, zz, yz, xz, xy, tension positive, or None.

    Raises:
        ValueError: an atom has less than two neighbours; the derivative of its bond
            order is infinite.
    """
    atoms = atoms.copy()
    atoms.calc = calculator()
    try:
        forces = atoms.get_forces()
    except ZeroDivisionError:
        raise ValueError(f"{atoms.info['name']}: an atom with one neighbour") from None
    stress = atoms.get_stress() if atoms.pbc.all() else None
    if not np.isfinite(forces).all():
        raise ValueError(f"{atoms.info['name']}: forces are not finite")
    return atoms.get_potential_energy(), forces, stress
