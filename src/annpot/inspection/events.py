"""Sheets of TensorBoard's event files, read without TensorBoard."""

import struct
import time
from pathlib import Path

from annpot.data.tfrecord import read_payloads
from annpot.errors import InputError
from annpot.inspection.sheet import Sheet
from annpot.wire_format import (
    FIXED64,
    LENGTH_DELIMITED,
    MalformedMessageError,
    fields,
    read_varint,
)

LARGEST = 2**26  # bytes that are read
WALL_TIME, STEP, SUMMARY, VALUE, TAG = 1, 2, 5, 1, 1  # fields of tensorflow.Event


def events_sheet(path):
    """Sheet of an event file: tags, steps and times.

    A run that is going on, or was killed, leaves an incomplete last event: no problem.

    Raises:
        InputError: the first event is not whole.
    """
    events, tags, last_step, times, n_bytes = 0, {}, 0, [], 0
    notes = ()
    try:
        for payload in read_payloads(path):
            wall_time, step, names = _event(payload)
            events, last_step = events + 1, max(last_step, step)
            times = [times[0] if times else wall_time, wall_time]
            tags |= dict.fromkeys(names)
            n_bytes += len(payload)
            if n_bytes > LARGEST:
                notes = (f"Only the first {events} events were read.",)
                break
    except (InputError, MalformedMessageError) as error:
        if not events:
            raise InputError(
                f"{path}: no event can be read ({error or 'no such message'}). It is "
                "empty, cut short or no event file of TensorBoard."
            ) from None
        notes = (f"The last event is not complete, after {events} whole ones.",)
    facts = {
        "events": events,
        "last_step": last_step,
        "tags": sorted(tags),
        "from": _utc(times[0]) if times else None,
        "to": _utc(times[-1]) if times else None,
        "bytes": Path(path).stat().st_size,
    }
    return Sheet(str(path), "TensorBoard events", facts, notes=notes)


def _event(payload):
    """(wall time, step, tags) of an Event."""
    wall_time, step, tags = 0.0, 0, []
    for number, wire_type, start, end in fields(payload, 0, len(payload)):
        if number == WALL_TIME and wire_type == FIXED64:
            wall_time = struct.unpack("<d", payload[start:end])[0]
        elif number == STEP:
            step = read_varint(payload, start, end)[0]
        elif number == SUMMARY and wire_type == LENGTH_DELIMITED:
            tags += list(_tags(payload, start, end))
    return wall_time, step, tags


def _tags(payload, start, end):
    for number, _, first, last in fields(payload, start, end):
        if number != VALUE:
            continue
        for inner, _, a, b in fields(payload, first, last):
            if inner == TAG:
                yield payload[a:b].decode("utf-8", "replace")


def _utc(seconds):
    try:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
    except (ValueError, OverflowError):
        return None
