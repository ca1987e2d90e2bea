"""Each way of writing a value: what it accepts, what it refuses, and its round trip."""

import re
from pathlib import Path

import pytest

from annpot.config import grammar


@pytest.mark.parametrize(
    ("way", "text", "value"),
    [
        (grammar.INTEGER, "20", 20),
        (grammar.INTEGER, "1e3", 1000),
        (grammar.INTEGER, "-1", -1),
        (grammar.INTEGER, "9007199254740993", 2**53 + 1),  # no detour over float64
        (grammar.NUMBER, "1e-2", 0.01),
        (grammar.BOOLEAN, "YES", True),
        (grammar.BOOLEAN, "off", False),
        (grammar.AUTO_BOOLEAN, "Auto", "auto"),
        (grammar.AUTO_BOOLEAN, "1", True),
        (grammar.PATH, "a b/c.xyz", Path("a b/c.xyz")),
        (grammar.RANGE, "10-20", (10, 20)),
        (grammar.RANGE, "7", (7, 7)),
        (grammar.ELEMENT_LIST, "H, C ,Si", ("H", "C", "Si")),
        (grammar.NUMBER_LIST, "-13.6, 0", (-13.6, 0.0)),
        (grammar.BOOLEAN_LIST, "1, no, True", (True, False, True)),
        (grammar.SIZE_LIST, "128:32:1", (128, 32, 1)),
        (grammar.FLAG_LIST, "1:0:on", (True, False, True)),
        (grammar.BEHAVIOR_LIST, "Load:new:KEEP", ("load", "new", "keep")),
        (grammar.ACTIVATION_LIST, "0:1:2:3:4", (0, 1, 2, 3, 4)),
        (grammar.ACTIVATION_LIST, "L:gauss : RBF:ReLU:th", (0, 1, 2, 3, 4)),
    ],
)
def test_a_text_is_read_and_written_back(way, text, value):
    assert way.parse(text) == value
    assert way.parse(way.format(value)) == value


@pytest.mark.parametrize(
    ("way", "text", "message"),
    [
        (grammar.INTEGER, "20.5", "expected an integer"),
        (grammar.INTEGER, "inf", "expected an integer"),
        (grammar.NUMBER, "0,5", "expected a number"),
        (grammar.NUMBER, "nan", "expected a finite number"),
        (grammar.BOOLEAN, "maybe", "expected True or False"),
        (grammar.AUTO_BOOLEAN, "maybe", "expected auto, True or False"),
        (grammar.WORD, " ", "expected a word, found nothing"),
        (grammar.PATH, "", "expected a path, found nothing"),
        (grammar.RANGE, "a-b", "expected a number of steps or a range a-b"),
        (grammar.RANGE, "9-2", "expected a range a-b with a <= b"),
        (
            grammar.NUMBER_LIST,
            "1, x",
            "expected a comma list of numbers; 'x' is not one of them",
        ),
        (
            grammar.NUMBER_LIST,
            "1,,2",
            "expected a comma list of numbers, found an empty item",
        ),
        (
            grammar.ELEMENT_LIST,
            "H, SI",
            "expected a comma list of chemical symbols; 'SI' is not a chemical symbol; "
            "did you mean Si?",
        ),
        (grammar.ELEMENT_LIST, "H, C, H", "H is listed twice; give each element once"),
        (
            grammar.SIZE_LIST,
            "128:0:1",
            "expected a colon list of layer sizes, each an integer >= 1 and "
            "<= 1e6, as in "
            "128:32:1; '0' is not one of them",
        ),
        (
            grammar.ACTIVATION_LIST,
            "1:5",
            "expected a colon list of linear, gaussian, rbf, relu, tanh or their "
            "numbers 0 to 4; '5' is not one of them",
        ),
        (
            grammar.BEHAVIOR_LIST,
            "load:freeze",
            "expected a colon list of load, new or keep, as in load:new:new; 'freeze' "
            "is not one of them",
        ),
    ],
)
def test_a_wrong_text_says_what_was_expected(way, text, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        way.parse(text)


def test_a_number_keeps_all_its_bits():
    """float64 has up to 17 significant digits."""
    value = 0.1 + 0.2
    assert grammar.NUMBER.parse(grammar.NUMBER.format(value)) == value
