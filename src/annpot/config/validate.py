"""From the texts of an INI file to the values of a configuration.

Nothing here stops at the first problem: a key that is wrong becomes None and the next
one is looked at.
"""

import re
from dataclasses import fields
from difflib import get_close_matches
from types import SimpleNamespace

from pydantic import ValidationError

from annpot.config.schema.keys import (
    NOT_AVAILABLE,
    WITHOUT_EFFECT,
    Section,
    declared,
    expected,
    is_numbered,
    parse,
    spelling_of,
)
from annpot.elements import is_element


def sections_of(config_type):
    """{attribute: Section class} of a configuration."""
    return {
        field.name: field.type
        for field in fields(config_type)
        if isinstance(field.type, type) and issubclass(field.type, Section)
    }


def validated(config_type, ini, findings):
    """Sections of a configuration as a namespace; wrong or missing keys are None.

    Args:
        config_type: for example TrainConfig.
        ini: IniFile under present names.
        findings: Findings, gets a problem for all that is wrong and a notice for
            each key without effect.
    """
    sections = sections_of(config_type)
    parts = SimpleNamespace()
    for attribute, section in sections.items():
        setattr(parts, attribute, _section(section, section.name, ini, findings))
    known = [section.name for section in sections.values()]
    element_type = _element_type(config_type)
    others = [name for name in ini.headers if name not in known]
    if element_type is not None:
        parts.elements = _elements(element_type, parts, others, ini, findings)
        others = [name for name in others if name not in parts.elements]
    for name in others:
        _unknown_section(name, known, parts, ini, findings)
    return parts


def _element_type(config_type):
    return getattr(config_type, "element_type", None)


def _elements(element_type, parts, names, ini, findings):
    """Section of each element; where the elements are unknown, of each symbol found."""
    symbols = parts.data.atomic_sequence
    if symbols is None:
        symbols = [name for name in names if is_element(name)]
    return {name: _section(element_type, name, ini, findings) for name in symbols}


def _unknown_section(name, known, parts, ini, findings):
    symbols = getattr(getattr(parts, "data", None), "atomic_sequence", None)
    line = ini.line(name)
    if symbols and is_element(name):
        findings.problem(
            f"[{name}] is not an element of atomic_sequence ({', '.join(symbols)}). "
            "Add it there or remove the section.",
            line,
        )
        return
    choices = [*known, *(symbols or ())]
    close = get_close_matches(name.upper(), known, n=1)
    close = close or get_close_matches(name.capitalize(), choices, n=1)
    hint = f"Did you mean [{close[0]}]?" if close else f"Known: {', '.join(choices)}."
    findings.problem(f"unknown section [{name}]. {hint}", line)


def _section(section, name, ini, findings):
    """One section with its values; wrong or missing keys are None."""
    texts, meant = _texts(section, name, ini, findings)
    wrong = {attribute for attribute, text in texts.items() if text is None}
    texts = {a: text for a, text in texts.items() if a not in wrong}
    told = wrong | meant  # keys whose absence needs no second message
    try:
        values = section.model_validate(texts)
    except ValidationError as error:
        for found in error.errors():
            attribute = found["loc"][0]
            wrong.add(attribute)
            if found["type"] != "missing" or attribute not in told:
                _tell(section, name, found, ini, findings)
        values = _partial(section, texts, wrong)
    _tell_unavailable(section, name, values, texts, ini, findings)
    _tell_without_effect(section, name, texts, ini, findings)
    return values


def _partial(section, texts, wrong):
    """A section from what is right in it; its other keys are None."""
    good = {
        attribute: _parsed(section.model_fields[attribute], text)
        for attribute, text in texts.items()
        if attribute not in wrong
    }
    return section.model_construct(**good, **dict.fromkeys(wrong))


def _parsed(field, text):
    if isinstance(text, dict):
        return {number: parse(field, item) for number, item in text.items()}
    return parse(field, text)


def _texts(section, name, ini, findings):
    """({attribute: text}, attributes that a misspelt key was probably meant for)."""
    texts, meant = {}, set()
    for (owner, _), entry in ini.entries.items():
        if owner != name:
            continue
        attribute, number = find_key(section, entry.key)
        if attribute is None:
            meant.add(_unknown_key(section, name, entry, findings))
        elif number is None:
            texts[attribute] = entry.text
        elif entry.text is not None:
            texts.setdefault(attribute, {})[number] = entry.text
    return texts, meant


def find_key(section, written):
    """(attribute, None), (attribute, N) of a numbered key, or (None, None)."""
    for attribute, field in section.model_fields.items():
        spelling = spelling_of(section, attribute).lower()
        if not is_numbered(field) and written.lower() == spelling:
            return attribute, None
        if is_numbered(field):
            pattern = spelling.replace("n", r"(\d+)", 1)
            match = re.fullmatch(pattern, written.lower())
            if match:
                return attribute, int(match[1])
    return None, None


def _unknown_key(section, name, entry, findings):
    """Tell of an unknown key; returns the attribute it was probably meant for."""
    known = {
        spelling_of(section, attribute).lower(): attribute
        for attribute in section.model_fields
    }
    close = get_close_matches(entry.key.lower(), known, n=1)
    if close:
        hint = f"Did you mean '{spelling_of(section, known[close[0]])}'?"
    else:
        hint = "Remove it or check its section."
    findings.problem(f"unknown key '{entry.key}' in [{name}]. {hint}", entry.line)
    return known[close[0]] if close else None


def _tell(section, name, found, ini, findings):
    """Turn one of pydantic's findings into a sentence of ours."""
    attribute = found["loc"][0]
    field = section.model_fields[attribute]
    spelling = spelling_of(section, attribute)
    if found["type"] == "missing":
        findings.problem(
            f"[{name}] {spelling} is missing: expected {expected(field)} "
            f"({field.description}).",
            ini.line(name),
        )
        return
    entry = ini.entries[(name, spelling.lower())]
    detail = str(found["ctx"]["error"]) if found["type"] == "value_error" else ""
    if detail.startswith("expected") or not detail:
        found_text = detail.replace(", found", "; found").partition(";")[1:]
        detail = f"expected {expected(field)}{''.join(found_text)}"
    findings.problem(f"[{name}] {entry.key} = {entry.text}: {detail}.", entry.line)


def _tell_unavailable(section, name, values, texts, ini, findings):
    """Tell of given keys, and of values, that this version does not have."""
    for attribute in texts:
        field = section.model_fields[attribute]
        value = getattr(values, attribute)
        told = declared(field)
        advice = told["later"].get(value) if isinstance(value, str) else None
        if told["status"] == NOT_AVAILABLE and not _asks_for_nothing(field, value):
            advice = told["instead"]
        if advice:
            entry = ini.entries[(name, spelling_of(section, attribute).lower())]
            findings.problem(
                f"[{name}] {entry.key} = {entry.text}: not available yet in this "
                f"version. {advice}",
                entry.line,
            )


def _asks_for_nothing(field, value):
    if value is None or value == field.default:
        return True
    return isinstance(value, tuple) and not any(value)


def _tell_without_effect(section, name, texts, ini, findings):
    for attribute in texts:
        told = declared(section.model_fields[attribute])
        if told["status"] == WITHOUT_EFFECT:
            entry = ini.entries[(name, spelling_of(section, attribute).lower())]
            findings.notice(
                f"[{name}] {entry.key} has no effect: {told['without_effect']}.",
                entry.line,
            )
