"""From the texts of an INI file to the values of a configuration.

Nothing here stops at the first problem: a key that is wrong becomes None and the next
one is looked at.
"""

from dataclasses import fields
from types import SimpleNamespace

from pydantic import ValidationError

from annpot.config.schema.keys import (
    NOT_AVAILABLE,
    WITHOUT_EFFECT,
    Section,
    declared,
    expected,
    find_key,
    parse,
    spelling_of,
)
from annpot.config.unknown import meant_keys, tell_unknown_keys, tell_unknown_section
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
    element_type = getattr(config_type, "element_type", None)
    known = [section.name for section in sections.values()]
    more = getattr(config_type, "more_sections", ())
    others = [name for name in ini.headers if name not in known]
    tell_unknown_keys(sections.values(), element_type, ini, findings)
    parts = SimpleNamespace()
    for attribute, section in sections.items():
        setattr(parts, attribute, section_values(section, section.name, ini, findings))
    symbols = ()
    if element_type is not None:
        symbols = parts.data.atomic_sequence
        names = symbols or [name for name in others if is_element(name)]
        parts.elements = {
            name: section_values(element_type, name, ini, findings) for name in names
        }
        others = [name for name in others if name not in parts.elements]
    for name in others:
        tell_unknown_section(name, known, more, symbols or (), ini, findings)
    return parts


def section_values(section, name, ini, findings):
    """One section with its values; wrong or missing keys are None."""
    texts = _texts(section, name, ini)
    wrong = {attribute for attribute, text in texts.items() if text is None}
    texts = {a: text for a, text in texts.items() if a not in wrong}
    # Keys whose absence needs no second message.
    told = wrong | meant_keys(section, name, ini)
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


def _texts(section, name, ini):
    """{attribute: text}, {attribute: {N: text}} for numbered keys."""
    texts = {}
    for (owner, key), entry in ini.entries.items():
        attribute, number = find_key(section, key) if owner == name else (None, None)
        if attribute is None:
            continue
        if number is None:
            texts[attribute] = entry.text
        elif entry.text is not None:
            texts.setdefault(attribute, {})[number] = entry.text
    return texts


def _entry(section, name, attribute, ini):
    """Entry of a key; of the first one where there are several with numbers."""
    return next(
        entry
        for (owner, key), entry in ini.entries.items()
        if owner == name and find_key(section, key)[0] == attribute
    )


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
    entry = _entry(section, name, attribute, ini)
    detail = str(found["ctx"]["error"]) if found["type"] == "value_error" else ""
    if detail.startswith("expected") or not detail:
        found_text = detail.replace(", found", "; found").partition(";")[1:]
        detail = f"expected {expected(field)}{''.join(found_text)}"
    written = f"[{entry.section}] {entry.key} = {entry.text}".rstrip()
    findings.problem(f"{written}: {detail}.", entry.line)


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
            entry = _entry(section, name, attribute, ini)
            findings.problem(
                f"[{entry.section}] {entry.key} = {entry.text}: not available yet in "
                f"this version. {advice}",
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
            entry = _entry(section, name, attribute, ini)
            findings.notice(
                f"[{entry.section}] {entry.key} has no effect: "
                f"{told['without_effect']}.",
                entry.line,
            )
