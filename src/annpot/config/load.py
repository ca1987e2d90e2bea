"""Reading the INI file of a command into its frozen configuration."""

from functools import partial

from annpot.config.compatibility import modernised
from annpot.config.defaults import spread_defaults
from annpot.config.derived import DERIVED
from annpot.config.descriptor_config import DESCRIPTORS
from annpot.config.expanded import expanded_keys
from annpot.config.ini import read_ini
from annpot.config.rules import RULES
from annpot.config.source import IniSource
from annpot.config.validate import sections_of, validated


def load(config_type, path, given=None):
    """Configuration of type `config_type` from the INI file `path`.

    Args:
        config_type: for example TrainConfig.
        path: the file.
        given: {(section, key): text} that wins over the file, as from a flag.

    Raises:
        InputError: with every problem of the file, in the order of its lines.
    """
    command = config_type.command
    ini, findings = read_ini(path, partial(spread_defaults, config_type))
    if given:
        ini = ini.with_values(given)
    names = [section.name for section in sections_of(config_type).values()]
    ini = modernised(command, names, ini, findings)
    parts = validated(config_type, ini, findings)
    for rule in RULES[command]:
        rule(parts, ini, findings)
    findings.raise_if_wrong()
    for derive in DERIVED.get(command, ()):
        derive(parts)
    notices, keys = findings.notices, tuple(_keys(parts))
    if command in DESCRIPTORS:
        parts.descriptor = DESCRIPTORS[command](parts, ini, load)
        if parts.descriptor is not None:
            notices += parts.descriptor.source.notices
    return config_type(**vars(parts), source=IniSource(ini, notices, keys))


def _keys(parts):
    elements = vars(parts).get("elements", {})
    for attribute, section in vars(parts).items():
        if attribute != "elements":
            yield from expanded_keys(section.name, section)
    for symbol, section in elements.items():
        for key in expanded_keys(symbol, section):
            if key.value is not None:
                yield key
