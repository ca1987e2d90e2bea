"""A data set of structures in memory: positions and labels, without descriptors."""

from dataclasses import dataclass

import numpy as np

from annpot.structures.batch import StructureBatch, structure_batch
from annpot.structures.structure import Structure

STRUCTURES_TOGETHER = 256


@dataclass(frozen=True, eq=False)
class StructureSet:
    """All structures of a source; atoms one after another.

    Attributes:
        batch: StructureBatch of all of them.
        energies: (n_structures,) total energies, eV; NaN where there is none.
        forces: (n_atoms, 3) eV/angstrom; NaN where there are none.
        virials: (n_structures, 6) eV; NaN where there is none.
        n_species: number of elements.
    """

    batch: StructureBatch
    n_species: int
    energies: np.ndarray
    forces: np.ndarray
    virials: np.ndarray

    def __len__(self):
        return len(self.energies)

    @property
    def n_atoms(self):
        """(n_structures,) atoms of each structure."""
        return np.diff(self.batch.first)

    @property
    def element_counts(self):
        """(n_structures, n_species) atoms of each element."""
        owner = np.repeat(np.arange(len(self)), self.n_atoms)
        flat = np.bincount(
            owner * self.n_species + self.batch.species,
            minlength=len(self) * self.n_species,
        )
        return flat.reshape(len(self), self.n_species)

    def __iter__(self):
        """Iterate over the structures as Structure objects, absent labels None."""
        batch = self.batch
        for s, name in enumerate(batch.names):
            atoms = slice(batch.first[s], batch.first[s + 1])
            yield Structure(
                name=name,
                symbols=batch.symbols[s],
                positions=batch.positions[atoms],
                cell=batch.cells[s],
                pbc=batch.pbc[s],
                energy=_label(self.energies[s]),
                forces=_label(self.forces[atoms]),
                virial=_label(self.virials[s]),
            )

    def chosen(self, keep):
        """StructureSet of the structures where `keep` (n_structures,) is true."""
        records = np.flatnonzero(keep)
        return StructureSet(
            batch=selected(self.batch, records),
            n_species=self.n_species,
            energies=self.energies[records],
            forces=self.forces[np.repeat(keep, self.n_atoms)],
            virials=self.virials[records],
        )

    def parts(self, n_atoms):
        """(records, StructureBatch) of consecutive structures of about n_atoms."""
        start = 0
        while start < len(self):
            reach = self.batch.first[start] + n_atoms
            stop = int(np.searchsorted(self.batch.first, reach, side="right")) - 1
            stop = min(max(stop, start + 1), len(self))
            records = np.arange(start, stop)
            yield records, selected(self.batch, records)
            start = stop


def _label(values):
    return None if np.isnan(values).any() else values


def read_structure_set(source, species, advance):
    """StructureSet of a StructureSource.

    Args:
        source: StructureSource, or any iterable of Structure.
        species: symbols in the order that numbers them.
        advance: called with the number of structures after each part.

    Raises:
        InputError: whatever reading finds wrong.
    """
    parts, energies, forces, virials = [], [], [], []

    def close(structures):
        parts.append(structure_batch(structures, species))
        for structure in structures:
            missing = np.full((structure.n_atoms, 3), np.nan)
            energies.append(np.nan if structure.energy is None else structure.energy)
            forces.append(missing if structure.forces is None else structure.forces)
            lacking = structure.virial is None
            virials.append(np.full(6, np.nan) if lacking else structure.virial)
        advance(len(structures))

    waiting = []
    for structure in source:
        waiting.append(structure)
        if len(waiting) == STRUCTURES_TOGETHER:
            close(waiting)
            waiting = []
    if waiting or not parts:
        close(waiting)
    return StructureSet(
        batch=joined(parts),
        n_species=len(species),
        energies=np.array(energies, np.float64),
        forces=np.concatenate(forces) if forces else np.empty((0, 3)),
        virials=np.array(virials, np.float64).reshape(-1, 6),
    )


def joined(parts):
    """One StructureBatch of several."""
    shifts = np.cumsum([0] + [part.first[-1] for part in parts])
    first = [
        part.first[:-1] + shift for part, shift in zip(parts, shifts, strict=False)
    ]
    return StructureBatch(
        names=[name for part in parts for name in part.names],
        symbols=[symbols for part in parts for symbols in part.symbols],
        positions=np.concatenate([part.positions for part in parts]),
        species=np.concatenate([part.species for part in parts]),
        first=np.concatenate([*first, shifts[-1:]]),
        cells=np.concatenate([part.cells for part in parts]),
        pbc=np.concatenate([part.pbc for part in parts]),
    )


def selected(batch, records):
    """StructureBatch of some structures of another, in the given order."""
    counts = np.diff(batch.first)[records]
    first = np.concatenate([[0], np.cumsum(counts)])
    atoms = np.repeat(batch.first[records] - first[:-1], counts) + np.arange(first[-1])
    return StructureBatch(
        names=[batch.names[r] for r in records],
        symbols=[batch.symbols[r] for r in records],
        positions=batch.positions[atoms],
        species=batch.species[atoms],
        first=first,
        cells=batch.cells[records],
        pbc=batch.pbc[records],
    )
