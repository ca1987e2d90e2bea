"""Energies, forces and virials of structures by networks, in NumPy and float64."""

from dataclasses import dataclass

import numpy as np

from annpot.descriptors.calculator import ATOMS_PER_CALL, batch_descriptors, calls
from annpot.descriptors.definition import DescriptorSettings
from annpot.descriptors.derivative_pieces import derivative_pieces
from annpot.errors import InputError
from annpot.forces.contraction import add_forces, atomic_virials
from annpot.networks.architecture import LayerWeights, NetworkSpec
from annpot.networks.numpy_potential import (
    atomic_energies,
    atomic_energies_and_gradients,
)
from annpot.structures.batch import structure_batch


@dataclass(frozen=True, eq=False)
class StructurePotential:
    """Networks together with the descriptor that they were made for.

    Attributes:
        settings: DescriptorSettings; its species are the elements of `specs`.
        specs: NetworkSpec of each element.
        weights: {element: LayerWeights of each layer}.
        dtype: precision of the networks; everything else is float64.
    """

    settings: DescriptorSettings
    specs: tuple[NetworkSpec, ...]
    weights: dict[str, tuple[LayerWeights, ...]]
    dtype: type = np.float64

    def __post_init__(self):
        """Refuse networks of other elements, or of another descriptor length."""
        elements = tuple(spec.element for spec in self.specs)
        if elements != self.settings.species:
            raise InputError(
                f"descriptor settings: species {', '.join(self.settings.species)}, but "
                f"there are networks of {', '.join(elements)}: expected the same "
                "elements in the same order. Give the settings that the networks "
                "were trained with."
            )
        sizes = {spec.n_features for spec in self.specs}
        if sizes != {self.settings.n_features}:
            raise InputError(
                f"descriptor settings: {self.settings.n_features} descriptors per "
                f"atom, but the networks take {', '.join(map(str, sorted(sizes)))}. "
                "Give the settings that the networks were trained with."
            )

    @property
    def networks(self):
        """(specs, weights, dtype), as `annpot.networks.numpy_potential` takes them."""
        return self.specs, self.weights, self.dtype


@dataclass(frozen=True, eq=False)
class Prediction:
    """What networks say about the structures of a batch.

    Attributes:
        energies: (n_structures,) total energies with all offsets, eV.
        atomic_energies: (n_atoms,) energies of the atoms, offsets included, eV; their
            sums are the energies.
        forces: (n_atoms, 3) F = -dE/dr, eV/angstrom; None when not asked for.
        virials: (n_structures, 6) W = -dE/d(strain), eV, in the order xx, yy, zz,
            yz, xz, xy; None when not asked for.
        at_kink: (n_structures,) bool, whether collinear atoms put a descriptor that
            has kinks on one (see `DescriptorDerivatives.n_collinear`).
    """

    energies: np.ndarray
    atomic_energies: np.ndarray
    forces: np.ndarray | None = None
    virials: np.ndarray | None = None
    at_kink: np.ndarray | None = None


def predict_batch(potential, batch, with_forces=True, with_virials=True, threads=None):
    """Prediction for a StructureBatch; memory does not grow with the derivatives.

    Args:
        potential: StructurePotential.
        batch: StructureBatch made with the species of the potential's settings.
        with_forces, with_virials: what to compute besides the energies; without
            both no derivative is computed.
        threads: number of cores for the descriptors; all when None.

    Raises:
        InputError: cells without volume, atoms at one place.
    """
    settings, networks = potential.settings, potential.networks
    n, n_atoms = batch.n_structures, len(batch.positions)
    owner = np.repeat(np.arange(n), np.diff(batch.first))
    if not (with_forces or with_virials):
        g = batch_descriptors(batch, settings, threads=threads)
        per_atom = atomic_energies(g, batch.species, *networks)
        return Prediction(_sums(per_atom, owner, n), per_atom)
    per_atom, at_kink = np.zeros(n_atoms), np.zeros(n_atoms, bool)
    forces = np.zeros((n_atoms, 3)) if with_forces else None
    virials = np.zeros((n_atoms, 6)) if with_virials else None
    for atoms, g, found in derivative_pieces(batch, settings, threads, with_virials):
        per_atom[atoms], gradients = atomic_energies_and_gradients(
            g, batch.species[atoms], *networks
        )
        at_kink[atoms] = settings.has_kinks and found.n_collinear > 0
        if with_forces:
            add_forces(forces, gradients, found, threads)
        if with_virials:
            virials[atoms] = atomic_virials(gradients, found.strain)
    return Prediction(
        energies=_sums(per_atom, owner, n),
        atomic_energies=per_atom,
        forces=forces,
        virials=None if virials is None else _sums(virials, owner, n),
        at_kink=_sums(at_kink, owner, n) > 0,
    )


def predictions(potential, structures, **options):
    """Prediction of each structure, in order.

    Args:
        potential: StructurePotential.
        structures: sequence of objects with symbols, positions (n_atoms, 3), cell
            (3, 3) and pbc (3,), angstrom; for example Structure or ase.Atoms.
        options: with_forces, with_virials and threads of `predict_batch`.

    Raises:
        InputError: unknown elements, coordinates that are not numbers, cells
            without volume, atoms at one place.
    """
    structures = list(structures)
    sizes = [len(structure.positions) for structure in structures]
    for start, stop in calls(sizes, ATOMS_PER_CALL):
        batch = structure_batch(structures[start:stop], potential.settings.species)
        found = predict_batch(potential, batch, **options)
        for s in range(batch.n_structures):
            yield _of_structure(found, s, slice(batch.first[s], batch.first[s + 1]))


def _of_structure(found, s, atoms):
    of = slice(s, s + 1)
    return Prediction(
        energies=found.energies[of],
        atomic_energies=found.atomic_energies[atoms],
        forces=None if found.forces is None else found.forces[atoms],
        virials=None if found.virials is None else found.virials[of],
        at_kink=None if found.at_kink is None else found.at_kink[of],
    )


def _sums(values, owner, n):
    """Sums over the atoms of each of n structures of (n_atoms, ...) values."""
    columns = values.reshape(len(values), -1).T
    sums = [np.bincount(owner, column, n) for column in columns]
    return np.stack(sums, axis=1).reshape(n, *values.shape[1:])
