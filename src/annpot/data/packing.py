"""From `.bin` files or structures to TFRecord files and their dataset.json.

After each TFRecord a hidden summary of it is kept beside it. A run that was stopped
goes on with the first file that has none; dataset.json is the sum of all summaries,
which are then deleted. A file counts as finished when its sha256 is the recorded one;
a damaged file is packed again.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from annpot import files
from annpot.data.dataset_description import (
    MALFORMED,
    DatasetDescription,
)
from annpot.data.dataset_summary import DatasetSummary, SummaryBuilder, summary_of
from annpot.data.descriptor_origin import DescriptorOrigin
from annpot.data.file_entry import FileEntry
from annpot.data.folder_claim import claim_packing_folder
from annpot.data.record_features import decode_record
from annpot.data.record_index import natural_order
from annpot.data.recorded_files import is_as_recorded
from annpot.data.structure_origin import StructureOrigin
from annpot.data.structure_records import decode_structure, structure_summary
from annpot.data.tfrecord import SUFFIX, read_payloads, write_tfrecord


@dataclass(frozen=True)
class PackingPlan:
    """How records are laid out in files, and what of them.

    Attributes:
        prefix: of the names `{prefix-}{i}-{N}.tfrecord`; "" for none.
        records_per_file: the last file may have fewer.
        derivatives: None, "dense" or "sparse"; with them go the forces.
        per_atom_quantity: whether to store it.
        shuffle_seed: order of the records; sorted by name when None.
    """

    prefix: str = ""
    records_per_file: int = 1000
    derivatives: str | None = None
    per_atom_quantity: bool = False
    shuffle_seed: int | None = None

    def file_name(self, number, total):
        """Name of file `number` of `total`, both counted from 1."""
        return "-".join(filter(None, (self.prefix, f"{number}-{total}"))) + SUFFIX

    def ordered(self, paths):
        """The files in the order in which they are packed."""
        if self.shuffle_seed is None:
            return list(paths)
        order = np.random.default_rng(self.shuffle_seed).permutation(len(paths))
        return [paths[index] for index in order]


def packing_plan(config):
    """PackingPlan of a TfrConfig."""
    content = config.content
    kind = "sparse" if content.sparse_derivatives else "dense"
    return PackingPlan(
        prefix=config.io.prefix or "",
        records_per_file=config.io.elements_per_file,
        derivatives=kind if content.include_derivatives else None,
        per_atom_quantity=content.include_per_atom_quantity,
        shuffle_seed=config.io.shuffle_seed,
    )


@dataclass(frozen=True)
class PackingRun:
    """What a run did: the description, and files written now and kept.

    `damaged` names those written that were there, but not as they were recorded.
    """

    description: DatasetDescription
    n_written: int
    n_kept: int
    damaged: tuple[str, ...] = ()


def pack(source, folder, plan, advance=lambda n: None):
    """Write the TFRecord files of a packing that are not there yet.

    Args:
        source: BinFolder or StructureFiles.
        folder: where the files go; made when absent.
        plan: PackingPlan.
        advance: called with the number of records finished.

    Returns:
        PackingRun.

    Raises:
        InputError: the folder holds another packing, an input is damaged or lacks
            what is to be packed, or the disk is full. Finished files stay.
    """
    folder = Path(folder)
    n_records, size = source.n_records, plan.records_per_file
    n_files = -(-n_records // size)
    names = [plan.file_name(i, n_files) for i in range(1, n_files + 1)]
    key = _sha256(json.dumps([source.identity, asdict(plan)]).encode())
    origin = source.packed_origin(plan)
    recorded = claim_packing_folder(folder, origin, key)
    if recorded and all(is_as_recorded(folder / n, one) for n, one in recorded.items()):
        advance(n_records)
        return PackingRun(DatasetDescription.read(folder), 0, len(names))
    items = iter(source.items(plan))
    summary, entries, n_written, damaged = DatasetSummary(), [], 0, []
    for name in names:
        piece = list(islice(items, size))
        finished = _finished_file(folder, name, key, origin, recorded.get(name))
        if finished is None:
            if (folder / name).exists():
                damaged.append(name)
            encoded = (source.encoded(item, plan) for item in piece)
            finished = _pack_file(folder / name, encoded, origin, key)
            n_written += 1
        entry, part = finished
        entries.append(entry)
        summary = summary.merged(part)
        advance(len(piece))
    description = DatasetDescription.from_summary(
        origin, SUFFIX, entries, summary, made_from=key
    )
    description.write(folder)
    for name in names:
        _summary_path(folder, name).unlink(missing_ok=True)
    n_kept = len(names) - n_written
    return PackingRun(description, n_written, n_kept, tuple(damaged))


def describe_tfrecords(folder, origin):
    """DatasetDescription of the TFRecord files that lie in a folder.

    Args:
        folder: holds `*.tfrecord` files, for example some moved out of a packing.
        origin: DescriptorOrigin or StructureOrigin of the packing they come from.
    """
    summary, entries = DatasetSummary(), []
    for path in sorted(Path(folder).glob(f"*{SUFFIX}"), key=natural_order):
        part = _summary_of_file(path, origin)
        with open(path, "rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        size = path.stat().st_size
        entries.append(FileEntry(path.name, part.n_structures, size, digest))
        summary = summary.merged(part)
    return DatasetDescription.from_summary(origin, SUFFIX, entries, summary)


def _summary_of_file(path, origin):
    """DatasetSummary of a TFRecord file."""
    decode, summarise = _READERS[type(origin)](origin)
    builder = SummaryBuilder(summarise)
    for number, payload in enumerate(read_payloads(path), start=1):
        builder.add(decode(payload, where=f"{path}: record {number}"), payload)
    return builder.finished()


def _reading_structures(origin):
    species = origin.species
    return (
        partial(decode_structure, species=species),
        partial(structure_summary, species=species),
    )


_READERS = {  # how a payload is decoded and how such records are summed up
    DescriptorOrigin: lambda origin: (decode_record, summary_of),
    StructureOrigin: _reading_structures,
}


def _summary_path(folder, name):
    return folder / f".{name}.json"


def _finished_file(folder, name, key, origin, recorded):
    """(FileEntry, DatasetSummary) of a file that an earlier run finished, or None.

    Args:
        folder, name: of the file.
        key, origin: of the packing.
        recorded: its FileEntry in dataset.json, or None.
    """
    if recorded is not None and is_as_recorded(folder / name, recorded):
        return recorded, _summary_of_file(folder / name, origin)
    try:
        stored = json.loads(_summary_path(folder, name).read_bytes())
        entry = FileEntry.from_dict(stored["entry"])
        summary = DatasetSummary.from_dict(stored["summary"])
    except (OSError, *MALFORMED):  # then the file is simply packed again
        return None
    if stored["key"] != key or not is_as_recorded(folder / name, entry):
        return None
    return entry, summary


def _pack_file(path, encoded, origin, key):
    """Write one TFRecord and its summary; the same pair as `_finished_file`.

    Args:
        path: of the file.
        encoded: iterable of (record, payload).
        origin, key: of the packing.
    """
    builder = SummaryBuilder(_READERS[type(origin)](origin)[1])

    def payloads():
        for record, payload in encoded:
            builder.add(record, payload)
            yield payload

    written = write_tfrecord(path, payloads())
    entry = FileEntry(path.name, written.n_records, written.n_bytes, written.sha256)
    summary = builder.finished()
    stored = {"key": key, "entry": asdict(entry), "summary": summary.to_dict()}
    files.write_text(_summary_path(path.parent, path.name), json.dumps(stored))
    return entry, summary


def _sha256(content):
    return hashlib.sha256(content).hexdigest()
