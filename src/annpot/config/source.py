"""Where a configuration was read, and the same configuration written out in full."""

from dataclasses import dataclass, field
from pathlib import Path

from annpot.config.expanded import ExpandedKey, render
from annpot.config.ini import IniFile
from annpot.config.local import LOCAL


@dataclass(frozen=True)
class IniSource:
    """The file behind a configuration.

    Attributes:
        ini: the file, keys under their present names.
        notices: one line for each old name and each key without effect.
        keys: every key of the command with its value.
        given_keys: the same before values followed from others: what the file itself
            says, and defaults.
        local: {(section, key in lower case): name} of the keys that stand in [LOCAL].
    """

    ini: IniFile
    notices: tuple[str, ...] = ()
    keys: tuple[ExpandedKey, ...] = field(default=(), repr=False)
    given_keys: tuple[ExpandedKey, ...] = field(default=(), repr=False)
    local: dict[tuple[str, str], str] = field(default_factory=dict, repr=False)

    @property
    def path(self):
        """The file as the user named it."""
        return Path(self.ini.path)

    @property
    def result_keys(self):
        """frozenset of "[SECTION] key" of all keys that can change the result."""
        return frozenset(key.name for key in self.keys if key.affects_result)

    @property
    def free_keys(self):
        """frozenset of "[SECTION] key" of all keys that do not touch the result."""
        return frozenset(key.name for key in self.keys if not key.affects_result)

    def where(self, section, key=None):
        """`train.ini:27`, the place of a key; the section or the file if not there."""
        return self.ini.where(section, key)

    def is_given(self, section, key):
        """Whether the file itself holds the key, under its present or its old name."""
        return self.ini.has(section, key)

    def expanded_text(self, values=None):
        """INI text with every key and its value; loading it gives an equal config.

        Keys of [LOCAL] are in [LOCAL].

        Args:
            values: values to write instead, by (section, key): the seed that was
                drawn for a run, {("TRAINING_PARAMETERS", "seed"): 17}.
        """
        own = [key for key in self.keys if key.place not in self.local]
        local = [
            key.renamed(LOCAL, self.local[key.place])
            for key in self.keys
            if key.place in self.local
        ]
        return render(self._title, [*own, *local], values or {})

    def model_text(self, values=None):
        """The expanded text without the keys of [LOCAL], for what leaves this machine.

        Args:
            values: values to write instead, by (section, key).
        """
        own = [key for key in self.keys if key.place not in self.local]
        return render(self._title, own, values or {})

    def plan_text(self, values=None):
        """The expanded text without values that follow from others, without [LOCAL].

        What `annpot.config.stages` overrides has to be read from a text like this: a
        number of epochs that followed from max_steps would contradict another one.

        Args:
            values: values to write instead, by (section, key).
        """
        return render(self._title, self.given_keys, values or {})

    @property
    def _title(self):
        return f"{self.ini.path} with every key written out"
