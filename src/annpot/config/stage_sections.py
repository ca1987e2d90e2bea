"""The sections [STAGE:name] of an INI file, apart from the rest of it."""

from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial
from pathlib import Path

from annpot.config.findings import place
from annpot.config.ini import Entry, read_ini
from annpot.config.schema.keys import find_key
from annpot.config.schema.stage import (
    GOOD_NAME,
    HEADER,
    TAKEN_NAMES,
    StageKeys,
    is_stage_header,
    may_change,
    why_not,
)
from annpot.config.settings import find_setting, unknown_setting
from annpot.errors import InputError

WAY_OUT_OF_STORED = (
    "this is the stored plan of the train_dir. Restore it, or delete it: results stay, "
    "and so do all stages that the INI file has."
)


@dataclass(frozen=True)
class StageSection:
    """One section [STAGE:name] as written.

    Attributes:
        name: of the stage.
        path: the file it is in.
        line: line of its header.
        entries: Entry of each key, in the order of the file.
    """

    name: str
    path: Path | str
    line: int | None
    entries: tuple[Entry, ...]

    @property
    def header(self):
        """`STAGE:name`."""
        return f"{HEADER}{self.name}"

    def entry(self, key):
        """Entry of one of the keys of StageKeys, or None."""
        return next((one for one in self.entries if one.key.lower() == key), None)

    def line_of(self, key):
        """Line of one of these keys, else of the header."""
        entry = self.entry(key)
        return entry.line if entry else self.line

    def where(self, key=None):
        """`train.ini:27`."""
        return place(self.path, self.line_of(key))


def without_stages(ini):
    """(IniFile of everything else, {name: StageSection} in the order of the file)."""
    headers = {
        name: line for name, line in ini.headers.items() if not is_stage_header(name)
    }
    entries = {
        place: entry
        for place, entry in ini.entries.items()
        if not is_stage_header(place[0])
    }
    return ini.with_content(headers, entries), _stages_of(ini)


def load_stage_sections(path):
    """{name: StageSection} of a file that holds only sections [STAGE:name].

    Raises:
        InputError: it cannot be read, holds no stage, or something else as well.
    """
    ini, findings = read_ini(path)
    for name, line in ini.headers.items():
        if not is_stage_header(name):
            findings.problem(
                f"found [{name}], expected sections [{HEADER}name] only. Remove it; "
                "settings of all stages are in the INI file of the run.",
                line,
            )
    findings.raise_if_wrong()
    stages = _stages_of(ini)
    if not stages:
        raise InputError(f"{path}: has no section [{HEADER}name]. Add the stage.")
    return stages


def stored_stage_sections(path):
    """{name: StageSection} of a stored plan, of which nothing else is looked at.

    A file that does not exist holds none.

    Raises:
        InputError: it cannot be read.
    """
    if not Path(path).exists():
        return {}
    try:
        ini, findings = read_ini(path)
        findings.raise_if_wrong()
    except InputError as error:
        raise InputError(error.problems, f"{path}: {WAY_OUT_OF_STORED}") from None
    return _stages_of(ini)


def _stages_of(ini):
    return {
        (name := header.removeprefix(HEADER)): StageSection(
            name,
            ini.path,
            line,
            tuple(
                replace(one, path=Path(ini.path))
                for place, one in ini.entries.items()
                if place[0] == header
            ),
        )
        for header, line in ini.headers.items()
        if is_stage_header(header)
    }


def tell_bad_names(sections, findings):
    """Tell of names of stages that cannot be the names of folders."""
    seen = {}
    for section in sections.values():
        name = section.name
        tell = partial(findings.problem, line=section.line, path=section.path)
        if not GOOD_NAME.fullmatch(name) or name.endswith("."):
            tell(
                f"[{section.header}]: {name!r} cannot be the name of a stage, which is "
                "also that of its folder. Use up to 100 letters, digits, _ . and -, "
                "with a letter, digit or _ first."
            )
        elif name.lower() in TAKEN_NAMES:
            tell(
                f"[{section.header}]: {name} is a file beside the folders of the "
                "stages. Choose another name."
            )
        elif name.lower() in seen:
            tell(
                f"[{section.header}] differs from [{HEADER}{seen[name.lower()]}] only "
                "in upper and lower case, which not all disks tell apart. Choose "
                "another name."
            )
        seen.setdefault(name.lower(), name)


def overrides(config_type, section, symbols, findings):
    """{Setting: Entry} of the keys that a stage overrides.

    Args:
        config_type: TrainConfig.
        section: StageSection.
        symbols: elements of atomic_sequence, () when it is wrong.
        findings: Findings, gets a problem for each key that is unknown, given twice
            or that no stage may change.
    """
    found = {}
    for entry in section.entries:
        if find_key(StageKeys, entry.key)[0] is not None:
            continue
        setting = find_setting(config_type, entry.key)
        wrong = _what_is_wrong(config_type, entry, setting, found, symbols)
        if wrong:
            findings.problem(wrong, entry.line, section.path)
        else:
            found[setting] = entry
    return found


def _what_is_wrong(config_type, entry, setting, found, symbols):
    """A sentence on an entry that cannot be an override, else None."""
    written = f"[{entry.section}] {entry.key}"
    if setting is None:
        hint = unknown_key(config_type, entry.key)
        return f"unknown key '{entry.key}' in [{entry.section}]. {hint}"
    if not may_change(setting):
        where = "an element" if setting.section == "X" else f"[{setting.section}]"
        return (
            f"{written}: no stage may change it, {why_not(setting)}. Remove it here; "
            f"it is a key of {where}."
        )
    is_element = setting.schema is config_type.element_type
    if is_element and symbols and setting.section not in symbols:
        return (
            f"{written}: {setting.section} is not an element of atomic_sequence "
            f"({', '.join(symbols)})."
        )
    if setting in found:
        return (
            f"{written} is given a second time, first as '{found[setting].key}' in "
            f"line {found[setting].line}. Keep one."
        )
    return None


def unknown_key(config_type, written):
    """What to do about an unknown key of a stage: one sentence."""
    close = get_close_matches(written.lower(), StageKeys.model_fields, n=1, cutoff=0.75)
    if close:
        return f"Did you mean '{close[0]}'?"
    return unknown_setting(config_type, written, may_change)
