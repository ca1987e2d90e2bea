"""All that one checkpoint predicts for a data set, and how far off it is."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from annpot.accuracy import (
    FLOORS,
    Reference,
    accuracy,
    accuracy_by_group,
    errors_per_atom,
)
from annpot.evaluation.batches import Labelled
from annpot.evaluation.virials import in_periodic_directions, stresses
from annpot.networks.checkpoint_files import CheckpointFile
from annpot.wording import counted


@dataclass(frozen=True, eq=False)
class ForceResults:
    """Forces on all atoms of a data set, eV/angstrom.

    Attributes:
        values: Labelled (n_atoms, 3).
        elements: (n_atoms,) symbols.
    """

    values: Labelled
    elements: np.ndarray

    @cached_property
    def accuracy(self):
        """Accuracy over the components of the forces on all labelled atoms."""
        return accuracy(self.values.errors, reference=self._reference)

    @cached_property
    def by_element(self):
        """{symbol: Accuracy}."""
        return accuracy_by_group(self.values.errors, self.elements, self._reference)

    @property
    def _reference(self):
        return Reference(self.values.reference, FLOORS["force"])


@dataclass(frozen=True, eq=False)
class VirialResults:
    """Virials of the periodic structures of a data set, eV.

    Attributes:
        structures: (n,) which structures of the data set these are.
        values: Labelled (n, 6).
        n_atoms: (n,) numbers of atoms.
        cells: (n, 3, 3) cell vectors, angstrom.
        pbc: (n, 3) bool.
    """

    structures: np.ndarray
    values: Labelled
    n_atoms: np.ndarray
    cells: np.ndarray
    pbc: np.ndarray

    @cached_property
    def accuracy(self):
        """Accuracy over the 3 x 3 components in periodic directions, eV/atom."""
        errors, references = (
            in_periodic_directions(x, self.cells, self.pbc) / self.n_atoms[:, None]
            for x in (self.values.errors, self.values.reference)
        )
        reference = Reference(references, FLOORS["virial"])
        return accuracy(errors, self.pbc.sum(axis=1) ** 2, reference)

    @cached_property
    def stress_accuracy(self):
        """Accuracy over 3 x 3 components, GPa, of cells with three directions."""
        errors, references = (
            stresses(x, self.cells, self.pbc)
            for x in (self.values.errors, self.values.reference)
        )
        return accuracy(errors, reference=Reference(references, FLOORS["stress"]))


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What one checkpoint says of a data set; arrays are (n_structures,).

    Attributes:
        checkpoint: CheckpointFile.
        names: keys of the structures, in the order of the data.
        compositions: chemical formulas.
        n_atoms: numbers of atoms.
        e_ref: reference energies, eV; NaN where a structure has none.
        e_nn: energies of the networks with all offsets, eV.
        e_offset: sums of the atoms' offsets, eV.
        forces: ForceResults, or None when not asked for.
        virials: VirialResults, or None without periodic structures.
        notices: one line for each thing worth knowing about the data.
        part: "train", "validation" or "test" where the data are only that part of
            those of the run; None for all.
    """

    checkpoint: CheckpointFile
    names: tuple[str, ...]
    compositions: tuple[str, ...]
    n_atoms: np.ndarray
    e_ref: np.ndarray
    e_nn: np.ndarray
    e_offset: np.ndarray
    forces: ForceResults | None = None
    virials: VirialResults | None = None
    notices: tuple[str, ...] = ()
    part: str | None = None

    @property
    def title(self):
        """What was evaluated: checkpoint and part of the data, in words."""
        return self.checkpoint.name + words_of_part(self.part)

    @property
    def stem(self):
        """How the names of its files begin."""
        name = self.checkpoint.name
        return name if self.part is None else f"{name}_{self.part}"

    @cached_property
    def errors(self):
        """(n_structures,) (E_nn - E_ref) / n_atoms, eV/atom; NaN without label."""
        return errors_per_atom(self.e_nn, self.e_ref, self.n_atoms)

    @cached_property
    def accuracy(self):
        """Accuracy over all structures with an energy."""
        return accuracy(self.errors, reference=self._reference)

    @cached_property
    def by_composition(self):
        """{formula: Accuracy}."""
        return accuracy_by_group(self.errors, self.compositions, self._reference)

    @property
    def _reference(self):
        energies = (self.e_ref - self.e_offset) / self.n_atoms
        return Reference(energies, FLOORS["energy"])

    @cached_property
    def label_notices(self):
        """Lines on labels that are missing and left out of the statistics."""
        n, n_energies = len(self.names), int(np.isfinite(self.e_ref).sum())
        counts = [("structure", "energy", n, n_energies)]
        if self.forces is not None:
            forces = self.forces.values
            counts.append(
                ("atom", "reference force", len(self.forces.elements), forces.n_labels)
            )
        if self.virials is not None:
            virials = self.virials.values
            counts.append(
                (
                    "periodic structure",
                    "virial",
                    len(self.virials.n_atoms),
                    virials.n_labels,
                )
            )
        return tuple(
            f"{total - there} of {counted(total, what)} "
            f"{'has' if total - there == 1 else 'have'} no {label}: nan in the file, "
            "left out of the errors."
            for what, label, total, there in counts
            if there < total
        )


def words_of_part(part):
    """ ", test part" after a name; nothing for None."""
    return "" if part is None else f", {part} part"


def joined(parts):
    """Labelled of all parts (a non-empty list of Labelled), one after the other."""
    return Labelled(
        np.concatenate([part.predicted for part in parts]),
        np.concatenate([part.reference for part in parts]),
    )
