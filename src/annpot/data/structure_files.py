"""Structures in files of other programs as the source of a packing."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from annpot.data.problem_list import ProblemList
from annpot.data.structure_origin import StructureOrigin
from annpot.data.structure_records import LABELS, encode_structure
from annpot.errors import InputError
from annpot.structures.readers import structure_sources
from annpot.structures.structure import in_atomic_order
from annpot.structures.structure_hash import structure_hash


@dataclass(frozen=True)
class StructureFiles:
    """A folder of `.example` files or a file that ASE reads, looked through once.

    Attributes:
        path: the folder or file.
        species: symbols of all elements that occur, by atomic number.
        n_records: number of structures.
        identity: text that changes when any structure does.
    """

    path: Path
    species: tuple[str, ...]
    n_records: int
    identity: str

    def packed_origin(self, plan):
        """StructureOrigin of the records."""
        return StructureOrigin(self.species)

    def items(self, plan):
        """NamedSources in the order in which they are packed.

        They come one by one; only the frames of one file that are shuffled are all in
        memory.
        """
        sources = structure_sources(self.path, assumptions=Counter())
        if plan.shuffle_seed is None:
            return sources
        return plan.ordered(list(sources))

    def encoded(self, source, plan):
        """(Structure, payload) of one NamedSource."""
        structure = source.load()
        return structure, encode_structure(structure, self.species)


def open_structure_files(path, assumptions, advance=lambda n: None):
    """StructureFiles of a folder or file; every structure is read and checked.

    Args:
        path: the folder or file.
        assumptions: see `annpot.structures.readers.structure_sources`.
        advance: called with the number of structures read.

    Raises:
        InputError: nothing there, or structures that cannot be read or have no label;
            the first of them at once, and how many there are.
    """
    digest, symbols, n_records, problems = hashlib.sha256(), set(), 0, ProblemList()
    for source in structure_sources(path, assumptions=assumptions):
        n_records += 1
        try:
            structure = _labelled(source)
        except InputError as error:
            problems.add(error)
            continue
        symbols.update(structure.symbols)
        known = structure_hash(structure, False, with_forces=True, with_virial=True)
        digest.update(f"{structure.name}\0{known}".encode())
        advance(1)
    problems.refuse()
    return StructureFiles(
        Path(path), in_atomic_order(symbols), n_records, digest.hexdigest()
    )


def _labelled(source):
    structure = source.load()
    if all(getattr(structure, label) is None for label in LABELS):
        raise InputError(
            f"{source.where}: the structure has neither energy nor forces nor virial. "
            f"Give it one of them, or leave it out ({source.energy_keys})."
        )
    return structure
