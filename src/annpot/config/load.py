"""Reading the INI file of a command into its frozen configuration."""

from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace

from annpot.config.compatibility import modernised
from annpot.config.defaults import spread_defaults
from annpot.config.derived import DERIVED
from annpot.config.descriptor_config import DESCRIPTORS
from annpot.config.expanded import expanded_keys
from annpot.config.findings import Findings
from annpot.config.ini import IniFile, read_ini
from annpot.config.local import with_local
from annpot.config.other_command import raise_if_of_another_command
from annpot.config.rules import RULES
from annpot.config.source import IniSource
from annpot.config.validate import sections_of, validated


@dataclass(frozen=True)
class Reading:
    """A file on its way to a configuration.

    Attributes:
        ini: IniFile under present names, keys of [LOCAL] in their own sections.
        local: {(section, key in lower case): name} of the keys that [LOCAL] gave.
        findings: what there is to tell so far.
        parts: sections with their values; keys that are wrong are None.
    """

    ini: IniFile
    local: dict[tuple[str, str], str]
    findings: Findings
    parts: SimpleNamespace


def load(config_type, path, given=None, text=None):
    """Configuration of type `config_type` from the INI file `path`.

    Args:
        config_type: for example TrainConfig.
        path: the file.
        given: {(section, key): text} that wins over the file, as from a flag.
        text: the content, where it is not read from `path`.

    Raises:
        InputError: with every problem of the file, in the order of its lines.
    """
    ini, findings = read(config_type, path, text)
    reading = checked(config_type, present(config_type, ini, findings, given), findings)
    findings.raise_if_wrong()
    return built(config_type, reading, findings.notices)


def read(config_type, path, text=None):
    """(IniFile as written with [DEFAULT] spread over it, Findings).

    Raises:
        InputError: no INI file, or clearly one of another command.
    """
    ini, findings = read_ini(path, partial(spread_defaults, config_type), text)
    raise_if_of_another_command(config_type, ini)
    return ini, findings


def present(config_type, ini, findings, given=None):
    """(IniFile under present names with [LOCAL] resolved, names in [LOCAL])."""
    names = [section.name for section in sections_of(config_type).values()]
    ini = modernised(config_type.command, names, ini, findings)
    ini, local = with_local(config_type, ini, findings)
    return (ini.with_values(given) if given else ini), local


def checked(config_type, ini_and_local, findings):
    """Reading of a file under present names, with all that is wrong in `findings`."""
    ini, local = ini_and_local
    parts = validated(config_type, ini, findings)
    for rule in RULES[config_type.command]:
        rule(parts, ini, findings)
    return Reading(ini, local, findings, parts)


def built(config_type, reading, notices, **more):
    """The configuration of a Reading without problems.

    Args:
        config_type: for example TrainConfig.
        reading: Reading.
        notices: what to tell the user.
        more: further attributes of the configuration.
    """
    command, parts = config_type.command, reading.parts
    given_keys = tuple(_keys(parts))
    for derive in DERIVED.get(command, ()):
        derive(parts)
    keys = tuple(_keys(parts))
    if command in DESCRIPTORS:
        parts.descriptor = DESCRIPTORS[command](parts, reading.ini, load)
        if parts.descriptor is not None:
            notices += parts.descriptor.source.notices
    source = IniSource(reading.ini, notices, keys, given_keys, reading.local)
    return config_type(**vars(parts), **more, source=source)


def _keys(parts):
    elements = vars(parts).get("elements", {})
    for attribute, section in vars(parts).items():
        if attribute not in ("elements", "descriptor"):
            yield from expanded_keys(section.name, section)
    for symbol, section in elements.items():
        for key in expanded_keys(symbol, section):
            if key.value is not None:
                yield key
