"""Were stored networks trained on descriptors like those of the data?"""

import logging

from annpot.errors import InputError

_log = logging.getLogger(__name__)
REMEDY = (
    "Weights fit only the descriptors they were trained on: make the data with those "
    "settings, or set the behavior of the first layers to new."
)


def check_descriptors(stored, data, where):
    """Compare what two places say of their descriptors, as far as both say it.

    Args:
        stored: facts of the data that the networks were trained on: `species`,
            `descriptor`, `mbp_generation`, `mbp_generation_source`; each may be
            missing or None.
        data: the same facts of the data to train on.
        where: file and line of networks_metadata, for messages.

    Raises:
        InputError: species, generation of mBP or numbers differ; all at once.
    """
    problems = []
    for key, before, now in _differences(stored, data):
        if key == "mbp_generation" and _assumed(stored, data):
            _log.warning(
                "%s: the networks were trained with %s = %s, the data have %s; it was "
                "assumed, not stated. State it with mbp_generation.",
                *(where, key, before, now),
            )
            continue
        problems.append(
            f"{where}: the networks were trained on descriptors with {key} = {before}, "
            f"but the data have {key} = {now}. {REMEDY}"
        )
    if problems:
        raise InputError(problems)


def _differences(stored, data):
    """(key, value of the networks, value of the data) of facts that differ."""
    parts = [(stored, data, ("species", "mbp_generation"))]
    numbers = stored.get("descriptor"), data.get("descriptor")
    if all(isinstance(facts, dict) for facts in numbers):
        known = sorted({*numbers[0], *numbers[1]} - {"species"})
        parts.append((*numbers, known))
    for before, now, keys in parts:
        for key in keys:
            values = before.get(key), now.get(key)
            if None not in values and _plain(values[0]) != _plain(values[1]):
                yield key, *values


def _plain(value):
    return list(value) if isinstance(value, tuple) else value


def _assumed(*facts):
    return any(one.get("mbp_generation_source") == "assumed" for one in facts)
