"""INI files that were written for another command."""

from importlib import import_module

from annpot.config.known_keys import KnownKeys
from annpot.config.local import LOCAL, has_local
from annpot.config.schema.stage import is_stage_header
from annpot.errors import InputError

CONFIGS = {  # command -> its module in annpot.config.schema, its class
    "app_gvect_calculator": ("gvect", "GvectConfig"),
    "app_tfr_packer": ("tfr", "TfrConfig"),
    "app_train": ("train", "TrainConfig"),
    "app_evaluate": ("evaluate", "EvaluateConfig"),
    "app_extract_weights": ("extract", "ExtractConfig"),
}


def raise_if_of_another_command(config_type, ini):
    """Refuse a file that another command understands and this one does not.

    Another command counts where it knows every key, or where the keys that it does
    not know are at most a third of those that this one does not know.

    Args:
        config_type: the configuration to be read.
        ini: IniFile as written.

    Raises:
        InputError: it is clearly one of another command.
    """
    n_strange = _number_of_strange_keys(config_type, ini)
    if n_strange == 0:
        return
    others = {
        name: _config_type(name) for name in CONFIGS.keys() - {config_type.command}
    }
    counts = {name: _number_of_strange_keys(one, ini) for name, one in others.items()}
    fewest = min(counts.values())
    meant = [name for name in CONFIGS if counts.get(name) == fewest]
    if len(meant) == 1 and 3 * fewest <= n_strange and n_strange >= 2:
        raise InputError(
            f"{ini.path}: is an INI file of {meant[0]}, expected one of "
            f"{config_type.command}. Give the right file, or start {meant[0]} with it."
        )


def commands_of(ini):
    """Commands that know the most keys of a file: most often one.

    Args:
        ini: IniFile as written.
    """
    counts = {
        name: _number_of_strange_keys(_config_type(name), ini) for name in CONFIGS
    }
    return [name for name in CONFIGS if counts[name] == min(counts.values())]


def _number_of_strange_keys(config_type, ini):
    """Keys of a file that a command does not know."""
    known = KnownKeys(config_type)
    return sum(
        known.name(section, key) is None
        for section, key in ini.entries
        if not (
            has_local(config_type) and (section == LOCAL or is_stage_header(section))
        )
    )


def _config_type(command):
    module, name = CONFIGS[command]
    return getattr(import_module(f"annpot.config.schema.{module}"), name)
