"""INI files with PANNA's old names, translated into the present ones.

Only this module and its tables, `annpot.config.old_names`, know them: behind it there
is one name for each key.
"""

from dataclasses import replace

from annpot.config.ini import Entry, IniFile
from annpot.config.old_names import (
    ALL_NETWORKS,
    DIRECTIONS,
    GONE_VALUES,
    RENAMED,
    RETIRED,
    SECTIONS,
    VALUES,
)


def modernised(command, known_sections, ini, findings):
    """IniFile with all old names replaced by present ones; lines stay.

    Args:
        command: `app_train`.
        known_sections: sections of today; others are emptied and dropped.
        ini: IniFile as written.
        findings: Findings, gets a notice for each old name and a problem for each
            old key that asks for something not available.
    """
    headers, entries = _rename_sections(command, ini, findings)
    for rule in RENAMED:
        if rule.command == command and _lower(rule.old) in entries:
            _rename(rule, entries, findings)
    if command == "app_gvect_calculator":
        _join_periodic_directions(entries, findings)
    for rule in RETIRED:
        if rule.command == command and _lower(rule.old) in entries:
            _retire(rule, entries, findings)
    for name, entry in entries.items():
        entries[name] = _present_value(command, entry, findings)
    for section in old_sections(command) - set(known_sections):
        _close_section(section, headers, entries, findings)
    return IniFile(ini.path, headers, entries)


def old_sections(command):
    """Sections that old keys of a command may stand in."""
    return {rule.old[0] for rule in (*RENAMED, *RETIRED) if rule.command == command}


def present_name(command, section, key):
    """(section, key) of today, in lower case, for an old name; None for no old name."""
    present = SECTIONS.get((command, section), section), key.lower()
    for rule in RENAMED:
        if rule.command == command and _lower(rule.old) == present:
            return _lower(rule.new)
    for rule in RETIRED:
        if rule.command == command and _lower(rule.old) == present:
            return present
    if command == "app_gvect_calculator" and present in DIRECTIONS:
        return present
    return None


def _lower(name):
    section, key = name
    return section, key.lower()


def _rename_sections(command, ini, findings):
    headers, entries = dict(ini.headers), dict(ini.entries)
    for (owner, old), new in SECTIONS.items():
        if owner != command or old not in headers or new in headers:
            continue
        findings.notice(f"[{old}] is an old name of [{new}].", ini.headers[old])
        headers[new] = headers.pop(old)
        for section, key in [name for name in entries if name[0] == old]:
            entries[(new, key)] = replace(entries.pop((section, key)), section=new)
    return headers, entries


def _rename(rule, entries, findings):
    entry = entries.pop(_lower(rule.old))
    section, key = rule.new
    old, new = f"[{entry.section}] {entry.key}", f"[{section}] {key}"
    text = entry.text if entry.text is None else rule.convert(entry.text)
    present = entries.get(_lower(rule.new))
    if present is None:
        note = f", {rule.note}" if rule.note else ""
        findings.notice(f"{old} is an old name of {new}{note}.", entry.line)
        entries[_lower(rule.new)] = Entry(section, key, text, entry.line)
    elif rule.yields or text == present.text:
        findings.notice(f"{old} has no effect: {new} is given.", entry.line)
    else:
        findings.problem(
            f"{old} = {entry.text}: it is an old name of {new}, which is given in line "
            f"{present.line} with another value. Keep one.",
            entry.line,
        )


def _join_periodic_directions(entries, findings):
    """pbc1, pbc2, pbc3, each False when absent -> use_pbc."""
    found = {name: entries.pop(name) for name in DIRECTIONS if name in entries}
    if not found:
        return
    first = min(found.values(), key=lambda entry: entry.line)
    if ("PBC", "use_pbc") in entries:
        findings.notice(
            "[PBC] pbc1 .. pbc3 have no effect: use_pbc is given.", first.line
        )
        return
    texts = [
        found[name].text or "" if name in found else "False" for name in DIRECTIONS
    ]
    findings.notice("[PBC] pbc1 .. pbc3 are old names of [PBC] use_pbc.", first.line)
    entries[("PBC", "use_pbc")] = Entry("PBC", "use_pbc", ", ".join(texts), first.line)


def _retire(rule, entries, findings):
    entry = entries.pop(_lower(rule.old))
    asked = (entry.text or "").strip().lower()
    written = f"[{entry.section}] {entry.key}"
    if rule.off is None or asked in rule.off:
        findings.notice(f"{written} has no effect: {rule.why}.", entry.line)
    else:
        findings.problem(
            f"{written} = {entry.text}: not available. {rule.instead}", entry.line
        )


def _present_value(command, entry, findings):
    """The entry with the present spelling of its value."""
    section, key = entry.section, entry.key.lower()
    asked = (entry.text or "").strip().lower()
    gone = GONE_VALUES.get((command, section, key), {})
    if asked in gone:
        findings.problem(
            f"[{section}] {entry.key} = {entry.text}: not available. {gone[asked]}",
            entry.line,
        )
        return replace(entry, text=None)
    spellings = VALUES.get((command, section, key)) or VALUES.get(
        (command, ALL_NETWORKS, key), {}
    )
    present = spellings.get(asked)
    if present is None or present == entry.text:
        return entry
    findings.notice(
        f"[{section}] {entry.key} = {entry.text} is read as {present}.", entry.line
    )
    return replace(entry, text=present)


def _close_section(section, headers, entries, findings):
    """Drop an old section; what is left in it is unknown."""
    headers.pop(section, None)
    for name in [name for name in entries if name[0] == section]:
        entry = entries.pop(name)
        findings.problem(
            f"unknown key '{entry.key}' in [{section}]. Remove it or check its "
            "section.",
            entry.line,
        )
