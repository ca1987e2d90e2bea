"""The structures of a run: those given, and files whose structure is gone."""

from dataclasses import replace
from functools import partial

import numpy as np

from annpot import files
from annpot.data.binary_format import SUFFIX
from annpot.errors import InputError
from annpot.structures.readers import NamedSource


def with_rest(sources, folder):
    """The sources, then one for each file whose structure is no longer among them."""
    names = set()
    for source in sources:
        names.add(source.name)
        yield source
    for file in files.names_in(folder, SUFFIX):
        name, path = file.removesuffix(SUFFIX), folder / file
        if name not in names:
            yield LostSource(name, str(path), partial(_lost, path))


class LostSource(NamedSource):
    """A file whose structure is not in the input any more."""


def _lost(path):
    raise InputError(
        f"{path}: the file is damaged and its structure is not in the input. Delete "
        "the file or give the structure again."
    )


def prepared(source, origin):
    """The structure with the periodicity asked for; its labels are complete.

    Args:
        source: NamedSource.
        origin: DescriptorOrigin.

    Raises:
        InputError: it cannot be read, lacks a label or a lattice vector.
    """
    structure, where = source.load(), source.where
    if structure.energy is None:
        raise InputError(
            f"{where}: the structure has no energy. Give it one; it is what a network "
            f"is trained on ({source.energy_keys})."
        )
    if origin.per_atom_energy and structure.per_atom_energy is None:
        raise InputError(
            f"{where}: per_atom_energy is True in [MISC], but the structure has none."
        )
    if origin.derivatives is not None and structure.forces is None:
        raise InputError(
            f"{where}: include_derivatives is True, but the structure has no forces. "
            "Give the force on each atom, or set include_derivatives = False."
        )
    return with_periodicity(structure, origin.pbc_override, where)


def with_periodicity(structure, use_pbc, where):
    """The structure repeating along other cell vectors than it says itself.

    Args:
        structure: Structure.
        use_pbc: three booleans, or None to leave it as it is.
        where: file and frame, for messages.

    Raises:
        InputError: a periodic direction has no cell vector.
    """
    if use_pbc is None:
        return structure
    pbc = np.array(use_pbc, dtype=bool)
    if (pbc & ~structure.cell.any(axis=1)).any():
        raise InputError(
            f"{where}: use_pbc = {pbc.tolist()}, but a periodic direction has no "
            "lattice vector. Give the vector or set use_pbc to False there."
        )
    return replace(structure, pbc=pbc)
