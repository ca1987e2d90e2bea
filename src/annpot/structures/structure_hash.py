"""A short text that changes when a structure does."""

import hashlib

import numpy as np


def structure_hash(
    structure, with_per_atom_energy, with_forces=False, with_virial=False
):
    """sha256 of what descriptors and their energies are made of.

    Symbols, positions, cell, periodicity and energy; the charge is not part of it.

    Args:
        structure: Structure.
        with_per_atom_energy: whether energies of single atoms are stored too.
        with_forces: whether forces are.
        with_virial: whether the virial is.

    A label that is stored but absent counts as NaN.
    """
    digest = hashlib.sha256(" ".join(structure.symbols).encode())
    numbers = [structure.positions, structure.cell, structure.pbc, structure.energy]
    if with_per_atom_energy:
        numbers.append(structure.per_atom_energy)
    if with_forces:
        numbers.append(structure.forces)
    if with_virial:
        numbers.append(structure.virial)
    for values in numbers:
        # Adding zero makes -0.0 and 0.0 equal.
        digest.update((np.asarray(values, "<f8") + 0.0).tobytes())
    return digest.hexdigest()
