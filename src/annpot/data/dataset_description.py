"""dataset.json: what the files of a folder hold and how they were made.

It lies beside `.bin` and `.tfrecord` files, so that no later tool has to be told
again what an earlier one knew. The layout is written out in doc/formats.md.
"""

import json
import os
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from annpot import files
from annpot.data.descriptor_origin import DescriptorOrigin
from annpot.data.file_entry import FileEntry
from annpot.data.structure_origin import StructureOrigin, origin_of
from annpot.errors import InputError

FORMAT_VERSION = 1
FILE_NAME = "dataset.json"
MALFORMED = (  # what reading a JSON object of other types than expected raises
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    OverflowError,
    RecursionError,
)
UNITS = {"length": "angstrom", "energy": "eV", "forces": "eV/angstrom"}


@dataclass(frozen=True, eq=False)
class ElementStatistics:
    """Descriptors of one element; the arrays are (g_size,), empty without atoms."""

    n_atoms: int
    minimum: np.ndarray
    maximum: np.ndarray
    mean: np.ndarray
    std: np.ndarray


@dataclass(frozen=True, eq=False)
class DatasetDescription:
    """Everything dataset.json says.

    Attributes:
        origin: DescriptorOrigin, or StructureOrigin of records of structures.
        suffix: ".bin" or ".tfrecord", of the files described.
        fingerprint: sha256 of the settings and of all records; equal for the same
            records in any order and in either kind of file.
        n_structures, n_atoms: totals.
        labels: label -> number of structures that have it.
        compositions: ((numbers of atoms by species index), n_structures) pairs.
        files: FileEntry of each file.
        statistics: ElementStatistics by species index; () of structures.
        missing: names of files that are described but are not in the folder, as
            when some were moved away for validation.
        made_from: sha256 of what a packing was made of and how, or None.
    """

    origin: DescriptorOrigin | StructureOrigin
    suffix: str
    fingerprint: str
    n_structures: int
    n_atoms: int
    labels: dict
    compositions: tuple
    files: tuple[FileEntry, ...]
    statistics: tuple[ElementStatistics, ...]
    missing: tuple[str, ...] = ()
    made_from: str | None = None

    @property
    def species(self):
        """Ordered symbols, or None when the files did not say."""
        return self.origin.species

    @property
    def g_size(self):
        """Number of descriptor components of an atom."""
        return self.origin.g_size

    @classmethod
    def from_summary(cls, origin, suffix, entries, summary, made_from=None):
        """Description of files whose records have a DatasetSummary."""
        n_species = max(len(origin.species or ()), *map(len, summary.compositions))
        described = range(n_species if isinstance(origin, DescriptorOrigin) else 0)
        compositions = sorted(
            (counts + (0,) * (n_species - len(counts)), n)
            for counts, n in summary.compositions.items()
        )
        return cls(
            origin=origin,
            suffix=suffix,
            fingerprint=summary.fingerprint(origin.to_dict()),
            n_structures=summary.n_structures,
            n_atoms=summary.n_atoms,
            labels=dict(summary.labels),
            compositions=tuple(compositions),
            files=tuple(entries),
            statistics=tuple(_statistics(summary, i) for i in described),
            made_from=made_from,
        )

    @classmethod
    def read(cls, folder):
        """Description found in a folder, or None when there is none.

        Only names and sizes of the files are compared with it, not their content.

        Raises:
            InputError: it cannot be read, the calculation was not finished, or the
                files are not those described.
        """
        path = Path(folder) / FILE_NAME
        content = read_description_file(path)
        if content is None:
            return None
        if not content["complete"]:
            raise InputError(
                f"{path}: the files of this folder are not finished. Run the command "
                "that makes them (app_gvect_calculator or app_tfr_packer) again; it "
                "goes on where it stopped."
            )
        try:
            described = _from_json(content)
        except MALFORMED as error:
            raise _broken(path, f"{type(error).__name__}: {error}") from None
        return _compared_with_disk(Path(folder), described)

    def write(self, folder):
        """Write dataset.json into the folder, replacing an earlier one."""
        content = {
            "format_version": FORMAT_VERSION,
            "complete": True,
            "suffix": self.suffix,
            **self.origin.to_dict(),
            "units": UNITS | getattr(self.origin, "units", {}),
            "fingerprint": self.fingerprint,
            "made_from": self.made_from,
            "n_structures": self.n_structures,
            "n_atoms": self.n_atoms,
            "labels": self.labels,
            "compositions": [[list(counts), n] for counts, n in self.compositions],
            "statistics": [
                {key: np.asarray(value).tolist() for key, value in vars(one).items()}
                for one in self.statistics
            ],
            "files": [entry.to_dict() for entry in self.files],
        }
        files.write_text(Path(folder) / FILE_NAME, description_text(content))


def write_unfinished(folder, origin, made_from=None):
    """Mark a folder as belonging to settings before its first file is written."""
    content = {
        "format_version": FORMAT_VERSION,
        "complete": False,
        **origin.to_dict(),
        "made_from": made_from,
    }
    files.write_text(Path(folder) / FILE_NAME, description_text(content))


def read_description_file(path):
    """The JSON object of a dataset.json, finished or not; None when absent.

    Raises:
        InputError: it is broken or of another format version.
    """
    path = Path(path)
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_bytes())
        version = content["format_version"]
        if version == FORMAT_VERSION:
            origin_of(content)
            entries = content["files"] if content["complete"] else ()
            for entry in entries:
                FileEntry.from_dict(entry)
    except MALFORMED as error:
        raise _broken(path, f"{type(error).__name__}: {error}") from None
    if version != FORMAT_VERSION:
        raise InputError(
            f"{path}: format_version {version!r}, expected {FORMAT_VERSION}. It was "
            "written by another version of annpot; make the folder again with this one."
        )
    return content


def file_mismatches(folder, entries):
    """Messages about files of a folder whose size is not the recorded one."""
    problems = []
    for entry in entries:
        path = os.path.join(folder, entry.name)
        size = os.path.getsize(path) if os.path.exists(path) else entry.n_bytes
        if size != entry.n_bytes:
            problems.append(
                f"{path}: {size} bytes, but {FILE_NAME} recorded {entry.n_bytes}. The "
                "file was cut short or replaced; make it again."
            )
    return problems


def _statistics(summary, index):
    moments = summary.moments.get(index)
    if moments is None:
        return ElementStatistics(0, *(np.empty(0) for _ in range(4)))
    arrays = (moments.minimum, moments.maximum, moments.mean, moments.std)
    return ElementStatistics(moments.n_atoms, *arrays)


def _from_json(content):
    return DatasetDescription(
        origin=origin_of(content),
        suffix=str(content["suffix"]),
        fingerprint=_text(content["fingerprint"]),
        made_from=content["made_from"],
        n_structures=int(content["n_structures"]),
        n_atoms=int(content["n_atoms"]),
        labels=dict(content["labels"]),
        compositions=tuple((tuple(counts), n) for counts, n in content["compositions"]),
        files=tuple(FileEntry.from_dict(entry) for entry in content["files"]),
        statistics=tuple(
            ElementStatistics(
                one["n_atoms"],
                *(
                    np.array(one[a], float)
                    for a in ("minimum", "maximum", "mean", "std")
                ),
            )
            for one in content["statistics"]
        ),
    )


def _text(value):
    if not isinstance(value, str):
        raise TypeError(f"{str(value)[:60]} is not a text")
    return value


def _compared_with_disk(folder, described):
    """The description with `missing` set; InputError where files disagree."""
    on_disk = set(files.names_in(folder, described.suffix))
    recorded = {entry.name for entry in described.files}
    problems = file_mismatches(folder, described.files)
    if unknown := sorted(on_disk - recorded):
        problems.append(
            f"{folder}: {len(unknown)} {described.suffix} files are not in {FILE_NAME} "
            f"(the first is {unknown[0]}). Run the command that makes the folder "
            "again, or move them to a folder of their own."
        )
    if problems:
        raise InputError(problems)
    values = {one.name: getattr(described, one.name) for one in fields(described)}
    return DatasetDescription(**values | {"missing": tuple(sorted(recorded - on_disk))})


def _broken(path, reason):
    return InputError(
        f"{path}: cannot be read ({reason}). Delete it and run the command that makes "
        "the folder again."
    )


def description_text(content):
    """Text of a dataset.json: a line for each key, each file and each element."""
    lines = []
    for key, value in content.items():
        text = json.dumps(value)
        if key in ("files", "statistics", "compositions") and value:
            text = "[\n  " + ",\n  ".join(map(json.dumps, value)) + "\n ]"
        lines.append(f" {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}\n"
