"""Many structures as a few flat arrays, the form that compiled code works on."""

from dataclasses import dataclass

import numpy as np

from annpot.errors import InputError


@dataclass(frozen=True, eq=False)
class StructureBatch:
    """Atoms of several structures, one structure after the other.

    Attributes:
        names: name of each structure, for messages.
        symbols: chemical symbols of each structure, for messages.
        positions: (n_atoms, 3) float64, angstrom.
        species: (n_atoms,) int64, index in the list of species.
        first: (n_structures + 1,) int64; atoms first[s]:first[s + 1] are those of
            structure s.
        cells: (n_structures, 3, 3) float64, rows are cell vectors, angstrom.
        pbc: (n_structures, 3) bool.
    """

    names: list
    symbols: list
    positions: np.ndarray
    species: np.ndarray
    first: np.ndarray
    cells: np.ndarray
    pbc: np.ndarray

    @property
    def n_structures(self):
        """Number of structures."""
        return len(self.names)


def structure_batch(structures, species):
    """Join structures into one batch.

    Args:
        structures: sequence of objects with symbols, positions, cell and pbc;
            a name, where there is one, is used in messages.
        species: symbols in the order that numbers them.

    Raises:
        InputError: an element that is not in `species`, or a coordinate or cell
            vector that is not a finite number; all such structures at once.
    """
    names = [getattr(s, "name", f"structure {k}") for k, s in enumerate(structures)]
    symbols = [tuple(structure.symbols) for structure in structures]
    first = np.zeros(len(symbols) + 1, dtype=np.int64)
    np.cumsum([len(group) for group in symbols], out=first[1:])
    batch = StructureBatch(
        names=names,
        symbols=symbols,
        positions=_joined([s.positions for s in structures], float).reshape(-1, 3),
        species=_joined(_species_indices(names, symbols, tuple(species)), np.int64),
        first=first,
        cells=_joined([s.cell for s in structures], float).reshape(-1, 3, 3),
        pbc=_joined([s.pbc for s in structures], bool).reshape(-1, 3),
    )
    _require_finite(batch)
    return batch


def _joined(arrays, dtype):
    """One array of `dtype`; also of no arrays at all."""
    return np.concatenate(arrays, dtype=dtype) if arrays else np.empty(0, dtype)


def _species_indices(names, symbols, species):
    """Species indices of each structure; equal compositions share one array."""
    index = {symbol: k for k, symbol in enumerate(species)}
    known, problems = {}, []
    for name, group in zip(names, symbols, strict=True):
        if group in known:
            continue
        unknown = sorted(set(group) - set(index))
        if unknown:
            problems.append(
                f"{name}: element {', '.join(unknown)} found, expected only "
                f"{', '.join(species)}. Add it to the species of the descriptor or "
                "leave this structure out."
            )
        known[group] = np.array([index.get(s, 0) for s in group], dtype=np.int64)
    if problems:
        raise InputError(problems)
    return [known[group] for group in symbols]


def _require_finite(batch):
    """Refuse coordinates and cells that are not numbers."""
    if np.isfinite(batch.positions).all() and np.isfinite(batch.cells).all():
        return
    problems = []
    for s, name in enumerate(batch.names):
        inside = slice(batch.first[s], batch.first[s + 1])
        wrong = ~np.isfinite(batch.positions[inside]).all(axis=1)
        problems += [
            f"{name}: the position of atom {k + 1} ({batch.symbols[s][k]}) is not a "
            "number, expected three finite coordinates. Correct or remove it."
            for k in np.flatnonzero(wrong)[:1]
        ]
        if not np.isfinite(batch.cells[s]).all():
            problems.append(
                f"{name}: the cell holds a value that is not a number, expected three "
                "finite vectors. Correct or remove it."
            )
    raise InputError(problems)
