"""Changes of stored descriptions, and the log of them that is kept with each."""

import difflib
import time
from collections.abc import Callable
from dataclasses import dataclass

from annpot import __version__
from annpot.errors import InputError

LOG = "changes"  # key of the log wherever it is kept
LONGEST_COMMENT = 10_000
GENERATIONS = (0, 1, 2, 3)


@dataclass(frozen=True)
class Stored:
    """One value that can be changed.

    Attributes:
        key: how it is called.
        value: what is stored now, JSON-able; None for nothing.
        parse: text -> value; raises ValueError with what was expected.
        refusal: why it may not be changed, or None.
    """

    key: str
    value: object
    parse: Callable[[str], object]
    refusal: str | None = None


@dataclass(frozen=True)
class Target:
    """Something with stored values.

    Attributes:
        path: what messages call it.
        kind: what it is, in words.
        values: Stored values, by the key in lower case.
        write: function of (key, value, log entry) that stores the value.
        unknown: function of a key that is none of these -> why it is none, or ""; None
            where nothing can be said.
        full_name: function of a key as the user writes it -> a key of `values`.
    """

    path: str
    kind: str
    values: dict[str, Stored]
    write: Callable
    unknown: Callable[[str], str] | None = None
    full_name: Callable[[str], str] = str.lower

    def find(self, key):
        """Stored value of a key in any case.

        Raises:
            InputError: there is no such key, or it may not be changed.
        """
        found = self.values.get(self.full_name(key))
        if found is None:
            why = self.unknown(key) if self.unknown else ""
            raise InputError(
                f"{self.path}: {key!r} is no key of a {self.kind} that can be set. "
                f"{why or self._meant(key)}Those that can:\n{self.listed()}"
            )
        if found.refusal:
            raise InputError(f"{self.path}: {found.key}: {found.refusal}")
        return found

    def _meant(self, key):
        close = difflib.get_close_matches(key.lower(), self.values, n=1)
        return f"Did you mean {self.values[close[0]].key}? " if close else ""

    def listed(self):
        """A line for each value that may be changed: key and present value."""
        width = max((len(one.key) for one in self.settable), default=0)
        return "\n".join(
            f"  {one.key:{width}}  {in_words(one.value)}" for one in self.settable
        )

    @property
    def settable(self):
        """Stored values that may be changed."""
        return [one for one in self.values.values() if one.refusal is None]

    def parsed(self, stored, text):
        """Value of a text for a Stored value.

        Raises:
            InputError: it cannot be one.
        """
        try:
            return stored.parse(text)
        except ValueError as error:
            raise InputError(f"{self.path}: {stored.key} = {text}: {error}") from None


def in_words(value):
    """A stored value in one line."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "not set" if value is None else str(value)


def by_key(values):
    """{key in lower case: Stored}."""
    return {one.key.lower(): one for one in values}


def log_entry(key, old, new):
    """What a log keeps of one change."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    program = f"annpot {__version__}"
    return {"key": key, "old": old, "new": new, "time": now, "program": program}


def logged(content, *entries):
    """An object for JSON with entries added to its log."""
    earlier = content.get(LOG)
    earlier = earlier if isinstance(earlier, list) else []
    return {**content, LOG: [*earlier, *entries]}


def comment_of(content):
    """Stored comment of an object for JSON."""
    return Stored("comment", content.get("comment"), _comment)


def generation_of(key, facts):
    """Stored generation of mBP.

    Args:
        key: how it is called.
        facts: mapping with `mbp_generation`, `mbp_generation_source`, `descriptor`.
    """
    now, source = facts.get("mbp_generation"), facts.get("mbp_generation_source")
    kind = (facts.get("descriptor") or {}).get("kind")
    refusal = None
    if kind is not None and kind != "mBP":
        refusal = f"the descriptor is {kind}, which has no generations."
    elif kind is not None or (now is not None and source == "stated"):
        refusal = (
            f"{now} is stated by those who made the descriptors. Only one that was "
            "assumed or is unknown can be set."
        )
    return Stored(key, now, _generation, refusal)


def _comment(text):
    if len(text) > LONGEST_COMMENT:
        raise ValueError(f"expected at most {LONGEST_COMMENT} characters.")
    return text


def _generation(text):
    if text.strip() not in map(str, GENERATIONS):
        raise ValueError(f"expected one of {', '.join(map(str, GENERATIONS))}.")
    return int(text)
