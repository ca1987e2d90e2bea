"""What is known of the `.bin` files of a folder while it is not finished.

The hidden file `.computed` has a line "sha256 of the structure, sha256 of the file,
name of the file" for each file written since dataset.json was. It is deleted when
dataset.json is written again.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from annpot import files
from annpot.data.binary_format import SUFFIX
from annpot.data.dataset_description import FILE_NAME, read_description_file

JOURNAL = ".computed"
_LINE = re.compile(r"([0-9a-f]{64}) ([0-9a-f]{64}) (.+)")


@dataclass(frozen=True, slots=True)
class EarlierFile:
    """A file of an earlier run: sha256 of it and of its structure, None if unknown."""

    sha256: str | None = None
    structure: str | None = None


def earlier_files(folder):
    """File name -> EarlierFile of each `.bin` file of a folder with a dataset.json."""
    content = read_description_file(Path(folder) / FILE_NAME)
    recorded = {
        entry["name"]: EarlierFile(entry["sha256"], entry.get("structure"))
        for entry in (content["files"] if content["complete"] else ())
    }
    recorded |= _journal(Path(folder) / JOURNAL)
    unknown = EarlierFile()
    return {
        name: recorded.get(name, unknown) for name in files.names_in(folder, SUFFIX)
    }


def append_journal(folder, entries):
    """Add FileEntries of files that are complete."""
    path = Path(folder) / JOURNAL
    lines = [f"{one.structure} {one.sha256} {one.name}\n" for one in entries]
    with files.explained_write_errors(path), open(path, "a", encoding="utf-8") as log:
        log.write("".join(lines))


def remove_journal(folder):
    """Delete the journal; dataset.json says the same now."""
    (Path(folder) / JOURNAL).unlink(missing_ok=True)


def _journal(path):
    """File name -> EarlierFile; a line that was cut short is left out."""
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    matches = filter(None, map(_LINE.fullmatch, lines[:-1]))
    return {one[3]: EarlierFile(one[2], one[1]) for one in matches}
