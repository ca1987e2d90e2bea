"""Reading an INI file so that each key remembers its line.

Grammar of Python's configparser: `key = value` or `key : value`, keys in any case,
whole-line comments after # or ;, values that go on in indented lines. Besides, a
comment may end a line (` # like this`), and values may refer to others, see
`annpot.config.interpolation`. The keys of a section [DEFAULT] feed such references and
may be spread over the other sections, see `annpot.config.defaults`.
"""

from configparser import MissingSectionHeaderError, ParsingError
from dataclasses import dataclass, replace
from pathlib import Path

from configupdater import ConfigUpdater, Option, Section

from annpot.config.findings import Findings, place
from annpot.config.interpolation import DEFAULT, InterpolationError, interpolate
from annpot.errors import InputError

COMMENT_SIGNS = ("#", ";")


@dataclass(frozen=True)
class Entry:
    """One key of an INI file.

    Attributes:
        section: section as written, [LOCAL] and those of stages included.
        key: key as written.
        text: value with its references resolved, comments removed; None when a
            reference could not be resolved.
        line: line of the key, from 1; None for a key that is not in the file.
        path: file of the key where that is not the IniFile's own.
    """

    section: str
    key: str
    text: str | None
    line: int | None
    path: Path | None = None


@dataclass(frozen=True)
class IniFile:
    """The content of an INI file.

    Attributes:
        path: as given by the user; for a text that is no file what it is called.
        headers: line of each section's header, by section.
        entries: Entry by (section, key in lower case); the section is the one that
            the key belongs to, wherever it is written.
    """

    path: Path | str
    headers: dict[str, int]
    entries: dict[tuple[str, str], Entry]

    def line(self, section, key=None):
        """Line of a key, else of its section's header, else None."""
        entry = self.entries.get((section, (key or "").lower()))
        return entry.line if entry else self.headers.get(section)

    def where(self, section, key=None):
        """`train.ini:27`: where a key is, as far as the file knows."""
        entry = self.entries.get((section, (key or "").lower()))
        path = (entry and entry.path) or self.path
        return place(path, self.line(section, key))

    def has(self, section, key):
        """Whether a key is written in the file."""
        return (section, key.lower()) in self.entries

    def with_content(self, headers, entries):
        """The same file with other headers and entries."""
        return replace(self, headers=headers, entries=entries)

    def with_values(self, given):
        """The same with {(section, key): text} in place of what the file says."""
        headers = {section: None for section, _ in given} | self.headers
        entries = self.entries | {
            (section, key.lower()): Entry(section, key, text, None)
            for (section, key), text in given.items()
        }
        return self.with_content(headers, entries)


def read_ini(path, spread=None, text=None):
    """(IniFile, Findings) of a file.

    Duplicate keys or sections and unresolved references are problems; the rest of
    the file is read all the same.

    Args:
        path: the file.
        spread: `spread(headers, entries, findings)` -> entries with those of
            [DEFAULT] given to other sections; None leaves them to references.
        text: the content, where it is not to be read from `path`, which then says
            only where the text comes from.

    Raises:
        InputError: the file is missing, a folder, not UTF-8, or no INI file at all.
    """
    if text is None:
        path = Path(path)
        text = _read_text(path)
    findings = Findings(path)
    headers, raw = _collect(_parse(path, text), findings)
    if spread is not None:
        raw = spread(headers, raw, findings)
    entries = {}
    for place_of_key, entry in raw.items():
        if entry.section != DEFAULT:
            entries[place_of_key] = _resolved(entry, raw, findings)
    headers.pop(DEFAULT, None)
    return IniFile(path, headers, entries), findings


def _read_text(path):
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(
            f"{path}: no such file. Correct the path of the INI file."
        ) from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder, expected an INI file.") from None
    except PermissionError:
        raise InputError(f"{path}: cannot be read. Change its permissions.") from None
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: byte {error.start} is not UTF-8 text, expected an INI file. "
            "Save the file as UTF-8."
        ) from None


def _parse(path, text):
    """ConfigUpdater of a text; whatever is no INI is told at once."""
    updater = ConfigUpdater(strict=False)
    updater.optionxform = str
    try:
        updater.read_string(text)
    except MissingSectionHeaderError as error:
        raise InputError(
            f"{place(path, error.lineno)}: found {error.line.strip()!r} before any "
            "section, expected a header such as [IO_INFORMATION]."
        ) from None
    except ParsingError as error:
        lines = text.splitlines()
        raise InputError(
            [
                f"{place(path, line)}: found {lines[line - 1].strip()!r}, "
                "expected 'key = value' or '[SECTION]'."
                for line, _ in error.errors
            ]
        ) from None
    return updater


def _collect(updater, findings):
    """Headers and entries with their lines, values not yet interpolated."""
    headers, entries, line = {}, {}, 1
    for block in updater.iter_blocks():
        if not isinstance(block, Section):
            line += len(block.lines)
            continue
        _note_header(block.name, line, headers, findings)
        line += 1
        for item in block.iter_blocks():
            if isinstance(item, Option):
                _note_entry(block.name, item, line, entries, findings)
            line += len(item.lines)
    return headers, entries


def _note_header(section, line, headers, findings):
    if section in headers:
        findings.problem(
            f"section [{section}] appears a second time, first in line "
            f"{headers[section]}. Join the two.",
            line,
        )
    headers.setdefault(section, line)


def _note_entry(section, option, line, entries, findings):
    place_of_key = (section, option.raw_key.lower())
    if place_of_key in entries:
        findings.problem(
            f"key '{option.raw_key}' is given a second time in [{section}], first in "
            f"line {entries[place_of_key].line}. Keep one.",
            line,
        )
        return
    entries[place_of_key] = Entry(section, option.raw_key, _value(option), line)


def _value(option):
    """Value of an option without comments, its lines joined by blanks."""
    first, *rest = option.lines
    lines = [first.strip()[len(option.raw_key) :].lstrip()[1:], *rest]
    kept = [text for text in map(_without_comment, lines) if text]
    return " ".join(kept)


def _without_comment(line):
    """A line without blanks at its ends and without its comment."""
    line = line.strip()
    if line.startswith(COMMENT_SIGNS):
        return ""
    for sign in COMMENT_SIGNS:
        for blank in (" ", "\t"):
            line = line.partition(blank + sign)[0]
    return line.strip()


def _resolved(entry, entries, findings):
    try:
        return replace(entry, text=interpolate(entry, entries))
    except InterpolationError as error:
        findings.problem(f"[{entry.section}] {entry.key}: {error}", entry.line)
        return replace(entry, text=None)
