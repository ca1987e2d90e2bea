"""From structures to a folder of `.bin` files and its dataset.json.

The `.bin` files themselves say how far the work is: a run that was stopped goes on
with the structures whose file is missing or damaged, or that have changed since. Each
file is written under another name and renamed, so a killed process leaves no half
file. They are not synced one by one, which would cost more than the descriptors:
after a power cut the size of a lost file is wrong and it is computed again.
"""

import hashlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from annpot import files
from annpot.data.binary_format import SUFFIX, BinaryFormatError, decode_bin, encode_bin
from annpot.data.dataset_description import (
    DatasetDescription,
)
from annpot.data.dataset_summary import DatasetSummary, summary_of
from annpot.data.descriptor_journal import (
    append_journal,
    earlier_files,
    remove_journal,
)
from annpot.data.descriptor_source import LostSource, prepared, with_rest
from annpot.data.file_entry import FileEntry
from annpot.data.folder_claim import claim_descriptor_folder
from annpot.data.problem_list import ProblemList
from annpot.data.records import DescriptorRecord, TooLargeError
from annpot.errors import InputError
from annpot.structures.structure import Structure
from annpot.structures.structure_hash import structure_hash

BATCH_STRUCTURES = 512  # computed together; enough to keep all cores busy
BATCH_ATOMS = 16384  # bounds the memory: 50 MB of descriptors of 384 components
BATCH_DERIVATIVES = 2**23  # bounds it too: 32 MB of dense derivatives


@dataclass(frozen=True)
class DescriptorRun:
    """What a run did.

    Attributes:
        description: DatasetDescription written beside the files.
        n_computed: files computed now.
        n_kept: complete files of an earlier run.
        damaged: names of files that were cut short or corrupt and computed again.
        changed: names of files that were computed again because their structure is
            not the one they were made from.
        at_kinks: names of structures computed now whose atoms are collinear where
            the descriptor then has no derivative; what depends on the angle is 0.
    """

    description: DatasetDescription
    n_computed: int
    n_kept: int
    damaged: tuple[str, ...]
    changed: tuple[str, ...] = ()
    at_kinks: tuple[str, ...] = ()


def compute_descriptor_files(sources, task, advance=lambda n: None):
    """Compute the `.bin` file of every structure that has none, or not this one.

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
    earlier = earlier_files(task.folder)
    summary, entries, n_computed = DatasetSummary(), [], 0
    damaged, changed, at_kinks = [], [], []
    read = partial(_item, task=task, earlier=earlier)
    for batch in _batches(with_rest(sources, task.folder), read, task.origin):
        done = _completed(batch, task, at_kinks)
        summary = summary.merged(summary_of([record for record, _ in done]))
        entries += [entry for _, entry in done]
        damaged += [item.path.name for item in batch if item.state == "damaged"]
        changed += [item.path.name for item in batch if item.state == "changed"]
        n_computed += sum(item.structure is not None for item in batch)
        advance(len(batch))
    entries.sort(key=lambda entry: entry.name)
    description = DatasetDescription.from_summary(task.origin, SUFFIX, entries, summary)
    description.write(task.folder)
    remove_journal(task.folder)
    n_kept = len(entries) - n_computed
    return DescriptorRun(
        description,
        n_computed,
        n_kept,
        tuple(damaged),
        tuple(changed),
        tuple(at_kinks),
    )


@dataclass(frozen=True)
class _Item:
    """One file: its record and entry when it is complete, else its structure.

    `state` is "kept", "new", "damaged" or "changed".
    """

    path: Path
    state: str
    record: DescriptorRecord | None = None
    entry: FileEntry | None = None
    structure: Structure | None = None

    @property
    def n_atoms(self):
        return (self.record or self.structure).n_atoms

    def n_derivatives(self, origin):
        """Numbers of dense derivatives, which are in memory also for sparse ones."""
        return 3 * origin.g_size * self.n_atoms**2 if origin.derivatives else 0


def _item(source, task, earlier):
    name = f"{source.name}{SUFFIX}"
    path = task.folder / name
    if name not in earlier:
        return _Item(path, "new", structure=prepared(source, task.origin))
    content = files.content_of(path)
    record = _usable(content, source.name, task.origin)
    sha256 = hashlib.sha256(content).hexdigest()
    recorded = earlier[name]
    if record is None or recorded.sha256 not in (None, sha256):
        structure = prepared(source, task.origin)
        return _Item(path, "damaged", structure=structure)
    if isinstance(source, LostSource):
        known = recorded.structure
    else:
        structure = prepared(source, task.origin)
        known = _hash_of(structure, task.origin)
        if not _is_made_from(record, recorded.structure, structure, known, task.origin):
            return _Item(path, "changed", structure=structure)
    return _Item(path, "kept", record, FileEntry(name, 1, len(content), sha256, known))


def _is_made_from(record, recorded, structure, known, origin):
    """Whether a record belongs to a structure with the hash `known`.

    Where no hash was recorded, energy and elements are compared.
    """
    if recorded is not None:
        return recorded == known
    symbols = tuple(origin.species[index] for index in record.species)
    return symbols == structure.symbols and record.energy == structure.energy


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
        and origin.derivatives == record.derivatives_kind
    )
    return record if fits else None


def _batches(sources, read, origin):
    """Lists of items, bounded in structures, atoms and derivatives.

    Where a batch ends depends on the structures alone, not on what an earlier run
    has finished, so that merged statistics are the same to the last bit.

    Raises:
        InputError: with the problems of all structures; after the first of them no
            batch is given any more, but the others are read and counted.
    """
    batch, problems, n_atoms, n_derivatives = [], ProblemList(), 0, 0
    for source in sources:
        try:
            item = read(source)
        except InputError as error:
            problems.add(error)
        if problems:
            batch = []
            continue
        batch.append(item)
        n_atoms += item.n_atoms
        n_derivatives += item.n_derivatives(origin)
        if (
            len(batch) >= BATCH_STRUCTURES
            or n_atoms >= BATCH_ATOMS
            or n_derivatives >= BATCH_DERIVATIVES
        ):
            yield batch
            batch, n_atoms, n_derivatives = [], 0, 0
    problems.refuse()
    if batch:
        yield batch


def _completed(items, task, at_kinks):
    """(record, entry) of each item; what is missing is computed and written.

    Names of structures at a kink are added to `at_kinks`.

    Raises:
        InputError: with all structures whose numbers are too large for the format.
    """
    structures = [item.structure for item in items if item.structure is not None]
    if not structures:
        return [(item.record, item.entry) for item in items]
    computed = iter(task.describe(structures))
    index = {symbol: number for number, symbol in enumerate(task.origin.species)}
    done, problems = [], ProblemList()
    for item in items:
        if item.structure is None:
            done.append((item.record, item.entry))
            continue
        described = next(computed)
        if described.at_kink:
            at_kinks.append(item.structure.name)
        record = _record(item.structure, described, index, task.origin)
        try:
            done.append((record, _written(item, record, task.origin)))
        except TooLargeError as error:
            problems.add(error)
    problems.refuse()
    _append_names(task.done_log, [structure.name for structure in structures])
    append_journal(task.folder, [entry for _, entry in done])
    return done


def _written(item, record, origin):
    """FileEntry of the `.bin` file that is written."""
    content = encode_bin(record)
    with files.atomic_path(item.path, durable=False) as temporary:
        temporary.write_bytes(content)
    return FileEntry(
        name=item.path.name,
        n_records=1,
        n_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        structure=_hash_of(item.structure, origin),
    )


def _hash_of(structure, origin):
    with_forces = origin.derivatives is not None
    return structure_hash(structure, origin.per_atom_energy, with_forces)


def _record(structure, described, index, origin):
    quantity = structure.per_atom_energy if origin.per_atom_energy else None
    forces = structure.forces if origin.derivatives is not None else None
    with np.errstate(over="ignore"):  # too large numbers are refused when written
        return DescriptorRecord(
            name=structure.name,
            species=np.array([index[symbol] for symbol in structure.symbols]),
            g=np.asarray(described.g, np.float32),
            energy=structure.energy,
            forces=None if forces is None else np.float32(forces),
            derivatives=described.derivatives,
            per_atom_quantity=None if quantity is None else np.float32(quantity),
        )


def _append_names(path, names):
    """Add names to the log; the files themselves are what counts."""
    files.make_folder(path.parent)
    with files.explained_write_errors(path), open(path, "a", encoding="utf-8") as log:
        log.write("".join(f"{name}," for name in names))
