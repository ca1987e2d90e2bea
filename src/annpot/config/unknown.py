"""Sections and keys that nobody knows, and what was probably meant."""

import re
from difflib import get_close_matches

from annpot.config.schema.keys import find_key, spelling_of
from annpot.elements import is_element


def tell_unknown_section(name, known, others, symbols, ini, findings):
    """Tell of a section that a command does not have.

    Args:
        name: the section as written.
        known: sections of the command.
        others: [LOCAL] and [STAGE:name] where the command has them.
        symbols: elements of atomic_sequence, each may have a section.
        ini: IniFile.
        findings: Findings to add to.
    """
    if symbols and is_element(name):
        findings.problem(
            f"[{name}] is not an element of atomic_sequence ({', '.join(symbols)}). "
            "Add it there or remove the section.",
            ini.line(name),
        )
        return
    stage = re.match(r"stage(?:s?\W+)?(\w[\w.-]*)", name, re.IGNORECASE)
    if stage and others and name.lower() != "stages":
        findings.problem(
            f"unknown section [{name}]. Did you mean [STAGE:{stage[1]}]?",
            ini.line(name),
        )
        return
    known = [*known, *others]
    close = get_close_matches(name.upper(), known, n=1)
    close = close or get_close_matches(name.capitalize(), symbols, n=1)
    choices = ", ".join((*known, *symbols))
    hint = f"Did you mean [{close[0]}]?" if close else f"Known: {choices}."
    findings.problem(f"unknown section [{name}]. {hint}", ini.line(name))


def tell_unknown_keys(sections, element_type, ini, findings):
    """Tell of each key that its section does not have.

    Args:
        sections: Section classes of the command.
        element_type: Section class of the element sections, or None.
        ini: IniFile.
        findings: Findings to add to.
    """
    by_name = {section.name: section for section in sections}
    for entry in ini.entries.values():
        section = by_name.get(entry.section)
        if section is None and is_element(entry.section):
            section = element_type
        if section is None or find_key(section, entry.key)[0] is not None:
            continue
        hint = _hint(section, by_name.values(), entry.key)
        findings.problem(
            f"unknown key '{entry.key}' in [{entry.section}]. {hint}", entry.line
        )


def meant_keys(section, name, ini):
    """Attributes that the unknown keys of a section were probably meant for."""
    unknown = [
        entry.key
        for entry in ini.entries.values()
        if entry.section == name and find_key(section, entry.key)[0] is None
    ]
    return {_closest(section, key) for key in unknown} - {None}


def _hint(section, sections, key):
    owners = [other for other in sections if find_key(other, key)[0] is not None]
    close = _closest(section, key)
    if owners:
        return f"It belongs to [{owners[0].name}]."
    if close:
        return f"Did you mean '{spelling_of(section, close)}'?"
    return "Remove it or check its section."


def closest_of_all(sections, key):
    """Spelling, in any of the sections, that is closest to an unknown key, or None."""
    known = {
        spelling_of(section, name).lower(): spelling_of(section, name)
        for section in sections
        for name in section.model_fields
    }
    close = get_close_matches(key.lower(), known, n=1)
    return known[close[0]] if close else None


def _closest(section, key):
    """Attribute whose spelling is closest to an unknown key, or None."""
    known = {spelling_of(section, name).lower(): name for name in section.model_fields}
    close = get_close_matches(key.lower(), known, n=1)
    return known[close[0]] if close else None
