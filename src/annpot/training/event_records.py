"""Scalars of many steps as records of a TensorBoard event file, all at once.

A record is a framed `Event`: time, step, and a `Summary` of pairs of tag and float.
Those of one call differ in few bytes, at the same places. crc32c is linear: that of a
record is that of the common bytes, exclusive-or one entry of a small table for each
byte that differs. So there is no work in Python for each step.
"""

import struct
import time
from functools import lru_cache
from itertools import pairwise, product
from typing import NamedTuple

import google_crc32c
import numpy as np

from annpot.wire_format import LENGTH_DELIMITED, masked, masked_crc, varint

_HEAD = struct.Struct("<QI")  # length of the payload, its checksum
_CHECKSUM_BYTES = _FLOAT_BYTES = 4
_WALL_TIME = struct.Struct("<Bd")  # field 1 of Event
_STEP, _SUMMARY = b"\x10", b"\x2a"  # fields 2 and 5
_LONGER = 128 ** np.arange(1, 9)  # numbers from which a varint has a byte more
_SIMPLE_VALUE = b"\x15"  # field 2 of Value


class _Layout(NamedTuple):
    """A record with zeros where records differ.

    Attributes:
        record: (n_bytes,) uint8, the checksum of the payload included.
        places: (n_places,) of the bytes of the step, then of the values.
        table: (256 n_places,) uint32: what each value of a byte there adds to the
            crc32c.
        rows: (n_places,) where the values of a byte begin in the table.
    """

    record: np.ndarray
    places: np.ndarray
    table: np.ndarray
    rows: np.ndarray


def scalar_records(steps, tags, values):
    """Bytes of the records of some steps.

    Args:
        steps: (n,) integers in ascending order.
        tags: names.
        values: (n, n_tags); NaN is left out, and a step of NaN alone.
    """
    with np.errstate(over="ignore"):  # inf, as TensorBoard shows it
        values = np.asarray(values, "<f4")
    steps = np.asarray(steps, np.int64)
    lengths = np.searchsorted(_LONGER, steps, side="right") + 1  # bytes of a varint
    there = ~np.isnan(values)  # (n, n_tags)
    differ = (there[1:] != there[:-1]).any(axis=1) | (lengths[1:] != lengths[:-1])
    records = []
    for start, stop in pairwise([0, *(np.flatnonzero(differ) + 1), len(steps)]):
        chosen = np.flatnonzero(there[start])
        if len(chosen):
            own = tuple(tags[i] for i in chosen)
            rows = slice(start, stop)
            part = _alike(steps[rows], int(lengths[start]), own, values[rows, chosen])
            records.append(part)
    return b"".join(records)


def _alike(steps, n_step_bytes, tags, values):
    """Records of steps of so many bytes that have values of all tags."""
    layout = _layout(tags, n_step_bytes)
    record, n, head = layout.record.copy(), len(steps), _HEAD.size
    time_now = _WALL_TIME.pack(0x09, time.time())
    record[head : head + len(time_now)] = np.frombuffer(time_now, np.uint8)
    bytes_of_values = np.ascontiguousarray(values).view(np.uint8)
    different = np.concatenate([_varints(steps, n_step_bytes), bytes_of_values], axis=1)
    added = layout.table.take(different + layout.rows)  # (n, n_places)
    common = google_crc32c.value(record[head:-_CHECKSUM_BYTES].tobytes())
    crc = np.bitwise_xor.reduce(added, axis=1) ^ np.uint32(common)
    checksums = masked(crc.astype(np.uint64)).astype("<u4")
    records = np.empty((n, len(record)), np.uint8)
    records[:] = record
    records[:, layout.places] = different
    records[:, -_CHECKSUM_BYTES:] = checksums.view(np.uint8).reshape(n, -1)
    return records.tobytes()


def _varints(numbers, n_bytes):
    """(n, n_bytes) uint8: varints of numbers that all need so many bytes."""
    digits = numbers[:, None] >> (7 * np.arange(n_bytes)) & 0x7F
    digits[:, :-1] |= 0x80
    return digits.astype(np.uint8)


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
    table, rows = _crc_table(len(event), places), 256 * np.arange(len(places))
    return _Layout(record, places + len(head), table, rows)


def _crc_table(n_bytes, places):
    """(256 n_places,): crc32c of one byte among zeros, exclusive-or that of zeros."""
    table = np.zeros((len(places), 256), np.uint32)
    zeros = google_crc32c.value(bytes(n_bytes))
    for row, bit in product(range(len(places)), range(8)):
        message = bytearray(n_bytes)
        message[places[row]] = 1 << bit
        crc = np.uint32(google_crc32c.value(bytes(message)) ^ zeros)
        table[row, 1 << bit : 2 << bit] = table[row, : 1 << bit] ^ crc
    return table.ravel()


def _field(number, content):
    """A field of bytes or a message."""
    return varint(number << 3 | LENGTH_DELIMITED) + varint(len(content)) + content
