"""A model that computes energies, forces and virials, call after call, compiled."""

from dataclasses import dataclass

import numpy as np

from annpot.compiled import compiled, told_when_slow
from annpot.deploy.kernels.packed_model import descriptor_arrays, network_arrays
from annpot.deploy.kernels.pair_list import pair_list, still_holds
from annpot.deploy.kernels.tiles import fill_forces, fill_tiles
from annpot.descriptors.calculator import for_all_atoms
from annpot.elements import SYMBOLS
from annpot.errors import InputError
from annpot.neighbors import SAME_PLACE, neighbor_list
from annpot.structures.batch import structure_batch
from annpot.structures.structure import Structure

ATOMS_PER_TILE = 4
SHARED_FROM = 128  # atoms; fewer are not worth a second thread
SMALL = 10000  # atoms; more take a while with compiled kernels too


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a model says about one structure.

    Attributes:
        atomic_energies: (n_atoms,) eV, with offsets.
        energy: their sum, eV.
        forces: (n_atoms, 3) eV/angstrom.
        virial: (6,) W = -dE/d(strain), eV, in the order xx, yy, zz, yz, xz, xy.
        outside: (n_atoms,) a component of the descriptor that is out of the range of
            training, or -1 where none is.
    """

    atomic_energies: np.ndarray
    energy: float
    forces: np.ndarray
    virial: np.ndarray
    outside: np.ndarray

    @property
    def n_outside(self):
        """Number of atoms whose descriptors are out of the range of training."""
        return int(np.count_nonzero(self.outside >= 0))


class CompiledModel:
    """A Model, and the neighbour list of the structure it saw last.

    Results do not depend on the number of threads, to the last bit.

    Args:
        model: Model.
        threads: number of cores to use; all when None.
        skin: how much further than the cutoff the neighbour list reaches, angstrom;
            more means fewer new lists and more pairs in each.
    """

    def __init__(self, model, threads=None, skin=0.8):
        self.model, self.threads, self.skin = model, threads, skin
        bounds = {element: seen.bounds for element, seen in model.ranges.items()}
        self._descriptor = descriptor_arrays(model.settings)
        self._networks = network_arrays(model.specs, model.weights, bounds)
        self._made_for = None
        self._is_warm = False  # whether kernels were compiled, or loaded
        self.n_lists = 0  # made so far

    def evaluate(self, numbers, positions, cell, pbc):
        """Evaluation of a structure.

        Args:
            numbers: (n_atoms,) int64 atomic numbers.
            positions: (n_atoms, 3) float64, angstrom.
            cell: (3, 3) float64, rows are cell vectors, angstrom.
            pbc: (3,) bool.

        Raises:
            InputError: elements without a network, coordinates that are not numbers,
                cells without volume, atoms at one place.
        """
        structure = numbers, positions, cell, pbc
        if self._is_warm or len(numbers) > SMALL:
            return self._evaluation(structure)
        with told_when_slow():
            found = self._evaluation(structure)
        self._is_warm = True
        return found

    def _evaluation(self, structure):
        numbers, positions, _, _ = structure
        if self._made_for is None or not self._holds(structure):
            self._list(structure)
        if self.threads != 1 and len(numbers) >= SHARED_FROM:
            results = self._shared(structure)
        else:
            results = evaluate(
                positions, self._images, self._tiles, self._pairs, self._ends,
                self._descriptor, self._networks,
            )  # fmt: skip
        closest, *results = results
        if closest <= SAME_PLACE**2:
            # The search of the other programs tells which two atoms.
            neighbor_list(self._batch(structure), self.model.settings.r_cut)
        return Evaluation(*results)

    def _holds(self, structure):
        return still_holds(
            *structure, self.model.settings.r_cut, self._reach, self._made_for,
            self._images,
        )  # fmt: skip

    def _list(self, structure):
        """Make the neighbour list of a structure."""
        self._made_for = None
        batch = self._batch(structure)
        n_species, skin = len(self.model.specs), self.skin
        self._reach = self.model.settings.r_cut + skin
        found = pair_list(batch, n_species, self._reach)
        self._images = found.shifts @ found.cell
        self._tiles = tiles(batch.species, n_species)
        self._pairs = found.first, found.neighbor, found.image
        self._ends = found.atom_first, found.reverse
        self._made_for = (
            structure[0].copy(), found.positions, found.cell, found.pbc,
            found.inverse, found.completion, found.shifts,
        )  # fmt: skip
        self.n_lists += 1

    def _batch(self, structure):
        numbers, positions, cell, pbc = structure
        symbols = tuple(map(_symbol, numbers.tolist()))
        species = self.model.settings.species
        if unknown := sorted(set(symbols) - set(species)):
            raise InputError(
                f"{self.model.folder or 'model'}: no network for "
                f"{', '.join(unknown)}: expected atoms of {', '.join(species)} only. "
                "Remove the other atoms, or train a model that has their elements."
            )
        given = Structure("atoms", symbols, positions, cell, pbc)
        return structure_batch([given], species)

    def _shared(self, structure):
        """What the kernel `evaluate` returns, by several threads."""
        positions, n_atoms = structure[1], len(structure[0])
        geometry = positions, self._images, *self._pairs
        outputs = empty_results(n_atoms, len(self._ends[1]))
        closest = []

        def fill(start, stop):
            found = fill_tiles(
                start, stop, self._tiles, geometry, self._descriptor, self._networks,
                outputs,
            )  # fmt: skip
            closest.append(found)

        def add(start, stop):
            fill_forces(start, stop, *self._ends, outputs[1], forces)

        for_all_atoms(fill, len(self._tiles[1]) - 1, self.threads)
        forces = np.empty((n_atoms, 3))
        for_all_atoms(add, n_atoms, self.threads)
        energies, _, virials, outside = outputs
        return min(closest), energies, *totals(energies, virials, forces), outside


def _symbol(number):
    """Symbol of an atomic number, for messages also of one that no element has."""
    return SYMBOLS[number] if 0 < number < len(SYMBOLS) else f"Z={number}"


def tiles(species, n_species):
    """Atoms by element, and the first of each tile among them.

    Returns:
        atoms (n_atoms,), first (n_tiles + 1,) and species (n_atoms,), all int64.
    """
    atoms = np.argsort(species, kind="stable")
    ends = np.cumsum(np.bincount(species, minlength=n_species))
    starts = np.r_[0, ends[:-1]]
    first = [
        k
        for start, end in zip(starts, ends, strict=True)
        for k in range(start, end, ATOMS_PER_TILE)
    ]
    return atoms, np.array([*first, len(atoms)], np.int64), species


@compiled()
def empty_results(n_atoms, n_pairs):
    """Arrays that `fill_tiles` fills."""
    return (
        np.empty(n_atoms),
        np.empty((n_pairs, 3)),
        np.empty((n_atoms, 6)),
        np.empty(n_atoms, np.int64),
    )


@compiled()
def totals(energies, virials, forces):
    """Sums over the atoms in their order: energy, forces as they are, virial."""
    energy, virial = 0.0, np.zeros(6)
    for i in range(len(energies)):
        energy += energies[i]
        for k in range(6):
            virial[k] += virials[i, k]
    return energy, forces, virial


@compiled(calls=("../descriptors",), nogil=True)
def evaluate(positions, images, tiles, pairs, ends, descriptor, networks):
    """Squared distance of the closest atoms, then the fields of Evaluation."""
    n_atoms = len(positions)
    outputs = empty_results(n_atoms, len(ends[1]))
    geometry = positions, images, pairs[0], pairs[1], pairs[2]
    closest = fill_tiles(
        0, len(tiles[1]) - 1, tiles, geometry, descriptor, networks, outputs
    )
    forces = np.empty((n_atoms, 3))
    fill_forces(0, n_atoms, ends[0], ends[1], outputs[1], forces)
    energy, forces, virial = totals(outputs[0], outputs[2], forces)
    return closest, outputs[0], energy, forces, virial, outputs[3]
