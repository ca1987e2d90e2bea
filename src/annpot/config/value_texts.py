"""Texts of an INI file to values and back, one function for each kind of value.

Those that read raise ValueError that says what was expected.
"""

import math
import re
from pathlib import Path

from annpot.elements import is_element

LARGEST_LAYER = 1_000_000
TRUE = ("1", "yes", "true", "on")
FALSE = ("0", "no", "false", "off")
BEHAVIORS = ("load", "new", "keep")
ACTIVATIONS = {  # spellings of each activation's number
    0: ("linear", "l"),
    1: ("gaussian", "gauss", "g"),
    2: ("rbf",),
    3: ("relu", "rl"),
    4: ("tanh", "th"),
}


def parse_word(text):
    """A text without its surrounding blanks; not empty."""
    if not text.strip():
        raise ValueError("expected a word, found nothing")
    return text.strip()


def parse_path(text):
    """A path, relative to the working directory; `~` is the home folder."""
    if not text.strip():
        raise ValueError("expected a path, found nothing")
    return Path(text.strip()).expanduser()


def parse_number(text):
    """A finite number in float64."""
    try:
        value = float(text)
    except ValueError:
        raise ValueError("expected a number") from None
    if not math.isfinite(value):
        raise ValueError("expected a finite number")
    return value


def parse_not_negative(text):
    """A finite number >= 0."""
    value = parse_number(text)
    if value < 0:
        raise ValueError("expected a number >= 0")
    return value


def parse_integer(text):
    """An integer; `1e3` and `20.0` are integers, `20.5` is not."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        value = float(text)
    except ValueError:
        raise ValueError("expected an integer") from None
    if not value.is_integer():  # also inf and nan
        raise ValueError("expected an integer")
    return int(value)


def parse_boolean(text):
    """True for 1 yes true on, False for 0 no false off, in any case."""
    word = text.strip().lower()
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    raise ValueError("expected True or False")


def parse_auto_boolean(text):
    """A boolean or the word `auto`."""
    if text.strip().lower() == "auto":
        return "auto"
    try:
        return parse_boolean(text)
    except ValueError:
        raise ValueError("expected auto, True or False") from None


def parse_element(text):
    """A chemical symbol as in the periodic table: `Si`, not `SI`."""
    symbol = text.strip()
    if is_element(symbol):
        return symbol
    if is_element(symbol.capitalize()):
        hint = f"; did you mean {symbol.capitalize()}?"
    else:
        hint = ""
    raise ValueError(f"{symbol!r} is not a chemical symbol{hint}")


def parse_elements(text):
    """A comma list of chemical symbols, each once."""
    symbols = parse_list(text, ",", parse_element, "a comma list of chemical symbols")
    for symbol in symbols:
        if symbols.count(symbol) > 1:
            raise ValueError(f"{symbol} is listed twice; give each element once")
    return symbols


def parse_size(text):
    """The number of units of a layer, an integer from 1 to a million."""
    value = parse_integer(text)
    if not 1 <= value <= LARGEST_LAYER:
        raise ValueError("expected an integer >= 1 and <= 1e6")
    return value


def parse_activation(text):
    """The number of an activation, from its number or one of its names."""
    word = text.strip().lower()
    for number, names in ACTIVATIONS.items():
        if word == str(number) or word in names:
            return number
    raise ValueError("expected an activation")


def parse_behavior(text):
    """One of load, new, keep, in any case."""
    word = text.strip().lower()
    if word not in BEHAVIORS:
        raise ValueError("expected load, new or keep")
    return word


def parse_range(text):
    """`a-b` with 0 <= a <= b -> (a, b); a single `a` -> (a, a)."""
    match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", text)
    if match is None:
        raise ValueError("expected a number of steps or a range a-b")
    first, last = int(match[1]), int(match[2] or match[1])
    if last < first:
        raise ValueError("expected a range a-b with a <= b")
    return first, last


def parse_list(text, separator, parse_item, expected):
    """Tuple of the items between separators; each item is parsed on its own."""
    items = []
    for item in text.split(separator):
        if not item.strip():
            raise ValueError(f"expected {expected}, found an empty item")
        try:
            items.append(parse_item(item.strip()))
        except ValueError as error:
            detail = str(error)
            if detail.startswith("expected"):
                detail = f"{item.strip()!r} is not one of them"
            raise ValueError(f"expected {expected}; {detail}") from None
    return tuple(items)


def format_number(value):
    """The shortest text that is read back as the same float64."""
    return repr(float(value))


def format_range(value):
    """(a, b) -> `a-b`, (a, a) -> `a`."""
    first, last = value
    return str(first) if first == last else f"{first}-{last}"


def format_activation(number):
    """The first name of an activation."""
    return ACTIVATIONS[number][0]
