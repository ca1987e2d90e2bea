"""A configuration as INI text with nothing left out."""

from dataclasses import dataclass, replace

from annpot import __version__
from annpot.config.interpolation import escaped
from annpot.config.schema.keys import (
    SUPPORTED,
    declared,
    grammar_of,
    is_numbered,
    numbered,
    spelling_of,
)


@dataclass(frozen=True)
class ExpandedKey:
    """One key of an expanded file.

    Attributes:
        section: section as written.
        key: key as written.
        value: its value; None when unset.
        format: value -> text.
        unset: what it means that the key is unset.
        affects_result: whether another value can change the numbers that come out.
    """

    section: str
    key: str
    value: object
    format: object
    unset: str
    affects_result: bool = True

    @property
    def name(self):
        """`[SECTION] key`."""
        return f"[{self.section}] {self.key}"

    @property
    def place(self):
        """(section, key in lower case), as IniFile has it."""
        return self.section, self.key.lower()

    def renamed(self, section, key):
        """The same key with its value, written elsewhere."""
        return replace(self, section=section, key=key)

    def text(self):
        """The value as an INI file writes it; None when unset."""
        return None if self.value is None else self.format(self.value)


def expanded_keys(name, section):
    """ExpandedKey of each key of a section.

    Keys that are not supported appear only where they were given a value.

    Args:
        name: the section as written between the brackets.
        section: Section with its values.
    """
    keys = []
    for attribute, field in type(section).model_fields.items():
        value = getattr(section, attribute)
        if declared(field)["status"] != SUPPORTED and value == field.default:
            continue
        spelling = spelling_of(type(section), attribute)
        unset = declared(field)["default_text"] or ""
        matters = declared(field)["affects_result"]
        show = grammar_of(field).format
        if is_numbered(field):
            written = [(numbered(spelling, n), item) for n, item in value.items()]
        else:
            written = [(spelling, value)]
        keys += [
            ExpandedKey(name, text, item, show, unset, matters)
            for text, item in written
        ]
    return keys


def render(title, keys, values):
    """INI text of ExpandedKeys below a title; unset keys become comments."""
    lines = [f"# {title}, by annpot {__version__}"]
    section = None
    for key in keys:
        if key.section != section:
            section = key.section
            lines += ["", f"[{section}]"]
        value = values.get((section, key.key), key.value)
        if value is None:
            lines.append(f"# {key.key} is not set: {key.unset}".rstrip(": "))
        else:
            lines.append(f"{key.key} = {escaped(key.format(value))}")
    return "\n".join(lines) + "\n"
