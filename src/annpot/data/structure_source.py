"""Structures for training and evaluation, whatever they are kept in."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from annpot.data.dataset_description import DatasetDescription
from annpot.data.descriptor_source import with_periodicity
from annpot.data.record_index import tfrecord_files
from annpot.data.recorded_files import read_verified
from annpot.data.structure_origin import STRUCTURES
from annpot.data.structure_records import decode_structure
from annpot.data.tfrecord import SUFFIX, read_payloads, record_spans
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
        read: function without arguments that returns an iterator of Structure.
        assumptions: Counter of what had to be assumed, filled by reading, or None.
    """

    path: Path
    n_structures: int
    fingerprint: str
    described: DatasetDescription | None
    read: Callable[[], Iterator[Structure]]
    assumptions: Counter | None = None

    def __iter__(self):
        """Iterate over the structures; energies in eV, lengths in angstrom."""
        return self.read()

    def __len__(self):
        return self.n_structures


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
    return replace(source, read=lambda: _periodic(source, use_pbc))


def _periodic(source, use_pbc):
    for structure in source:
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
        read=lambda: _decoded(files, described.species),
    )


def _decoded(files, species):
    for file in files:
        for number, payload in enumerate(read_payloads(file), start=1):
            yield decode_structure(payload, species, f"{file}: record {number}")


def _files(path, species, where, assumptions):
    if path.is_dir() and not names_in(path, EXAMPLE):
        _refuse_records(path, where)
    at = "" if where is None else f"{where}: "
    try:
        sources = structure_sources(path)
    except InputError as error:
        raise InputError([at + problem for problem in error.problems]) from None
    n_structures = sum(1 for _ in sources)
    return StructureSource(
        path=path,
        n_structures=n_structures,
        fingerprint=_hash_of_files(path),
        described=None,
        read=lambda: _loaded(path, species, assumptions),
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


def _loaded(path, species, assumptions):
    for source in structure_sources(path, assumptions=assumptions):
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
