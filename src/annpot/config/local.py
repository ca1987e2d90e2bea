"""The section [LOCAL]: keys of this machine and this run, kept out of models.

Any key that does not touch the result may stand there instead of in its own section.
"""

from annpot.config.settings import affects_result, find_setting, unknown_setting

LOCAL = "LOCAL"


def with_local(config_type, ini, findings):
    """(IniFile with the keys of [LOCAL] in their own sections, their names there).

    Args:
        config_type: for example TrainConfig; of the commands it alone knows [LOCAL].
        ini: IniFile under present names.
        findings: Findings, gets a problem for each key that is unknown, given twice,
            or touches the result.

    Returns:
        IniFile, {(section, key in lower case): name} of what [LOCAL] gave.
    """
    if LOCAL not in ini.headers or not has_local(config_type):
        return ini, {}
    names = {}
    entries = {place: one for place, one in ini.entries.items() if place[0] != LOCAL}
    for entry in (one for place, one in ini.entries.items() if place[0] == LOCAL):
        setting = find_setting(config_type, entry.key)
        if not _is_wrong(config_type, entry, setting, entries, findings):
            entries[setting.place] = entry
            names[setting.place] = setting.name
    headers = {name: line for name, line in ini.headers.items() if name != LOCAL}
    return ini.with_content(headers, entries), names


def has_local(config_type):
    """Whether the INI files of a command may have [LOCAL]."""
    return hasattr(config_type, "plain_sections")


def _is_wrong(config_type, entry, setting, entries, findings):
    """Whether an entry of [LOCAL] cannot be there; tells why."""
    if setting is None:
        hint = unknown_setting(
            config_type, entry.key, lambda one: not affects_result(one)
        )
        findings.problem(f"unknown key '{entry.key}' in [{LOCAL}]. {hint}", entry.line)
        return True
    if affects_result(setting):
        section = "an element" if setting.section == "X" else f"[{setting.section}]"
        findings.problem(
            f"[{LOCAL}] {entry.key} touches the result, which [{LOCAL}] may not. It "
            f"belongs to {section}.",
            entry.line,
        )
        return True
    other = entries.get(setting.place)
    if other is not None:
        findings.problem(
            f"[{LOCAL}] {entry.key} is also given in [{other.section}], line "
            f"{other.line}. Keep one.",
            entry.line,
        )
    return other is not None
