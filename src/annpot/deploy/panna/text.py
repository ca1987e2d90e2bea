"""The text of `panna.in`: sections, keys, comments and the version of its layout.

    !gversion = 1
    # mbp_generation = 3
    [GVECT_PARAMETERS]
    Nspecies = 2

PANNA's programs strip blanks, skip lines that begin with # and take each other line for
a section, a key with its value, or, with !, the version of the layout (0 without). They
miss the last line of a file that has no line feed at its end. The generation of mBP is
a comment to them.
"""

import math
import re
from dataclasses import dataclass, field
from difflib import get_close_matches

from annpot.errors import InputError
from annpot.files import content_of

DESCRIPTOR = "GVECT_PARAMETERS"
LARGEST_COUNT = 10_000  # of centres, angles, layers; neurons of a layer below
LARGEST_LAYER = 1_000_000
_GENERATION = re.compile(r"#\s*mbp_generation\s*=\s*(.*)")
_GVERSION = re.compile(r"!\s*gversion\s*=\s*(.*)")


@dataclass
class PluginText:
    """What a file in the layout of `panna.in` says, before it is understood.

    Attributes:
        path: of the file.
        gversion: 0 or 1, which keys describe the descriptor.
        generation: of mBP, as a comment tells it; None without one.
        sections: {name: {key: (text, line number)}}.
        lines: {name: line number} of the sections.
        problems: sentences on what is wrong so far.
    """

    path: object
    gversion: int = 0
    generation: int | None = None
    sections: dict = field(default_factory=dict)
    lines: dict = field(default_factory=dict)
    problems: list = field(default_factory=list)

    def wrong(self, line, what):
        """Note what is wrong in a line; 0 is the whole file."""
        self.problems.append(f"{self.path}:{line}: {what}" if line else
                             f"{self.path}: {what}")  # fmt: skip

    def raise_if_wrong(self):
        """InputError with all that is wrong so far."""
        if self.problems:
            raise InputError(self.problems)

    def know_only(self, section, keys):
        """Note the keys of a section that nobody knows."""
        for key, (_, line) in self.sections.get(section, {}).items():
            if key in keys:
                continue
            close = get_close_matches(key, keys, n=1)
            hint = f"Did you mean '{close[0]}'?" if close else "Remove it."
            self.wrong(line, f"unknown key '{key}' in [{section}]. {hint}")

    def word(self, section, key, default=None):
        """Text of a key; noted as missing where there is no default."""
        found = self.sections.get(section, {}).get(key)
        if found is not None:
            return found[0]
        if default is None:
            self.wrong(
                self.lines.get(section, 0),
                f"[{section}] has no key '{key}'. Export the networks again.",
            )
        return default

    def number(self, section, key, default=None):
        """A finite number; 1 where it is wrong."""
        return self._parsed(section, key, default, _number, "a number", 1.0)

    def count(self, section, key, largest=LARGEST_COUNT):
        """An integer from 1 on; 1 where it is wrong."""
        what = f"an integer from 1 to {largest}"
        return self._parsed(section, key, None, lambda t: _count(t, largest), what, 1)

    def counts(self, section, key):
        """A comma list of integers from 1 on."""
        what = f"a comma list of integers from 1 to {LARGEST_LAYER}"
        return self._parsed(
            section, key, None,
            lambda text: tuple(_count(one, LARGEST_LAYER) for one in text.split(",")),
            what, (1,),
        )  # fmt: skip

    def numbers(self, section, key, n):
        """n numbers in brackets, as `[0.5, 1.0]`."""

        def parse(text):
            if not (text.startswith("[") and text.endswith("]")):
                raise ValueError
            values = tuple(_number(one) for one in text[1:-1].split(","))
            if len(values) != n:
                raise ValueError
            return values

        what = f"{n} numbers in brackets, between commas"
        return self._parsed(section, key, None, parse, what, (1.0,) * n)

    def _parsed(self, section, key, default, parse, expected, harmless):
        text = self.word(section, key, default)
        if text is None or text is default:
            return harmless if text is None else default
        try:
            return parse(text)
        except ValueError:
            line = self.sections[section][key][1]
            self.wrong(line, f"[{section}] {key} = {text}: expected {expected}.")
            return harmless


def read_plugin_text(path):
    """PluginText of a file.

    Raises:
        InputError: it cannot be read, or a line is none of a section, a key, a comment.
    """
    content = content_of(path)
    try:
        lines = content.decode().splitlines()
        if "\0" in content.decode():
            raise ValueError
    except ValueError:
        raise InputError(
            f"{path}: is not text: expected the file panna.in of a LAMMPS export."
        ) from None
    told, section = PluginText(path), None
    for number, line in enumerate(map(str.strip, lines), 1):
        if not line:
            continue
        if line.startswith(("#", "!")):
            _take_remark(told, line, number)
        elif line.startswith("[") and line.endswith("]"):
            section = line[1:-1].strip()
            if section in told.sections:
                told.wrong(number, f"[{section}] is given twice. Remove one.")
            told.sections.setdefault(section, {})
            told.lines.setdefault(section, number)
        else:
            _take_key(told, section, line, number)
    told.raise_if_wrong()
    return told


def _take_remark(told, line, number):
    for attribute, pattern, largest in (
        ("generation", _GENERATION, 3),
        ("gversion", _GVERSION, 1),
    ):
        if found := pattern.fullmatch(line):
            text = found[1].strip()
            if text not in map(str, range(largest + 1)):
                told.wrong(number, f"{line}: expected a number from 0 to {largest}.")
            else:
                setattr(told, attribute, int(text))


def _take_key(told, section, line, number):
    key, equals, text = (part.strip() for part in line.partition("="))
    if section is None or not (key and equals and text):
        told.wrong(number, f"{line[:60]!r}: expected [SECTION] or KEY = VALUE.")
    elif key in told.sections[section]:
        told.wrong(number, f"[{section}] {key} is given twice. Remove one.")
    else:
        told.sections[section][key] = text, number


def _number(text):
    value = float(text)
    if not math.isfinite(value):
        raise ValueError
    return value


def _count(text, largest):
    value = int(text)
    if not 1 <= value <= largest:
        raise ValueError
    return value
