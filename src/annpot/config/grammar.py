"""How values are written in an INI file: each way to read a text and to write it back.

    128:32:1          colon list, one item per layer
    H, C, O, N        comma list
    yes no 1 0        booleans, also true false on off
    10-20             range

A `Grammar` parses a text into a Python value and formats the value so that parsing it
again gives the same value. Parsers raise ValueError that says what was expected.
"""

from collections.abc import Callable
from dataclasses import dataclass

from annpot.config import accelerators, durations, metric_names
from annpot.config.value_texts import (
    format_activation,
    format_number,
    format_range,
    parse_activation,
    parse_auto_boolean,
    parse_behavior,
    parse_boolean,
    parse_elements,
    parse_integer,
    parse_list,
    parse_not_negative,
    parse_number,
    parse_path,
    parse_range,
    parse_size,
    parse_word,
)


@dataclass(frozen=True)
class Grammar:
    """One way of writing a value.

    Attributes:
        name: the way, for the table of keywords: "comma list of integers".
        expected: what such a text is, for messages: "a comma list of integers".
        parse: text -> value; raises ValueError.
        format: value -> text.
    """

    name: str
    expected: str
    parse: Callable[[str], object]
    format: Callable[[object], str] = str


def list_of(name, separator, expected, parse_item, format_item=str):
    """The grammar of a list of items between separators."""
    glue = separator if separator == ":" else f"{separator} "
    return Grammar(
        name=name,
        expected=expected,
        parse=lambda text: parse_list(text, separator, parse_item, expected),
        format=lambda values: glue.join(format_item(value) for value in values),
    )


WORD = Grammar("word", "a word", parse_word)
PATH = Grammar("path", "a path", parse_path)
NUMBER = Grammar("number", "a number", parse_number, format_number)
INTEGER = Grammar("integer", "an integer", parse_integer)
BOOLEAN = Grammar("boolean", "True or False", parse_boolean)
AUTO_BOOLEAN = Grammar("auto or boolean", "auto, True or False", parse_auto_boolean)
RANGE = Grammar("a or a-b", "a range a-b", parse_range, format_range)
DURATION = Grammar(
    "duration",
    durations.EXPECTED,
    durations.parse_duration,
    durations.format_duration,
)
ACCELERATOR = Grammar(
    "accelerator", accelerators.EXPECTED, accelerators.parse_accelerator
)
METRIC = Grammar("metric", "a column of metrics.dat", metric_names.parse_column)
ELEMENT_LIST = Grammar(
    "comma list of elements",
    "a comma list of chemical symbols",
    parse_elements,
    ", ".join,
)
WORD_LIST = list_of("comma list of words", ",", "a comma list of words", parse_word)
NUMBER_LIST = list_of(
    "comma list of numbers", ",", "a comma list of numbers", parse_number, format_number
)
OFFSET_LIST = list_of(
    "auto or comma list of numbers", ",", "auto or a comma list of numbers",
    lambda text: "auto" if text.lower() == "auto" else parse_number(text),
    lambda value: value if value == "auto" else format_number(value),
)  # fmt: skip
BOOLEAN_LIST = list_of(
    "comma list of booleans", ",", "a comma list of True or False", parse_boolean
)
SIZE_LIST = list_of(
    "colon list of integers",
    ":",
    "a colon list of layer sizes, each an integer >= 1 and <= 1e6, as in 128:32:1",
    parse_size,
)
LAYER_NUMBERS = list_of(
    "colon list of numbers",
    ":",
    "a colon list of numbers >= 0, one for each layer, as in 0.2:1:0.1",
    parse_not_negative,
    format_number,
)
FLAG_LIST = list_of(
    "colon list of booleans",
    ":",
    "a colon list of 1 or 0, as in 1:0:1",
    parse_boolean,
    lambda flag: str(int(flag)),
)
ACTIVATION_LIST = list_of(
    "colon list of activations",
    ":",
    "a colon list of linear, gaussian, rbf, relu, tanh or their numbers 0 to 4",
    parse_activation,
    format_activation,
)
BEHAVIOR_LIST = list_of(
    "colon list of behaviors",
    ":",
    "a colon list of load, new or keep, as in load:new:new",
    parse_behavior,
)

GRAMMARS = {
    grammar.name: grammar
    for grammar in (
        WORD,
        PATH,
        NUMBER,
        INTEGER,
        BOOLEAN,
        AUTO_BOOLEAN,
        RANGE,
        DURATION,
        ACCELERATOR,
        METRIC,
        ELEMENT_LIST,
        WORD_LIST,
        NUMBER_LIST,
        OFFSET_LIST,
        BOOLEAN_LIST,
        SIZE_LIST,
        LAYER_NUMBERS,
        FLAG_LIST,
        ACTIVATION_LIST,
        BEHAVIOR_LIST,
    )
}
