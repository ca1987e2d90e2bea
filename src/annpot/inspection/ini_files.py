"""Sheets of INI files: which command they are for, and what is wrong with them."""

from pathlib import Path

from annpot import config
from annpot.config.ini import read_ini
from annpot.config.other_command import commands_of
from annpot.errors import InputError
from annpot.inspection.sheet import Sheet
from annpot.wording import counted

LOADERS = {
    "app_train": config.load_train,
    "app_gvect_calculator": config.load_gvect,
    "app_tfr_packer": config.load_tfr,
    "app_evaluate": config.load_evaluate,
    "app_extract_weights": config.load_extract,
}
STAGE = "STAGE:"
PROBLEMS_SHOWN = 5


def ini_sheet(path):
    """Sheet of an INI file: the command that understands it best.

    Raises:
        InputError: it is no INI file at all.
    """
    path = Path(path)
    ini, _ = read_ini(path)
    sections = list(ini.headers)
    if not sections:
        raise InputError(f"{path}: no section, expected one like [IO_INFORMATION].")
    found = {name: _loaded(LOADERS[name], path) for name in commands_of(ini)}
    fewest = min(len(problems) for _, problems in found.values())
    commands = [name for name, (_, wrong) in found.items() if len(wrong) == fewest]
    read, problems = found[commands[0]]
    is_known = fewest == 0 or _is_ours(sections)
    facts = {
        "command": " or ".join(commands) if is_known else None,
        "sections": [name for name in sections if not name.startswith(STAGE)],
        "stages": [n.removeprefix(STAGE) for n in sections if n.startswith(STAGE)]
        or None,
        "keys": len(ini.entries),
        "problems": fewest if is_known else None,
    }
    notes = [] if read is None else list(read.source.notices)
    if is_known:
        notes += problems[:PROBLEMS_SHOWN]
        if fewest > PROBLEMS_SHOWN:
            notes.append(f"... {counted(fewest, 'problem')} in all")
    text = None if read is None else read.source.expanded_text()
    kind = "INI file" if is_known else "INI file of another program"
    return Sheet(str(path), kind, facts, (), tuple(notes), text, is_known)


def _loaded(load, path):
    """(configuration or None, problems) of an INI file read for one command."""
    try:
        return load(path), []
    except InputError as error:
        return None, error.problems


def _is_ours(sections):
    ours = ("_INFORMATION", "_PARAMETERS", "SYMMETRY_FUNCTION", "_OPTIONS", "_NETWORK")
    return any(name.startswith(STAGE) or name.endswith(ours) for name in sections)
