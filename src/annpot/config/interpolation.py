"""References from one value to another.

%(key)s         another key of the same section (or of [DEFAULT])
${key}          the same
${section:key}  a key of another section
%%              a percent sign
$${             the two signs ${
"""

import re

DEFAULT = "DEFAULT"  # section whose keys all sections can refer to
REFERENCE = re.compile(
    r"(?P<percent>%%)|(?P<dollar>\$\$(?=\{))|%\((?P<old>[^)]*)\)s|\$\{(?P<new>[^}]*)\}"
    r"|(?P<stray>%|\$\{)"
)


class InterpolationError(ValueError):
    """A reference that leads nowhere, or in circles."""


def interpolate(entry, entries, seen=()):
    """Text of an entry with all references replaced by the values they name.

    Args:
        entry: Entry whose text is resolved.
        entries: Entry by (section, lower-case key), texts not interpolated.
        seen: entries on the way from the first one, to notice circles.

    Raises:
        InterpolationError: an unknown key or section, a circle, a stray sign.
    """
    here = (entry.section, entry.key.lower())
    if here in seen:
        raise InterpolationError("its references go in a circle.")

    def resolve(match):
        if match["percent"]:
            return "%"
        if match["dollar"]:
            return "$"
        if match["stray"]:
            raise InterpolationError(
                f"found {match['stray']!r} in {entry.text!r}. Write %% for a percent "
                "sign, %(key)s or ${section:key} for a reference."
            )
        name = match["old"] if match["old"] is not None else match["new"]
        target = _target(entry.section, name, match["new"] is not None, entries)
        return interpolate(target, entries, (*seen, here))

    return REFERENCE.sub(resolve, entry.text)


def referred_keys(text):
    """Keys, in lower case, that the references of a text name in any section."""
    names = (match["old"] or match["new"] for match in REFERENCE.finditer(text))
    return {name.rpartition(":")[2].strip().lower() for name in names if name}


def escaped(text):
    """A text that `interpolate` turns back into `text`."""
    return text.replace("%", "%%").replace("${", "$${")


def _target(section, name, may_name_section, entries):
    key = name
    if may_name_section and ":" in name:
        section, _, key = name.rpartition(":")  # [STAGE:a] has a colon of its own
    for place in ((section, key.strip().lower()), (DEFAULT, key.strip().lower())):
        if place in entries:
            return entries[place]
    raise InterpolationError(
        f"it refers to {key.strip()!r}, which is not in [{section}]. "
        "Check the spelling of the reference."
    )
