"""Sheets of folders of data: with a dataset.json, or with files alone."""

from pathlib import Path

from annpot.data.dataset_description import (
    FILE_NAME,
    DatasetDescription,
    read_description_file,
)
from annpot.data.recorded_files import missing_notice
from annpot.data.structure_origin import STRUCTURES
from annpot.errors import InputError
from annpot.formula import formula
from annpot.inspection.descriptors import descriptor_facts
from annpot.inspection.record_files import bin_sheet, tfrecord_sheet
from annpot.inspection.sheet import Listing, Sheet, changes_listing
from annpot.inspection.structure_files import example_sheet

COMPOSITIONS_SHOWN = 12
READERS = {".tfrecord": tfrecord_sheet, ".bin": bin_sheet, ".example": example_sheet}
WORDS = {".tfrecord": "TFRecords", ".bin": "descriptors", ".example": "structures"}


def described_folder_sheet(folder):
    """Sheet of a folder with a dataset.json; contents of files are not hashed.

    Raises:
        InputError: the file cannot be read.
    """
    folder = Path(folder)
    content = read_description_file(folder / FILE_NAME)
    suffix = content.get("suffix")
    is_structures = content.get("kind") == STRUCTURES
    what = "structures" if is_structures else "descriptors"
    facts = {"complete": content["complete"]}
    tables, notes = (), []
    if content["complete"]:
        facts |= _totals(content)
        tables = (_compositions(content),)
        notes = _compared(folder)
    else:
        notes = ["Not finished: the command that makes it goes on where it stopped."]
    facts |= {"species": content.get("species")}
    facts |= {} if is_structures else descriptor_facts(content)
    facts |= {
        "fingerprint": content.get("fingerprint"),
        "made_from": content.get("made_from"),
        "comment": content.get("comment"),
    }
    kind = f"data folder: {what}" + (f" ({suffix} files)" if suffix else "")
    tables += changes_listing(content.get("changes"))
    return Sheet(str(folder), kind, facts, tables, tuple(notes))


def plain_folder_sheet(folder, suffix, names, is_all):
    """Sheet of a folder of data files without a dataset.json.

    Args:
        folder: path.
        suffix: ".tfrecord", ".bin" or ".example".
        names: of its files with that suffix.
        is_all: whether these are all of them.
    """
    folder = Path(folder)
    first = min(names)
    facts = {"files": len(names) if is_all else f"more than {len(names)}"}
    notes = []
    if suffix != ".example":
        notes.append(f"No {FILE_NAME}: the files do not say how they were made.")
    try:
        sheet = READERS[suffix](folder / first)
    except InputError as error:
        notes += error.problems
    else:
        facts |= {"first_file": first} | sheet.facts
        facts.pop("bytes", None)
    kind = f"data folder: {WORDS[suffix]} ({suffix} files)"
    return Sheet(str(folder), kind, facts, notes=tuple(notes))


def _totals(content):
    return {
        "structures": content["n_structures"],
        "atoms": content["n_atoms"],
        "labels": content["labels"],
        "files": len(content["files"]),
        "bytes": sum(entry["n_bytes"] for entry in content["files"]),
    }


def _compositions(content):
    """Listing of the most frequent compositions."""
    species = content.get("species")
    counted_rows = sorted(content["compositions"], key=lambda row: -row[1])
    rows = [(_formula(counts, species), n) for counts, n in counted_rows]
    shown = rows[:COMPOSITIONS_SHOWN]
    if len(rows) > len(shown):
        rest = sum(n for _, n in rows[COMPOSITIONS_SHOWN:])
        shown.append((f"{len(rows) - len(shown)} others", rest))
    return Listing("compositions", ("composition", "structures"), tuple(shown))


def _formula(counts, species):
    names = species or [f"s{index}:" for index in range(len(counts))]
    if species is None:
        return " ".join(f"{name}{n}" for name, n in zip(names, counts, strict=True))
    pairs = zip(names, counts, strict=False)
    return formula([name for name, n in pairs for _ in range(n)])


def _compared(folder):
    """Sentences on what is missing, other or unknown, by names and sizes."""
    try:
        described = DatasetDescription.read(folder)
    except InputError as error:
        return error.problems
    if not described.missing:
        return ["Names and sizes of all files are as recorded (not their content)."]
    return [missing_notice(folder, described)]
