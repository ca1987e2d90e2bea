"""Changing what dataset.json says of a folder, its fingerprint included."""

import functools
import hashlib
from pathlib import Path

from annpot import files
from annpot.data.binary_format import SUFFIX as BIN
from annpot.data.binary_format import read_bin
from annpot.data.dataset_description import (
    FILE_NAME,
    DatasetDescription,
    description_text,
    read_description_file,
)
from annpot.data.dataset_summary import DatasetSummary
from annpot.data.record_features import encode_record
from annpot.data.structure_origin import STRUCTURES, origin_of
from annpot.data.tfrecord import read_payloads
from annpot.elements import is_element
from annpot.errors import InputError
from annpot.inspection.changes import (
    Stored,
    Target,
    by_key,
    comment_of,
    generation_of,
    log_entry,
    logged,
)

FINGERPRINT = "fingerprint"


def data_target(folder):
    """Target of a data folder.

    Raises:
        InputError: no dataset.json, it cannot be read, or it is not finished.
    """
    folder = Path(folder)
    path = folder / FILE_NAME
    content = read_description_file(path)
    if content is None:
        raise InputError(
            f"{folder}: no {FILE_NAME}, so nothing is stored that could be changed. "
            "Pack the files with app_tfr_packer, which describes them."
        )
    if not content["complete"]:
        raise InputError(
            f"{path}: the folder is not finished. Run the command that makes it again."
        )
    values = [comment_of(content)]
    if content.get("kind") != STRUCTURES:
        values += [generation_of("mbp_generation", content), _species(content)]
    write = functools.partial(_write, folder)
    return Target(str(path), "data folder", by_key(values), write)


def _species(content):
    """Stored order of elements, which can be told where the files did not."""
    now, refusal = content.get("species"), None
    if now is not None:
        refusal = (
            f"the order {', '.join(now)} is that of the records. Only an unknown one "
            "can be set."
        )
    n_needed = max(len(counts) for counts, _ in content["compositions"])
    parse = functools.partial(_parsed_species, n_needed)
    return Stored("species", now, parse, refusal)


def _parsed_species(n_needed, text):
    symbols = [word.strip() for word in text.split(",")]
    wrong = [symbol for symbol in symbols if not is_element(symbol)]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is no chemical symbol; expected one like H, C.")
    if len(set(symbols)) < len(symbols):
        raise ValueError("expected each element once.")
    if len(symbols) < n_needed:
        raise ValueError(
            f"the records number {n_needed} species, expected as many symbols or more."
        )
    return symbols


def _write(folder, key, value, entry):
    """Store a value; what follows from it is made anew and logged as well."""
    with files.only_one_in(folder, "command"):
        content = read_description_file(folder / FILE_NAME)
        changed = logged({**content, key: value}, entry)
        if key == "species":
            changed |= _of_each_species(content, len(value))
        if key == "mbp_generation":
            changed["mbp_generation_source"] = "stated"
        if origin_of(changed) != origin_of(content):
            old, new = _fingerprints(folder, content, changed)
            changed = logged(changed, log_entry(FINGERPRINT, old, new))
            changed[FINGERPRINT] = new
        files.write_text(folder / FILE_NAME, description_text(changed))


def _of_each_species(content, n_species):
    """Compositions and statistics with an entry for each species."""
    n_more = n_species - len(content["statistics"])
    empty = {"n_atoms": 0, "minimum": [], "maximum": [], "mean": [], "std": []}
    return {
        "compositions": [
            [list(counts) + [0] * (n_species - len(counts)), n]
            for counts, n in content["compositions"]
        ],
        "statistics": content["statistics"] + [empty] * n_more,
    }


def _fingerprints(folder, content, changed):
    """(fingerprint of before, of after), both from the records themselves.

    Raises:
        InputError: recorded files are not here, or the records are not those that
            the fingerprint stands for.
    """
    described = DatasetDescription.read(folder)
    if described.missing:
        raise InputError(
            f"{folder}: {len(described.missing)} of {len(described.files)} recorded "
            "files are not here, and the fingerprint is that of all. Bring them "
            "together, change the description, then copy it along with the files."
        )
    names = [folder / entry.name for entry in described.files]
    summary = DatasetSummary(hashes=b"".join(map(_hashes, names)))
    old, new = (
        summary.fingerprint(origin_of(one).to_dict()) for one in (content, changed)
    )
    if old != content[FINGERPRINT]:
        raise InputError(
            f"{folder}: the records are not those of the fingerprint in {FILE_NAME}; "
            "files were damaged or replaced. Make the folder again."
        )
    return old, new


def _hashes(path):
    """sha256 of each record of a file, one after the other."""
    is_bin = path.suffix == BIN
    payloads = [encode_record(read_bin(path))] if is_bin else read_payloads(path)
    return b"".join(hashlib.sha256(payload).digest() for payload in payloads)
