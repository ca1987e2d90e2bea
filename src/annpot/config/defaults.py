"""The section [DEFAULT]: its keys count in all sections that know them."""

from dataclasses import replace

from annpot.config.interpolation import DEFAULT, referred_keys
from annpot.config.known_keys import KnownKeys
from annpot.config.local import LOCAL
from annpot.config.unknown import closest_of_all


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
    known = KnownKeys(config_type)
    spread = dict(entries)
    given = {known.name(*place) for place in entries if place[0] != DEFAULT}
    for entry in defaults:
        used = False
        for section in [name for name in headers if name != LOCAL]:
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
