"""Structures for training and evaluation, whatever they are kept in."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path

import numpy as np

from annpot.data.dataset_description import DatasetDescription
from annpot.data.descriptor_source import with_periodicity
from annpot.data.record_index import index_of_files, tfrecord_files
from annpot.data.record_names import record_names
from annpot.data.recorded_files import read_verified
from annpot.data.structure_origin import STRUCTURES
from annpot.data.structure_records import decode_structure
from annpot.data.tfrecord import SUFFIX, record_spans
from annpot.errors import InputError
from annpot.files import names_in
from annpot.structures.example_json import SUFFIX as EXAMPLE
from annpot.structures.readers import structure_sources
from annpot.structures.structure import Structure

MISSING_ELEMENTS = (
    "{}: element {} found, expected only {}. Add it to atomic_sequence and to the "
    "species of gvect_ini, or leave such structures out."
)


@dataclass(frozen=True)
class StructureSource:
    """Structures that are read one at a time, always in the same order.

    Attributes:
        path: folder or file.
        n_structures: how many there are.
        fingerprint: sha256 that changes when a structure does: that of dataset.json,
            or of names and contents of the files.
        described: DatasetDescription, None without dataset.json.
        read: function of `keep` that returns an iterator of Structure.
        names: function without arguments that returns the names of all structures of
            the folder or file, in the order in which they are read.
        assumptions: Counter of what had to be assumed, filled by reading, or None.
        keep: (number of all structures,) bool, which of them to read; None for all.
    """

    path: Path
    n_structures: int
    fingerprint: str
    described: DatasetDescription | None
    read: Callable[[np.ndarray | None], Iterator[Structure]]
    names: Callable[[], Sequence[str]]
    assumptions: Counter | None = None
    keep: np.ndarray | None = None

    def __iter__(self):
        """Iterate over the structures; energies in eV, lengths in angstrom."""
        return self.read(self.keep)

    def __len__(self):
        return self.n_structures

    def chosen(self, keep):
        """StructureSource of those where `keep` is true; the others are not read.

        Args:
            keep: bool for each of the structures that `names` tells.
        """
        return replace(self, n_structures=int(np.sum(keep)), keep=keep)


def open_structures(
    path, input_format, species, where=None, assumptions=None, use_pbc=None
):
    """StructureSource of a folder or file.

    Records number elements by the list in their own dataset.json and are read by
    symbol; the order of `species` does not matter here.

    Args:
        path: folder of structure records; or folder of `.example` files, or a file
            that ASE reads.
        input_format: "structure" for records, "example" for the others.
        species: symbols that may occur.
        where: INI file and line that name the path, for messages.
        assumptions: see `annpot.structures.readers.structure_sources`; counted in
            every pass.
        use_pbc: three booleans that replace the structures' own periodicity, or None.

    Raises:
        InputError: nothing there, files that are not as recorded, records of
            descriptors, or, with records at once and otherwise while iterating, an
            element that is not in `species`.
    """
    openers = {"structure": _records, "example": _files}
    if input_format not in openers:
        raise InputError(
            f"input_format = {input_format}: expected one of {', '.join(openers)}."
        )
    source = openers[input_format](Path(path), tuple(species), where, assumptions)
    if use_pbc is None:
        return source
    return replace(source, read=lambda keep: _periodic(source, use_pbc, keep))


def _periodic(source, use_pbc, keep):
    for structure in source.read(keep):
        place = f"{source.path}: {structure.name}"
        yield with_periodicity(structure, use_pbc, place)


def _records(path, species, where, _assumptions):
    files = tfrecord_files(path, where)
    described = read_verified(path, SUFFIX, STRUCTURES)
    if described is None:
        next(_decoded(files[:1], species))  # tells records of descriptors as such
        raise InputError(
            f"{path}: no dataset.json, which says what elements the records mean. Copy "
            "it from the folder the files came from, or pack the structures again."
        )
    present = {
        symbol
        for counts, _ in described.compositions
        for symbol, count in zip(described.species, counts, strict=True)
        if count
    }
    if unknown := sorted(present - set(species)):
        listed = ", ".join(unknown), ", ".join(species)
        at = "" if where is None else f"{where}: "
        raise InputError(at + MISSING_ELEMENTS.format(path, *listed))
    missing = set(described.missing)
    n_present = sum(f.n_records for f in described.files if f.name not in missing)
    return StructureSource(
        path=path,
        n_structures=n_present,
        fingerprint=described.fingerprint,
        described=described,
        read=lambda keep: _decoded(files, described.species, keep),
        names=lambda: record_names(index_of_files(files)),
    )


def _decoded(files, species, keep=None):
    index = index_of_files(files)
    index = index if keep is None else index.chosen(keep)
    for record, payload in enumerate(index.payloads()):
        yield decode_structure(payload, species, index.place(record))


def _files(path, species, where, assumptions):
    if path.is_dir() and not names_in(path, EXAMPLE):
        _refuse_records(path, where)
    at = "" if where is None else f"{where}: "
    try:
        sources = structure_sources(path)
    except InputError as error:
        raise InputError([at + problem for problem in error.problems]) from None
    names = tuple(one.name for one in sources)
    return StructureSource(
        path=path,
        n_structures=len(names),
        fingerprint=_hash_of_files(path),
        described=None,
        read=lambda keep: _loaded(path, species, assumptions, keep),
        names=lambda: names,
        assumptions=assumptions,
    )


def _refuse_records(path, where):
    files = sorted(path.glob(f"*{SUFFIX}"))
    if files and len(record_spans(files[0])[0]):
        at = "" if where is None else f"{where}: "
        raise InputError(
            f"{at}{path}: holds {SUFFIX} files, expected .example files or a file that "
            "ASE reads. Set input_format = structure (or tfr for descriptors)."
        )


def _loaded(path, species, assumptions, keep):
    sources = structure_sources(path, assumptions=assumptions)
    # What is not kept is not looked into.
    for source in sources if keep is None else compress(sources, keep):
        structure = source.load()
        if unknown := sorted(set(structure.symbols) - set(species)):
            listed = ", ".join(unknown), ", ".join(species)
            raise InputError(MISSING_ELEMENTS.format(source.where, *listed))
        yield structure


def _hash_of_files(path):
    """sha256 of the names and contents of all files."""
    folder = [path / name for name in names_in(path, EXAMPLE)] if path.is_dir() else []
    digest = hashlib.sha256()
    for file in folder or [path]:
        with open(file, "rb") as stream:
            content = hashlib.file_digest(stream, "sha256").digest()
        digest.update(file.name.encode() + b"\0" + content)
    return digest.hexdigest()
