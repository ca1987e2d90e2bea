"""Where a configuration was read, and the same configuration written out in full."""

from dataclasses import dataclass, field
from pathlib import Path

from annpot.config.expanded import ExpandedKey, render
from annpot.config.ini import IniFile


@dataclass(frozen=True)
class IniSource:
    """The file behind a configuration.

    Attributes:
        ini: the file, keys under their present names.
        notices: one line for each old name and each key without effect.
        keys: every key of the command with its value.
    """

    ini: IniFile
    notices: tuple[str, ...] = ()
    keys: tuple[ExpandedKey, ...] = field(default=(), repr=False)

    @property
    def path(self):
        """The file as the user named it."""
        return Path(self.ini.path)

    def where(self, section, key=None):
        """`train.ini:27`, the place of a key; the section or the file if not there."""
        return self.ini.where(section, key)

    def is_given(self, section, key):
        """Whether the file itself holds the key, under its present or its old name."""
        return self.ini.has(section, key)

    def expanded_text(self, values=None):
        """INI text with every key and its value; loading it gives an equal config.

        Args:
            values: values to write instead, by (section, key): the seed that was
                drawn for a run, {("TRAINING_PARAMETERS", "seed"): 17}.
        """
        return render(self.path, self.keys, values or {})
