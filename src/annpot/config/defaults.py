"""The section [DEFAULT]: its keys count in all sections that know them."""

from dataclasses import replace

from annpot.config.compatibility import (
    DIRECTIONS,
    RENAMED,
    RETIRED,
    SECTIONS,
    old_sections,
)
from annpot.config.interpolation import DEFAULT, referred_keys
from annpot.config.schema.keys import find_key, spelling_of
from annpot.config.unknown import closest_of_all
from annpot.config.validate import sections_of
from annpot.elements import is_element


def spread_defaults(config_type, headers, entries, findings):
    """Entries with each key of [DEFAULT] copied into the sections that know it.

    A section that gives the key itself, under its present or an old name, keeps its
    own. References inside a copied value are those of the section it is copied to.

    Args:
        config_type: for example TrainConfig.
        headers: line of each section's header, by section.
        entries: Entry by (section, lower-case key), not interpolated.
        findings: Findings, gets a problem for each key that neither a section knows
            nor a value refers to, and a notice for one without its section.

    Returns:
        entries in the same form, those of [DEFAULT] included.
    """
    defaults = [entry for entry in entries.values() if entry.section == DEFAULT]
    if not defaults:
        return entries
    known = _Known(config_type)
    spread = dict(entries)
    given = {known.name(*place) for place in entries if place[0] != DEFAULT}
    for entry in defaults:
        used = False
        for section in headers:
            name = known.name(section, entry.key)
            used = used or name is not None
            if name is not None and name not in given:
                given.add(name)
                copied = replace(entry, section=section)
                spread[(section, entry.key.lower())] = copied
        if not used:
            _tell_unused(entry, entries, known, findings)
    return spread


def _tell_unused(entry, entries, known, findings):
    """A problem or a notice, unless a value refers to the key."""
    texts = [other.text for other in entries.values()]
    if any(entry.key.lower() in referred_keys(text) for text in texts):
        return
    owners = known.owners(entry.key)
    if owners:
        findings.notice(
            f"[{DEFAULT}] {entry.key} has no effect: it belongs to "
            f"{' or '.join(f'[{name}]' for name in owners)}, which the file does not "
            "have.",
            entry.line,
        )
        return
    close = closest_of_all(known.sections.values(), entry.key)
    hint = f"Did you mean '{close}'?" if close else "Remove it."
    findings.problem(
        f"unknown key '{entry.key}' in [{DEFAULT}]: no section of {known.command} "
        f"knows it and no value refers to it. {hint}",
        entry.line,
    )


class _Known:
    """The sections and keys of one command, under present and old names.

    Attributes:
        command: `app_train`.
        sections: {name: Section class}.
    """

    def __init__(self, config_type):
        self.command = config_type.command
        self.sections = {one.name: one for one in sections_of(config_type).values()}
        self._element_type = getattr(config_type, "element_type", None)
        if self._element_type is not None:
            self.sections[self._element_type.name] = self._element_type

    def name(self, section, key):
        """(section, key) of today, in lower case; None when the section has no such."""
        old = _old_name(self.command, section, key)
        if old is not None:
            return old
        section = SECTIONS.get((self.command, section), section)
        schema = self.sections.get(section)
        if schema is None and is_element(section):
            schema = self._element_type
        attribute, number = find_key(schema, key) if schema else (None, None)
        if attribute is None:
            return None
        spelling = key if number is not None else spelling_of(schema, attribute)
        return section, spelling.lower()

    def owners(self, key):
        """Sections that know a key, whether or not a file has them."""
        names = [*self.sections, *sorted(old_sections(self.command))]
        return [name for name in dict.fromkeys(names) if self.name(name, key)]


def _old_name(command, section, key):
    """(section, key) of today, in lower case, for an old name; None for no old name."""
    present = SECTIONS.get((command, section), section), key.lower()
    for rule in RENAMED:
        if rule.command == command and _lower(*rule.old) == present:
            return _lower(*rule.new)
    for rule in RETIRED:
        if rule.command == command and _lower(*rule.old) == present:
            return present
    if command == "app_gvect_calculator" and present in DIRECTIONS:
        return present
    return None


def _lower(section, key):
    return section, key.lower()
