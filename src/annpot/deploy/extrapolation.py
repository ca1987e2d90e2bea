"""Atoms whose descriptor leaves the range of training: counted, told, refused."""

import logging
from dataclasses import dataclass

import numpy as np

from annpot.descriptors.calculator import descriptors
from annpot.errors import AnnpotError
from annpot.wording import counted

logger = logging.getLogger(__name__)


class ExtrapolationError(AnnpotError):
    """More atoms than allowed had a descriptor that training never saw."""


@dataclass(frozen=True)
class Extrapolation:
    """Where a descriptor left the range of training.

    Attributes:
        n_atoms: number of atoms of the structure for which it did.
        atom: index of the first of them, from 0.
        element: its symbol.
        component: index in its descriptor of the first component that did, and
        name: what that is, see `DescriptorSettings.feature_names`.
        value: of the component.
        minimum, maximum: of the component in training.
    """

    n_atoms: int
    atom: int
    element: str
    component: int
    name: str
    value: float
    minimum: float
    maximum: float

    def __str__(self):
        return (
            f"{counted(self.n_atoms, 'atom')} outside the range of training, the first "
            f"is atom {self.atom} ({self.element}, from 0): component "
            f"{self.component} ({self.name}) = {self.value:.6g}, in training "
            f"{self.minimum:.6g} to {self.maximum:.6g}"
        )


class ExtrapolationGuard:
    """Counts extrapolating atoms over all calls, warns at the first, stops if asked.

    Args:
        model: Model.
        stop_after: number of atoms, over all calls, that are allowed: with more
            `count` raises; None for any number.

    Attributes:
        n_atoms: counted so far.
    """

    def __init__(self, model, stop_after=None):
        self.model, self.stop_after = model, stop_after
        self.n_atoms = 0

    def count(self, structure, outside):
        """Count the extrapolating atoms of a structure.

        Args:
            structure: has symbols, positions, cell and pbc.
            outside: (n_atoms,) component out of range, or -1.

        Raises:
            ExtrapolationError: there were more than `stop_after` of them.
        """
        n = int(np.count_nonzero(outside >= 0))
        if not n:
            return
        is_first, self.n_atoms = self.n_atoms == 0, self.n_atoms + n
        if is_first:
            logger.warning(
                "%s: %s. Energies and forces there are a guess. This is told once.",
                self.model.folder or "model",
                self.described(structure, outside),
            )
        if self.stop_after is not None and self.n_atoms > self.stop_after:
            raise ExtrapolationError(
                f"{self.model.folder or 'model'}: "
                f"{self.described(structure, outside)}. With those of earlier calls "
                f"{self.n_atoms}, stop_after = {self.stop_after}. Train with such "
                "structures, or allow more."
            )

    def described(self, structure, outside):
        """Extrapolation of a structure, None where there is none."""
        where = np.flatnonzero(outside >= 0)
        if not len(where):
            return None
        atom, settings = int(where[0]), self.model.settings
        component, element = int(outside[atom]), structure.symbols[atom]
        seen = self.model.ranges[element]
        (g,) = descriptors([structure], settings, threads=1)
        return Extrapolation(
            n_atoms=len(where),
            atom=atom,
            element=element,
            component=component,
            name=settings.feature_names()[component],
            value=float(g[atom, component]),
            minimum=float(seen.minimum[component]),
            maximum=float(seen.maximum[component]),
        )
