"""Scalars of many steps as records of a TensorBoard event file, all at once.

A record is a framed `Event`: time, step, and a `Summary` of pairs of tag and float.
Those of one call differ in few bytes, at the same places. crc32c is linear: that of a
record is that of the common bytes, exclusive-or one entry of a table for each byte that
differs. So there is no work in Python for each step.
"""

import struct
import time
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

import google_crc32c
import numpy as np

from annpot.wire_format import LENGTH_DELIMITED, masked, masked_crc, varint

_HEAD = struct.Struct("<QI")  # length of the payload, its checksum
_CHECKSUM_BYTES = _FLOAT_BYTES = 4
_WALL_TIME = struct.Struct("<Bd")  # field 1 of Event
_STEP, _SUMMARY = b"\x10", b"\x2a"  # fields 2 and 5
_SIMPLE_VALUE = b"\x15"  # field 2 of Value


class _Layout(NamedTuple):
    """A record with zeros where records differ.

    Attributes:
        record: (n_bytes,) uint8, the checksum of the payload included.
        places: (n_places,) of the bytes of the step, then of the values.
        table: (n_places, 256) uint64: what a byte there adds to the crc32c.
    """

    record: np.ndarray
    places: np.ndarray
    table: np.ndarray


def scalar_records(steps, tags, values):
    """Bytes of the records of some steps.

    Args:
        steps: (n,) integers in ascending order.
        tags: names.
        values: (n, n_tags); NaN is left out, and a step of NaN alone.
    """
    with np.errstate(over="ignore"):  # inf, as TensorBoard shows it
        values = np.asarray(values, "<f4")
    steps = [varint(int(step)) for step in steps]
    there = ~np.isnan(values)  # (n, n_tags)
    kinds = [(len(step), row.tobytes()) for step, row in zip(steps, there, strict=True)]
    records, start = [], 0
    for _, alike in groupby(kinds):
        stop = start + len(list(alike))
        chosen = np.flatnonzero(there[start])
        if len(chosen):
            own = tuple(tags[i] for i in chosen)
            records.append(_alike(steps[start:stop], own, values[start:stop, chosen]))
        start = stop
    return b"".join(records)


def _alike(steps, tags, values):
    """Records of steps, as bytes of one length, that have values of all tags."""
    layout = _layout(tags, len(steps[0]))
    record = layout.record.copy()
    head = _HEAD.size
    record[head : head + _WALL_TIME.size] = np.frombuffer(
        _WALL_TIME.pack(0x09, time.time()), np.uint8
    )
    n = len(steps)
    bytes_of_steps = np.frombuffer(b"".join(steps), np.uint8).reshape(n, -1)
    bytes_of_values = np.ascontiguousarray(values).view(np.uint8)
    different = np.concatenate([bytes_of_steps, bytes_of_values], axis=1)
    common = google_crc32c.value(record[head:-_CHECKSUM_BYTES].tobytes())
    added = layout.table[np.arange(len(layout.places)), different]  # (n, n_places)
    crc = np.bitwise_xor.reduce(added, axis=1) ^ np.uint64(common)
    records = np.tile(record, (n, 1))
    records[:, layout.places] = different
    records[:, -_CHECKSUM_BYTES:] = (
        masked(crc).astype("<u4").view(np.uint8).reshape(n, _CHECKSUM_BYTES)
    )
    return records.tobytes()


@lru_cache
def _layout(tags, n_step_bytes):
    """_Layout of records with these tags and a step of so many bytes."""
    summary, ends = b"", []
    for tag in tags:
        value = _field(1, tag.encode()) + _SIMPLE_VALUE + bytes(_FLOAT_BYTES)
        summary += _field(1, value)
        ends.append(len(summary))
    event = _WALL_TIME.pack(0x09, 0.0) + _STEP + bytes(n_step_bytes)
    event += _SUMMARY + varint(len(summary))
    starts = np.array(ends) - _FLOAT_BYTES + len(event)
    of_step = np.arange(n_step_bytes) + _WALL_TIME.size + len(_STEP)
    of_values = starts[:, None] + np.arange(_FLOAT_BYTES)
    places = np.concatenate([of_step, of_values.ravel()])
    event += summary
    head = _HEAD.pack(len(event), masked_crc(struct.pack("<Q", len(event))))
    record = np.frombuffer(head + event + bytes(_CHECKSUM_BYTES), np.uint8)
    return _Layout(record, places + len(head), _crc_table(len(event), places))


def _crc_table(n_bytes, places):
    """(n_places, 256): crc32c of a byte among zeros, exclusive-or that of zeros."""
    table = np.zeros((len(places), 256), np.uint64)
    zeros = google_crc32c.value(bytes(n_bytes))
    for row, place in zip(table, places, strict=True):
        for bit in range(8):
            message = bytearray(n_bytes)
            message[place] = 1 << bit
            crc = google_crc32c.value(bytes(message)) ^ zeros
            row[1 << bit : 2 << bit] = row[: 1 << bit] ^ np.uint64(crc)
    return table


def _field(number, content):
    """A field of bytes or a message."""
    return varint(number << 3 | LENGTH_DELIMITED) + varint(len(content)) + content
