"""How a key is declared: type, default, limits, unit, help and status in one place.

    batch_size: int = key(INTEGER, REQUIRED, ge=1, help="structures per step")

The annotation is the Python type, the grammar says how the value is written. From
these declarations come validation, the reference of keywords and the JSON schema.
"""

import re
from functools import partial
from typing import ClassVar, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticUndefined

from annpot.config.grammar import GRAMMARS

REQUIRED = PydanticUndefined
SUPPORTED = "supported"
WITHOUT_EFFECT = "accepted without effect"
NOT_AVAILABLE = "not available"
SIGNS = {Ge: ">=", Gt: ">", Le: "<=", Lt: "<"}


def key(
    grammar,
    default,
    *,
    help,
    spelling=None,
    unit="",
    affects_result=True,
    per_stage=False,
    ours=False,
    default_text=None,
    without_effect=None,
    instead=None,
    later=None,
    **limits,
):
    """Declaration of one key.

    Args:
        grammar: Grammar of its text.
        default: value when the key is absent; REQUIRED when there is none; None for
            an optional key that stays unset.
        help: what it does, one line.
        spelling: the key as written, where that is not the attribute; N stands for a
            number, the value is then a dictionary by that number.
        unit: unit of the value, "" for a pure number or a text.
        affects_result: whether another value can change the numbers that come out.
        per_stage: whether a stage of a training may override it, see `stage_key`.
        ours: whether PANNA 2.0 does not know this key.
        default_text: what an unset key means, for the reference of keywords.
        without_effect: why the key is accepted without effect.
        instead: for a key that is not available, what to do; its default and lists
            of nothing but False ask for nothing and are fine.
        later: values that are not available, each with what to do.
        limits: ge, gt, le, lt of the value (of each item of a list: annotate it).
    """
    status = SUPPORTED
    if without_effect:
        status = WITHOUT_EFFECT
    if instead:
        status = NOT_AVAILABLE
    declared = {
        "grammar": grammar.name,
        "spelling": spelling,
        "unit": unit,
        "affects_result": affects_result and status != WITHOUT_EFFECT,
        "per_stage": per_stage,
        "ours": ours,
        "default_text": default_text,
        "status": status,
        "without_effect": without_effect,
        "instead": instead,
        "later": later or {},
    }
    return Field(default, description=help, json_schema_extra=declared, **limits)


stage_key = partial(key, per_stage=True)  # a key that a stage may override


class Section(BaseModel):
    """One section of an INI file; each field is a key in lower case.

    Texts are parsed by the grammar of their key; other values are taken as they are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: ClassVar[str] = ""  # as written between the brackets
    about: ClassVar[str] = ""  # one line for the reference of keywords

    @field_validator("*", mode="before")
    @classmethod
    def _parse(cls, value, info):
        field = cls.model_fields[info.field_name]
        if isinstance(value, dict):
            return {number: parse(field, text) for number, text in value.items()}
        return parse(field, value)


def parse(field, value):
    """Value of a text in the grammar of a field; an optional key may say None."""
    if not isinstance(value, str):
        return value
    if field.default is None and value.strip().lower() in ("", "none"):
        return None
    return grammar_of(field).parse(value)


def declared(field):
    """What `key` was told about a field."""
    return field.json_schema_extra


def grammar_of(field):
    """Grammar of a field."""
    return GRAMMARS[declared(field)["grammar"]]


def spelling_of(section, attribute):
    """A key as PANNA writes it: attribute `rc_rad` is the key `Rc_rad`."""
    return declared(section.model_fields[attribute])["spelling"] or attribute


def is_numbered(field):
    """Whether a key exists once for each number N, as `layerN_w_file` does."""
    return isinstance(field.default, dict)


def numbered(spelling, number):
    """`layerN_w_file` with its number."""
    return spelling.replace("N", str(number), 1)


def find_key(section, written):
    """Attribute of a key as written, in any case.

    Returns:
        (attribute, None), (attribute, N) for a numbered key, (None, None) if unknown.
    """
    for attribute, field in section.model_fields.items():
        spelling = spelling_of(section, attribute).lower()
        if not is_numbered(field):
            if written.lower() == spelling:
                return attribute, None
            continue
        match = re.fullmatch(spelling.replace("n", r"(\d+)", 1), written.lower())
        if match:
            return attribute, int(match[1])
    return None, None


def choices_of(field):
    """Words that a field is limited to, () when any text will do."""
    return _literals(field.annotation)


def expected(field):
    """What a field's text has to be: "an integer >= 1", "one of mean, sum"."""
    choices = choices_of(field)
    if choices and grammar_of(field).name == "word":
        return f"one of {', '.join(choices)}"
    if choices and grammar_of(field).name == "comma list of words":
        return f"a comma list of {', '.join(choices)}"
    limits = " and ".join(limits_of(field))
    return f"{grammar_of(field).expected} {limits}".strip()


def limits_of(field):
    """The limits of a value or of the items of a list: [">= 0", "<= 3"]."""
    return [
        f"{sign} {_short(getattr(limit, kind.__name__.lower()))}"
        for limit in [*field.metadata, *_item_metadata(field.annotation)]
        for kind, sign in SIGNS.items()
        if isinstance(limit, kind)
    ]


def _short(number):
    """10000000 -> 1e7."""
    return f"{number:g}".replace("e+0", "e").replace("e+", "e")


def _literals(annotation):
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return tuple(word for part in get_args(annotation) for word in _literals(part))


def _item_metadata(annotation):
    """Limits inside an annotation such as tuple[Annotated[float, Gt(0)], ...]."""
    found = list(getattr(annotation, "__metadata__", ()))
    for part in get_args(annotation):
        found.extend(_item_metadata(part))
    return found
