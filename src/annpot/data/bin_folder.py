"""A folder of `.bin` files as the source of a packing."""

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

from annpot import files
from annpot.data import binary_format
from annpot.data.binary_format import BinaryFormatError, decode_bin
from annpot.data.dataset_description import DatasetDescription
from annpot.data.descriptor_origin import DescriptorOrigin
from annpot.data.record_features import encode_record
from annpot.data.records import DenseDerivatives, sparse_derivatives
from annpot.errors import InputError


@dataclass(frozen=True)
class BinFolder:
    """A folder of `.bin` files.

    Attributes:
        paths: the files, sorted by name.
        origin: DescriptorOrigin, with an assumed generation when nothing states it.
        hashes: file name -> recorded sha256; empty when nothing was recorded.
        identity: text that changes when any file does.
    """

    paths: tuple[Path, ...]
    origin: DescriptorOrigin
    hashes: dict
    identity: str

    @property
    def n_records(self):
        """Number of records that are packed."""
        return len(self.paths)

    def packed_origin(self, plan):
        """DescriptorOrigin of the records that a PackingPlan makes."""
        return replace(self.origin, derivatives=plan.derivatives)

    def items(self, plan):
        """The files in the order in which they are packed."""
        return plan.ordered(self.paths)

    def encoded(self, path, plan):
        """(DescriptorRecord, payload) of one file, with what is to be packed."""
        record = read_checked(self, path)
        record = with_content(record, plan.derivatives, plan.per_atom_quantity)
        return record, encode_record(record)


def open_bin_folder(folder):
    """BinFolder of the files of app_gvect_calculator, or of foreign ones.

    Raises:
        InputError: no such folder, no `.bin` file in it, or a dataset.json that
            disagrees with the files.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(
            f"{folder}: no such folder. Expected a folder of .bin files; check "
            "input_dir, or make the files with app_gvect_calculator."
        )
    names = files.names_in(folder, binary_format.SUFFIX)
    paths = tuple(folder / name for name in names)
    if not paths:
        raise InputError(
            f"{folder}: no .bin file in this folder. Make them with "
            "app_gvect_calculator, or check input_dir. Structures are packed from "
            "a folder of .example files or from one file that ASE reads."
        )
    description = DatasetDescription.read(folder)
    if description is not None:
        hashes = {entry.name: entry.sha256 for entry in description.files}
        identity = json.dumps([description.fingerprint, names])
        return BinFolder(paths, description.origin, hashes, identity)
    states = [path.stat() for path in paths]
    sizes = [(state.st_size, state.st_mtime_ns) for state in states]
    g_size = binary_format.read_bin(paths[0]).g_size
    origin = DescriptorOrigin.of_foreign_files(None, g_size)
    return BinFolder(paths, origin, {}, json.dumps([names, sizes]))


def read_checked(bins, path):
    """DescriptorRecord of one file of a BinFolder.

    Raises:
        InputError: the file is damaged, is not the one recorded, or does not have
            the g_size or the species of the folder.
    """
    content = files.content_of(path)
    recorded = bins.hashes.get(path.name)
    if recorded not in (None, hashlib.sha256(content).hexdigest()):
        raise _wrong(path, "its content is not what dataset.json recorded.")
    try:
        record = decode_bin(content, path.name.removesuffix(binary_format.SUFFIX))
    except BinaryFormatError as problem:
        raise _wrong(path, problem) from None
    origin = bins.origin
    if record.g_size != origin.g_size:
        raise _wrong(path, f"g_size is {record.g_size}, expected {origin.g_size}.")
    if origin.species is not None and record.species.max() >= len(origin.species):
        raise _wrong(
            path,
            f"species index {record.species.max()}, but there are only "
            f"{len(origin.species)} species.",
        )
    return record


def _wrong(path, problem):
    return InputError(
        f"{path}: {problem} Delete the file and compute it again with "
        "app_gvect_calculator."
    )


def with_content(record, derivatives, per_atom_quantity):
    """The record with only what is to be packed.

    Args:
        record: DescriptorRecord.
        derivatives: None, "dense" or "sparse"; with them go the forces.
        per_atom_quantity: whether to keep it.

    Raises:
        InputError: the record lacks what is asked for.
    """
    has_both = record.derivatives is not None and record.forces is not None
    if derivatives is not None and not has_both:
        raise InputError(
            f"{record.name}.bin: include_derivatives is True, but the file holds no "
            "derivatives with forces. Compute them with include_derivatives = True in "
            "[SYMMETRY_FUNCTION], or set it to False."
        )
    if per_atom_quantity and record.per_atom_quantity is None:
        raise InputError(
            f"{record.name}.bin: include_per_atom_quantity is True, but the file "
            "holds none. Compute it with per_atom_energy = True in [MISC], or set it "
            "to False."
        )
    return replace(
        record,
        derivatives=_as_kind(record, derivatives),
        forces=None if derivatives is None else record.forces,
        per_atom_quantity=record.per_atom_quantity if per_atom_quantity else None,
    )


def _as_kind(record, kind):
    stored = record.derivatives
    if kind is None:
        return None
    if kind == "sparse":
        is_dense = isinstance(stored, DenseDerivatives)
        return sparse_derivatives(stored) if is_dense else stored
    if isinstance(stored, DenseDerivatives):
        return stored
    return stored.dense(record.n_atoms, record.g_size)
