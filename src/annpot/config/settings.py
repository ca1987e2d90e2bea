"""Keys of a training named without their section: in [LOCAL] and in [STAGE:name].

    learning_rate = 1e-4                  of the first section that knows the key
    VALIDATION_OPTIONS.data_dir = other   of the section before the dot
    H.trainable = 0:0:1                   of the section of an element

Upper and lower case do not matter.
"""

from dataclasses import dataclass
from difflib import get_close_matches

from annpot.config.compatibility import present_name
from annpot.config.old_names import IO, PARALLEL
from annpot.config.schema.keys import (
    declared,
    find_key,
    is_numbered,
    numbered,
    spelling_of,
)
from annpot.config.validate import sections_of
from annpot.elements import is_element


@dataclass(frozen=True)
class Setting:
    """One key of a training with its section.

    Attributes:
        section: as written between brackets: an element's symbol for an element, X for
            a key of elements that names none.
        schema: Section class.
        attribute: attribute of `schema`.
        number: N of a numbered key such as layerN_w_file, else None.
        name: shortest way to write it: `learning_rate`, `H.trainable`.
    """

    section: str
    schema: type
    attribute: str
    number: int | None
    name: str

    @property
    def field(self):
        """Declaration of the key."""
        return self.schema.model_fields[self.attribute]

    @property
    def key(self):
        """The key as written in its own section."""
        return key_of(self.schema, self.attribute, self.number)

    @property
    def place(self):
        """(section, key in lower case), as IniFile has it."""
        return self.section, self.key.lower()


def key_of(schema, attribute, number=None):
    """`Rc_rad` of attribute rc_rad, `layer0_w_file` of a numbered key."""
    spelling = spelling_of(schema, attribute)
    return spelling if number is None else numbered(spelling, number)


def affects_result(setting):
    """Whether another value can change the numbers that come out."""
    return declared(setting.field)["affects_result"]


def find_setting(config_type, written):
    """Setting of a key with or without its section; None when nobody knows it.

    Args:
        config_type: TrainConfig.
        written: `learning_rate`, `io_information.data_dir`, `h.trainable`.
    """
    owner, dot, key = written.partition(".")
    if dot:
        name, schema = _section(config_type, owner)
        return _setting(config_type, name, schema, key) if schema else None
    for schema in (*plain_sections(config_type), config_type.element_type):
        setting = _setting(config_type, schema.name, schema, written)
        if setting is not None:
            return setting
    return None


def setting_at(config_type, section, key):
    """Setting of a key in its section."""
    return find_setting(config_type, f"{section}.{key}")


def plain_sections(config_type):
    """Sections of keys written without one, the first that knows a key has it."""
    by_name = {one.name: one for one in sections_of(config_type).values()}
    return [by_name[name] for name in config_type.plain_sections]


def settings_of(config_type, section, schema):
    """Setting of each key of a section that has no number in its name.

    Args:
        config_type: TrainConfig.
        section: its name, or the symbol of an element.
        schema: its Section class.
    """
    for attribute, field in schema.model_fields.items():
        if not is_numbered(field):
            key = key_of(schema, attribute)
            yield _setting(config_type, section, schema, key)


def unknown_setting(config_type, written, fits):
    """What to do about a key that nobody knows: one sentence.

    Args:
        config_type: TrainConfig.
        written: the key.
        fits: Setting -> whether it would be allowed in this place.
    """
    owner, dot, key = written.partition(".")
    section, schema = _section(config_type, owner) if dot else (None, None)
    if dot and schema is None:
        names = [one.name for one in plain_sections(config_type)]
        close = get_close_matches(owner.upper(), names, n=1)
        if close:
            return f"Did you mean '{close[0]}.{key}'?"
        return f"{owner!r} is neither an element nor one of {', '.join(names)}."
    old = _old_name_of(config_type, written)
    if old:
        return f"It is an old name; write {old}."
    known = {}
    for one in [schema] if dot else plain_sections(config_type):
        for setting in settings_of(config_type, section or one.name, one):
            if fits(setting):
                known.setdefault(setting.key.lower(), setting.name)
    close = get_close_matches((key or written).lower(), known, n=1)
    return f"Did you mean '{known[close[0]]}'?" if close else "Remove it."


def _section(config_type, written):
    """(name, Section class) of a section or element in any case; else (None, None)."""
    for schema in sections_of(config_type).values():
        if schema.name.lower() == written.lower():
            return schema.name, schema
    if is_element(written.capitalize()):
        return written.capitalize(), config_type.element_type
    return None, None


def _setting(config_type, section, schema, key):
    attribute, number = find_key(schema, key)
    if attribute is None:
        return None
    spelled = key_of(schema, attribute, number)
    first = next(
        (one for one in plain_sections(config_type) if find_key(one, key)[0]), None
    )
    name = spelled if first is schema else f"{section}.{spelled}"
    return Setting(section, schema, attribute, number, name)


def _old_name_of(config_type, key):
    """Present name of an old key, None for no old name."""
    for section in (IO, PARALLEL):
        found = present_name(config_type.command, section, key)
        if found is not None:
            setting = setting_at(config_type, *found)
            return setting and setting.name
    return None
