"""Records of descriptors as data of an evaluation, in order, one at a time."""

from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path

import numpy as np

from annpot.data.binary_format import SUFFIX as BIN
from annpot.data.binary_format import read_bin
from annpot.data.dataset_description import DatasetDescription
from annpot.data.record_index import index_of_files, natural_order
from annpot.data.record_names import record_names
from annpot.data.recorded_files import read_verified
from annpot.data.records import DenseDerivatives
from annpot.data.tfrecord import decode_record, record_spans
from annpot.errors import InputError
from annpot.evaluation.agreement import check_description
from annpot.evaluation.batches import EvaluatedBatch, Labelled
from annpot.forces.stored import forces_from_dense, forces_from_sparse
from annpot.networks.numpy_potential import atomic_energies_and_gradients, energies

ATOMS_PER_BATCH = 4096  # 13 MB of 384 float64 descriptors
DERIVATIVES_PER_BATCH = 2**25  # 134 MB of float32
NO_DERIVATIVES = (
    "{}: no derivatives of the descriptors, which compute_forces = True needs. Compute "
    "the descriptors again and pack them with include_derivatives = True, evaluate "
    "structures (input_format = example or structure), or set compute_forces = False."
)


@dataclass(frozen=True)
class RecordFolder:
    """A folder of TFRecord or .bin files.

    Attributes:
        path: the folder.
        files: its files by name, with numbers in numeric order.
        n_structures: records in all files.
        described: DatasetDescription, None without dataset.json.
        format: "tfr" or "bin".
        keep: (number of all records,) bool, which of them count; None for all.
    """

    path: Path
    files: tuple[Path, ...]
    n_structures: int
    described: DatasetDescription | None
    format: str
    keep: np.ndarray | None = None

    def records(self):
        """Iterate over (where, DescriptorRecord), one in memory at a time."""
        if self.format == "bin":
            kept = self.files if self.keep is None else compress(self.files, self.keep)
            for path in kept:
                yield str(path), read_bin(path)
            return
        index = index_of_files(self.files)
        index = index if self.keep is None else index.chosen(self.keep)
        for number, payload in enumerate(index.payloads()):
            where = index.place(number)
            yield where, decode_record(payload, where)

    def names(self):
        """Names of all structures of the folder, in order."""
        if self.format == "bin":
            return [path.name.removesuffix(BIN) for path in self.files]
        return record_names(index_of_files(self.files))

    def chosen(self, keep):
        """RecordFolder of the records where `keep` is true; see `names`."""
        return replace(self, n_structures=int(np.sum(keep)), keep=keep)

    def check(self, networks, with_forces):
        """Notices; InputError for other descriptors or none of the derivatives."""
        described = self.described
        if with_forces and described and described.origin.derivatives is None:
            raise InputError(NO_DERIVATIVES.format(f"{self.path}/dataset.json"))
        return check_description(self, networks)

    def batches(self, networks, dtype, with_forces):
        """Iterate over EvaluatedBatches, in order."""
        for records in record_batches(self, networks.specs, with_forces):
            potential = networks.specs, networks.weights, dtype
            yield _evaluated(records, potential, networks.energy_rescale, with_forces)

    def notices(self):
        """Nothing that only a pass over the records tells."""
        return []


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


def record_batches(folder, specs, with_forces=False, largest=ATOMS_PER_BATCH):
    """Iterate over the records of a folder in lists, in order.

    Args:
        folder: RecordFolder.
        specs: NetworkSpec of each element.
        with_forces: whether derivatives are needed; without, none is kept.
        largest: atoms after which a list is closed.

    Raises:
        InputError: a record is corrupt, has another descriptor length, a species
            index without network or no derivatives; it names the record.
    """
    chosen, n_atoms, n_values = [], 0, 0
    for where, record in folder.records():
        _check_record(record, specs, where)
        if with_forces and record.derivatives is None:
            raise InputError(NO_DERIVATIVES.format(where))
        if not with_forces:
            record = replace(record, derivatives=None)
        else:
            n_values += record.derivatives.values.size
        chosen.append(record)
        n_atoms += record.n_atoms
        if n_atoms >= largest or n_values >= DERIVATIVES_PER_BATCH:
            yield chosen
            chosen, n_atoms, n_values = [], 0, 0
    if chosen:
        yield chosen


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


def _evaluated(records, potential, rescale, with_forces):
    """EvaluatedBatch of some records."""
    n, counts = len(records), [record.n_atoms for record in records]
    g = np.concatenate([record.g for record in records])
    species = np.concatenate([record.species for record in records])
    structure = np.repeat(np.arange(n), counts)
    forces = None
    if with_forces:
        per_atom, gradients = atomic_energies_and_gradients(g, species, *potential)
        predicted = np.bincount(structure, per_atom, n)
        of = np.split(gradients, np.cumsum(counts)[:-1])
        forces = np.concatenate(list(map(_forces, records, of)))
        forces = Labelled(forces, rescale * np.concatenate(list(map(_label, records))))
    else:
        predicted = energies(g, species, structure, n, *potential)
    reference = np.array([record.energy for record in records], np.float64)
    return EvaluatedBatch(
        names=tuple(record.name for record in records),
        species=species,
        structure=structure,
        energies=Labelled(predicted, rescale * reference),
        forces=forces,
    )


def _forces(record, gradients):
    """(n_atoms, 3) forces of the networks on the atoms of a record, eV/angstrom."""
    stored = record.derivatives
    if isinstance(stored, DenseDerivatives):
        return forces_from_dense(gradients, stored.values)
    return forces_from_sparse(gradients, stored.values, stored.rows, stored.columns)


def _label(record):
    """(n_atoms, 3) float64 reference forces, NaN where there are none."""
    if record.forces is None:
        return np.full((record.n_atoms, 3), np.nan)
    return record.forces.astype(np.float64)
