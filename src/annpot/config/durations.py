"""Lengths of time as queues of computing centres write them.

3600          seconds
90m 8h 2d     minutes, hours, days; also 45s and 1.5h
08:00:00      hours, minutes, seconds
1-12:00:00    days, hours, minutes, seconds
"""

import math
import re

SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
EXPECTED = "a length of time such as 3600 (seconds), 90m, 8h, 2d, 08:00:00, 1-12:00:00"
WITH_UNIT = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(?:[eE]\+?\d+)?\s*([smhd]?)")
CLOCK = re.compile(r"(?:(\d+)-)?(\d+):(\d\d):(\d\d)")


def parse_duration(text):
    """Seconds, as a float, of a length of time; the unit is in any case."""
    written = text.strip()
    clock = CLOCK.fullmatch(written)
    if clock:
        return _seconds_of_clock(*clock.groups())
    found = WITH_UNIT.fullmatch(written.lower())
    if found is None:
        raise ValueError(f"expected {EXPECTED}")
    unit = found[2]
    seconds = float(written[: len(written) - len(unit)]) * SECONDS[unit]
    if not math.isfinite(seconds):
        raise ValueError(f"expected {EXPECTED}")
    return seconds


def _seconds_of_clock(days, hours, minutes, seconds):
    is_after_days = days is not None
    if int(minutes) > 59 or int(seconds) > 59 or (is_after_days and int(hours) > 23):
        raise ValueError(f"expected {EXPECTED}")
    total = int(days or 0) * 24 + int(hours)
    return float((total * 60 + int(minutes)) * 60 + int(seconds))


def format_duration(seconds):
    """Whole days, hours or minutes with their letter, other times in seconds."""
    for unit in "dhm":
        if seconds and seconds % SECONDS[unit] == 0:
            return f"{int(seconds // SECONDS[unit])}{unit}"
    return str(int(seconds)) if float(seconds).is_integer() else repr(float(seconds))
