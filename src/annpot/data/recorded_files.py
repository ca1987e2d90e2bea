"""Are the files of a folder those that its dataset.json recorded?"""

import hashlib
import os
from functools import lru_cache
from pathlib import Path

from annpot.data.dataset_description import FILE_NAME, DatasetDescription
from annpot.data.structure_origin import DESCRIPTORS, STRUCTURES
from annpot.data.tfrecord import SUFFIX as TFRECORD
from annpot.data.tfrecord import record_spans
from annpot.errors import InputError

NAMES_SHOWN = 3
INPUT_FORMATS = {STRUCTURES: "structure", DESCRIPTORS: "tfr"}


def read_verified(folder, suffix, kind=DESCRIPTORS):
    """The DatasetDescription of a folder whose files are all as recorded, or None.

    Every file is read once in the life of the process to hash it. Files that are
    recorded but absent are no error, see `missing_notice`.

    Args:
        folder: of the files.
        suffix: ".tfrecord" or ".bin", of the files that are about to be used.
        kind: DESCRIPTORS or STRUCTURES, of the records.

    Raises:
        InputError: see `DatasetDescription.read`; or the records are of another
            kind; or the content or the number of records of a file is not the one
            recorded. All such files at once.
    """
    folder = Path(folder)
    described = DatasetDescription.read(folder)
    if described is None:
        return None
    if described.suffix != suffix:
        raise InputError(
            f"{folder / FILE_NAME}: describes {described.suffix} files, expected "
            f"{suffix} files. Keep the two kinds in folders of their own."
        )
    found = getattr(described.origin, "kind", DESCRIPTORS)
    if found != kind:
        raise InputError(
            f"{folder / FILE_NAME}: the records are {found}, expected {kind}. Set "
            f"input_format = {INPUT_FORMATS[found]}, or choose another folder."
        )
    missing = set(described.missing)
    present = [one for one in described.files if one.name not in missing]
    found = (_problem(folder / entry.name, entry) for entry in present)
    problems = list(filter(None, found))
    if problems:
        raise InputError(problems)
    return described


def missing_notice(folder, described):
    """One line about recorded files that are not in the folder; None without any."""
    missing = described.missing
    if not missing:
        return None
    total = len(described.files)
    more = ", ..." if len(missing) > NAMES_SHOWN else ""
    return (
        f"{folder}: using {total - len(missing)} of the {total} files that {FILE_NAME} "
        f"describes; not here: {', '.join(missing[:NAMES_SHOWN])}{more}"
    )


def is_as_recorded(path, entry):
    """Whether a file exists with the size and the sha256 of its FileEntry."""
    return (
        os.path.isfile(path)
        and os.path.getsize(path) == entry.n_bytes
        and _sha256(path) == entry.sha256
    )


def _problem(path, entry):
    again = {TFRECORD: "app_tfr_packer"}.get(path.suffix, "app_gvect_calculator")
    if not is_as_recorded(path, entry):
        return (
            f"{path}: its content is not what {FILE_NAME} recorded; the file was "
            f"damaged or replaced. Run {again} again, or delete {FILE_NAME} if the "
            "file is right."
        )
    n_records = _n_records(path)
    if n_records != entry.n_records:
        return (
            f"{path}: {n_records} records, but {FILE_NAME} recorded {entry.n_records}. "
            f"{FILE_NAME} is not the one of this file; run {again} again."
        )
    return None


def _n_records(path):
    return len(record_spans(path)[0]) if path.suffix == TFRECORD else 1


def _sha256(path):
    state = os.stat(path)
    return _hashed(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=100_000)
def _hashed(path, _size, _time):
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
