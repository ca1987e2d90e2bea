"""The records of a folder, in order, checked against the networks that see them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from annpot.data.binary_format import read_bin
from annpot.data.dataset_description import DatasetDescription
from annpot.data.record_index import natural_order
from annpot.data.recorded_files import missing_notice, read_verified
from annpot.data.tfrecord import read_records, record_spans
from annpot.errors import InputError

ATOMS_PER_BATCH = 4096  # 13 MB of 384 float64 descriptors


@dataclass(frozen=True)
class RecordFolder:
    """A folder of TFRecord or .bin files.

    Attributes:
        path: the folder.
        files: its files by name, with numbers in numeric order.
        n_records: records in all files.
        described: DatasetDescription, None without dataset.json.
        format: "tfr" or "bin".
    """

    path: Path
    files: tuple[Path, ...]
    n_records: int
    described: DatasetDescription | None
    format: str

    def records(self):
        """Iterate over (where, DescriptorRecord), one in memory at a time."""
        for path in self.files:
            if self.format == "bin":
                yield str(path), read_bin(path)
            else:
                for number, record in enumerate(read_records(path), start=1):
                    yield f"{path}: record {number}", record


def open_folder(path, input_format, where=None):
    """RecordFolder of a folder whose files are those of its dataset.json.

    Args:
        path: the folder.
        input_format: "tfr" for *.tfrecord, "bin" for *.bin files.
        where: INI file and line that name the folder, for messages.

    Raises:
        InputError: no such folder, no such files in it, their framing is broken, or
            they are not as recorded.
    """
    path = Path(path)
    at = "" if where is None else f"{where}: "
    ending = {"tfr": ".tfrecord", "bin": ".bin"}[input_format]
    if not path.is_dir():
        raise InputError(
            f"{at}{path}: no such folder: expected one with {ending} files. Correct "
            "data_dir, or make the files first."
        )
    files = tuple(sorted(path.glob(f"*{ending}"), key=natural_order))
    counts = [len(record_spans(f)[0]) if ending == ".tfrecord" else 1 for f in files]
    if not sum(counts):
        raise InputError(
            f"{at}{path}: no records: expected {ending} files with at least one. "
            "Correct data_dir or input_format, or make the files first."
        )
    described = read_verified(path, ending)
    return RecordFolder(path, files, sum(counts), described, input_format)


def check_description(folder, networks):
    """Compare dataset.json with the networks and with what they were trained on.

    Args:
        folder: RecordFolder.
        networks: CheckpointNetworks.

    Returns:
        list of notices.

    Raises:
        InputError: other elements, another descriptor length or other descriptors.
    """
    described = folder.described
    if described is None:
        return [_undescribed(folder, networks)]
    where = f"{folder.path}/dataset.json"
    elements = tuple(spec.element for spec in networks.specs)
    g_size = networks.specs[0].n_features
    problems = []
    if described.species not in (None, elements):
        problems.append(
            f"{where}: descriptors of the elements {', '.join(described.species)}, but "
            f"{networks.file.name} has networks of {', '.join(elements)}: expected the "
            "same elements in the same order. Evaluate on other data."
        )
    if described.g_size != g_size:
        problems.append(
            f"{where}: {described.g_size} descriptors per atom, but the networks of "
            f"{networks.file.name} take {g_size}. Evaluate on other data."
        )
    if problems:
        raise InputError(problems)
    missing = missing_notice(folder.path, described)
    notices = _compare_descriptors(described.origin, networks, where)
    return notices if missing is None else [missing, *notices]


def _undescribed(folder, networks):
    generation = networks.data.get("mbp_generation")
    kind = "" if generation is None else f" (mBP generation {generation})"
    return (
        f"{folder.path}: no dataset.json; its descriptors are assumed to be like those "
        f"of the training{kind}."
    )


def _compare_descriptors(origin, networks, where):
    """Notices about the generation; InputError for descriptors of another kind."""
    trained = networks.data
    both = origin.mbp_generation, trained.get("mbp_generation")
    stated = (
        "stated" == origin.mbp_generation_source == trained.get("mbp_generation_source")
    )
    name = networks.file.name
    if None not in both and both[0] != both[1]:
        text = (
            f"{where}: descriptors of mBP generation {both[0]} "
            f"({origin.mbp_generation_source}), but {name} was trained on generation "
            f"{both[1]} ({trained.get('mbp_generation_source')})"
        )
        if stated:
            raise InputError(f"{text}. Evaluate on data of generation {both[1]}.")
        return [f"{text}; the errors below mean little if that is true."]
    settings = origin.to_dict()["descriptor"], trained.get("descriptor")
    if None not in settings and settings[0] != settings[1]:
        keys = sorted({*settings[0], *settings[1]})
        differing = [k for k in keys if settings[0].get(k) != settings[1].get(k)]
        raise InputError(
            f"{where}: other descriptor settings than those {name} was trained on "
            f"({', '.join(differing)} differ). Evaluate on data made with the same."
        )
    if origin.mbp_generation_source == "assumed":
        return [
            f"{where}: the files do not say their mBP generation; "
            f"{origin.mbp_generation} is assumed."
        ]
    return []


@dataclass(frozen=True, eq=False)
class RecordBatch:
    """Some structures as flat arrays.

    Attributes:
        names: (n,) keys of the structures.
        energies: (n,) reference energies as stored, eV.
        g: (n_atoms, n_features) float32 descriptors.
        species: (n_atoms,) species indices.
        structure: (n_atoms,) which of the n structures each atom belongs to.
    """

    names: tuple[str, ...]
    energies: np.ndarray
    g: np.ndarray
    species: np.ndarray
    structure: np.ndarray

    def element_counts(self, n_species):
        """(n, n_species) atoms of each element in each structure."""
        slots = self.structure * n_species + self.species
        counts = np.bincount(slots, minlength=len(self.names) * n_species)
        return counts.reshape(-1, n_species)


def record_batches(folder, specs, largest=ATOMS_PER_BATCH):
    """Iterate over the records of a folder as RecordBatches, in order.

    Args:
        folder: RecordFolder.
        specs: NetworkSpec of each element.
        largest: atoms after which a batch is closed.

    Raises:
        InputError: a record is corrupt, has another descriptor length or a species
            index without network; it names the record.
    """
    chosen, n_atoms = [], 0
    for where, record in folder.records():
        _check_record(record, specs, where)
        chosen.append(record)
        n_atoms += record.n_atoms
        if n_atoms >= largest:
            yield _batch(chosen)
            chosen, n_atoms = [], 0
    if chosen:
        yield _batch(chosen)


def _check_record(record, specs, where):
    if record.g_size != specs[0].n_features:
        raise InputError(
            f"{where}: {record.g_size} descriptors per atom, but the networks take "
            f"{specs[0].n_features}. Evaluate on data made with the descriptor "
            "settings of the training data."
        )
    if record.species.max() >= len(specs):
        raise InputError(
            f"{where}: species index {record.species.max()}, but there are networks "
            f"of {len(specs)} elements only ({', '.join(s.element for s in specs)}). "
            "Evaluate on data with the same elements in the same order."
        )


def _batch(records):
    return RecordBatch(
        names=tuple(record.name for record in records),
        energies=np.array([record.energy for record in records], np.float64),
        g=np.concatenate([record.g for record in records]),
        species=np.concatenate([record.species for record in records]),
        structure=np.repeat(np.arange(len(records)), [r.n_atoms for r in records]),
    )
