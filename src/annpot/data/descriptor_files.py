"""From structures to a folder of `.bin` files and its dataset.json.

The `.bin` files themselves say how far the work is: a run that was stopped goes on
with the structures whose file is missing or damaged. Each file is written under
another name and renamed, so a killed process leaves no half file. They are not
synced one by one, which would cost more than the descriptors: after a power cut the
size of a lost file is wrong and it is computed again.
"""

import hashlib
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from annpot import files
from annpot.data.binary_format import SUFFIX, BinaryFormatError, decode_bin, encode_bin
from annpot.data.dataset_description import (
    FILE_NAME,
    DatasetDescription,
    FileEntry,
    read_description_file,
)
from annpot.data.dataset_summary import DatasetSummary, summary_of
from annpot.data.folder_claim import claim_descriptor_folder
from annpot.data.records import DescriptorRecord
from annpot.errors import InputError
from annpot.structures.readers import NamedSource
from annpot.structures.structure import Structure

BATCH_STRUCTURES = 512  # computed together; enough to keep all cores busy
BATCH_ATOMS = 16384  # bounds the memory: 50 MB of descriptors of 384 components
PROBLEMS_SHOWN = 20


@dataclass(frozen=True)
class DescriptorRun:
    """What a run did.

    Attributes:
        description: DatasetDescription written beside the files.
        n_computed: files computed now.
        n_kept: complete files of an earlier run.
        damaged: names of files that were cut short or corrupt and computed again.
    """

    description: DatasetDescription
    n_computed: int
    n_kept: int
    damaged: tuple[str, ...]


def compute_descriptor_files(sources, task, advance=lambda n: None):
    """Compute the `.bin` file of every structure that has none yet.

    Args:
        sources: iterable of NamedSource; read in batches, never all at once.
        task: DescriptorTask.
        advance: called with the number of structures finished.

    Returns:
        DescriptorRun.

    Raises:
        InputError: the folder belongs to other settings, a structure is wrong, or
            the disk is full. What is finished stays and is used by the next run.
    """
    claim_descriptor_folder(task.folder, task.origin)
    earlier = _earlier_files(task.folder)
    summary, entries, damaged, n_computed = DatasetSummary(), [], [], 0
    read = partial(_item, task=task, earlier=earlier)
    for batch in _batches(_with_rest(sources, task.folder), read):
        done = _completed(batch, task)
        summary = summary.merged(summary_of([record for record, _ in done]))
        entries += [entry for _, entry in done]
        damaged += [item.path.name for item in batch if item.damaged]
        n_computed += sum(item.structure is not None for item in batch)
        advance(len(batch))
    entries.sort(key=lambda entry: entry.name)
    description = DatasetDescription.from_summary(task.origin, SUFFIX, entries, summary)
    description.write(task.folder)
    n_kept = len(entries) - n_computed
    return DescriptorRun(description, n_computed, n_kept, tuple(damaged))


@dataclass(frozen=True)
class _Item:
    """One file: its record and entry when it is complete, else its structure."""

    path: Path
    record: DescriptorRecord | None = None
    entry: FileEntry | None = None
    structure: Structure | None = None
    damaged: bool = False

    @property
    def n_atoms(self):
        return (self.record or self.structure).n_atoms


def _earlier_files(folder):
    """File name -> sha256 of each file of an earlier run, None where not recorded."""
    content = read_description_file(folder / FILE_NAME)
    recorded = {entry["name"]: entry["sha256"] for entry in content.get("files", ())}
    return {name: recorded.get(name) for name in files.names_in(folder, SUFFIX)}


def _with_rest(sources, folder):
    """The sources, then one for each file whose structure is no longer among them."""
    names = set()
    for source in sources:
        names.add(source.name)
        yield source
    for file in files.names_in(folder, SUFFIX):
        name, path = file.removesuffix(SUFFIX), folder / file
        if name not in names:
            yield NamedSource(name, str(path), partial(_lost, path))


def _lost(path):
    raise InputError(
        f"{path}: the file is damaged and its structure is not in the input. Delete "
        "the file or give the structure again."
    )


def _item(source, task, earlier):
    name = f"{source.name}{SUFFIX}"
    path = task.folder / name
    if name not in earlier:
        return _Item(path, structure=_prepared(source, task.origin))
    content = path.read_bytes()
    record = _usable(content, source.name, task.origin)
    entry = _entry(path, content)
    if record is not None and earlier[name] in (None, entry.sha256):
        return _Item(path, record, entry)
    structure = _prepared(source, task.origin)
    return _Item(path, structure=structure, damaged=True)


def _usable(content, name, origin):
    """The record of a file of an earlier run, None when it is not whole."""
    try:
        record = decode_bin(content, name)
    except BinaryFormatError:
        return None
    fits = (
        record.g_size == origin.g_size
        and record.species.max() < len(origin.species)
        and origin.per_atom_energy == (record.per_atom_quantity is not None)
    )
    return record if fits else None


def _entry(path, content):
    return FileEntry(path.name, 1, len(content), hashlib.sha256(content).hexdigest())


def _prepared(source, origin):
    """The structure with the periodicity asked for; its labels are complete."""
    structure, where = source.load(), source.where
    if structure.energy is None:
        raise InputError(
            f"{where}: the structure has no energy. Give it one; it is what a network "
            "is trained on."
        )
    if origin.per_atom_energy and structure.per_atom_energy is None:
        raise InputError(
            f"{where}: per_atom_energy is True in [MISC], but the structure has none."
        )
    if origin.pbc_override is None:
        return structure
    pbc = np.array(origin.pbc_override, dtype=bool)
    if (pbc & ~structure.cell.any(axis=1)).any():
        raise InputError(
            f"{where}: use_pbc = {pbc.tolist()}, but a periodic direction has no "
            "lattice vector. Give the vector or set use_pbc to False there."
        )
    return replace(structure, pbc=pbc)


def _batches(sources, read):
    """Lists of items, bounded in structures and atoms.

    Where a batch ends depends on the structures alone, not on what an earlier run
    has finished, so that merged statistics are the same to the last bit.

    Raises:
        InputError: with the problems of all structures read so far.
    """
    batch, problems, n_atoms = [], [], 0
    for source in sources:
        try:
            item = read(source)
        except InputError as error:
            problems += error.problems
            if len(problems) >= PROBLEMS_SHOWN:
                break
            continue
        batch.append(item)
        n_atoms += item.n_atoms
        if len(batch) >= BATCH_STRUCTURES or n_atoms >= BATCH_ATOMS:
            if problems:
                break
            yield batch
            batch, n_atoms = [], 0
    if problems:
        many = len(problems) > 1
        raise InputError(problems, f"{len(problems)} problems." if many else None)
    if batch:
        yield batch


def _completed(items, task):
    """(record, entry) of each item; what is missing is computed and written."""
    structures = [item.structure for item in items if item.structure is not None]
    if not structures:
        return [(item.record, item.entry) for item in items]
    computed = iter(task.descriptors(structures))
    index = {symbol: number for number, symbol in enumerate(task.origin.species)}
    done = []
    for item in items:
        if item.structure is None:
            done.append((item.record, item.entry))
            continue
        record = _record(item.structure, next(computed), index, task.origin)
        content = encode_bin(record)
        with files.atomic_path(item.path, durable=False) as temporary:
            temporary.write_bytes(content)
        done.append((record, _entry(item.path, content)))
    _append_names(task.done_log, [structure.name for structure in structures])
    return done


def _record(structure, g, index, origin):
    quantity = structure.per_atom_energy if origin.per_atom_energy else None
    return DescriptorRecord(
        name=structure.name,
        species=np.array([index[symbol] for symbol in structure.symbols]),
        g=np.asarray(g, np.float32),
        energy=structure.energy,
        per_atom_quantity=None if quantity is None else np.float32(quantity),
    )


def _append_names(path, names):
    """Add names to the log; the files themselves are what counts."""
    files.make_folder(path.parent)
    with files.explained_write_errors(path), open(path, "a", encoding="utf-8") as log:
        log.write("".join(f"{name}," for name in names))
