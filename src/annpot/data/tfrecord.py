"""TFRecord files of descriptor records, without TensorFlow.

A file is a chain of: u64 length, u32 masked crc32c of the length, payload, u32
masked crc32c of the payload; all little-endian. The payload is a
`tf.train.Example`, see `annpot.data.record_features`.
"""

import hashlib
import mmap
import os
import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from annpot import files
from annpot.data.record_features import decode_record, encode_record
from annpot.errors import InputError
from annpot.wire_format import masked_crc

__all__ = [
    "CHECKSUM_BYTES",
    "SUFFIX",
    "WrittenFile",
    "checked_payload",
    "decode_record",
    "encode_record",
    "framed",
    "masked_crc",
    "read_payloads",
    "read_records",
    "record_spans",
    "write_tfrecord",
]

SUFFIX = ".tfrecord"
CHECKSUM_BYTES = 4  # that follow each payload

_HEADER = struct.Struct("<QI")  # length, its checksum
_CHECKSUM = struct.Struct("<I")


@dataclass(frozen=True)
class WrittenFile:
    """What was written: number of records and bytes, sha256 of the content."""

    n_records: int
    n_bytes: int
    sha256: str


def record_spans(path):
    """Where the payloads of a file lie.

    Reads and checks only the headers, so that it is fast on files of any size, and a
    file that has not changed since only once.

    Returns:
        (offsets, lengths), int64 arrays with one entry for each record, bytes; not to
        be changed.

    Raises:
        InputError: the file is empty, cut short or not a TFRecord file.
    """
    _opened(path).close()
    state = os.stat(path)
    return _spans(Path(path), state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=1000)
def _spans(path, _size, _time):
    offsets, lengths = [], []
    with _opened(path) as stream, _mapped(stream) as content:
        position, size = 0, len(content)
        while position < size:
            header = content[position : position + _HEADER.size]
            if len(header) < _HEADER.size:
                raise _cut_short(path, len(offsets) + 1)
            length = _payload_length(path, len(offsets) + 1, header)
            position += _HEADER.size
            if position + length + CHECKSUM_BYTES > size:
                raise _cut_short(path, len(offsets) + 1)
            offsets.append(position)
            lengths.append(length)
            position += length + CHECKSUM_BYTES
    return np.array(offsets, np.int64), np.array(lengths, np.int64)


def checked_payload(content, place, *arguments):
    """Payload of the bytes at a record's span, its checksum verified.

    Args:
        content: the payload and the `CHECKSUM_BYTES` that follow it.
        place: function that gives the words for "which file, which record".
        arguments: what `place` is called with, only when something is wrong.
    """
    payload, footer = content[:-CHECKSUM_BYTES], content[-CHECKSUM_BYTES:]
    if (
        len(footer) < CHECKSUM_BYTES
        or masked_crc(payload) != _CHECKSUM.unpack(footer)[0]
    ):
        raise InputError(
            f"{place(*arguments)}: the checksum of its content does not match. The "
            "file is corrupt; pack it again."
        )
    return payload


def read_payloads(path):
    """Iterate over the payloads of a file, one in memory at a time.

    Raises:
        InputError: the file is empty, cut short, or a checksum does not match.
    """
    with _opened(path) as stream:
        number = 0
        while header := stream.read(_HEADER.size):
            number += 1
            if len(header) < _HEADER.size:
                raise _cut_short(path, number)
            length = _payload_length(path, number, header)
            content = stream.read(length + CHECKSUM_BYTES)
            if len(content) < length + CHECKSUM_BYTES:
                raise _cut_short(path, number)
            yield checked_payload(content, "{}: record {}".format, path, number)


def read_records(path):
    """Iterate over the DescriptorRecords of a file."""
    for number, payload in enumerate(read_payloads(path), start=1):
        yield decode_record(payload, f"{path}: record {number}")


def write_tfrecord(path, payloads):
    """Write payloads (an iterable of bytes) atomically; return a WrittenFile."""
    digest = hashlib.sha256()
    n_records = n_bytes = 0
    with files.atomic_path(path) as temporary, open(temporary, "wb") as stream:
        for payload in payloads:
            record = framed(payload)
            stream.write(record)
            digest.update(record)
            n_records += 1
            n_bytes += len(record)
    return WrittenFile(n_records, n_bytes, digest.hexdigest())


def framed(payload):
    """Bytes of one record: the payload between its length and its checksums."""
    header = struct.pack("<Q", len(payload))
    return b"".join(
        (
            _HEADER.pack(len(payload), masked_crc(header)),
            payload,
            _CHECKSUM.pack(masked_crc(payload)),
        )
    )


def _mapped(stream):
    return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)


def _opened(path):
    """The file, open for reading; it exists and is not empty."""
    path = Path(path)
    if path.is_dir():
        raise InputError(
            f"{path}: is a folder, expected a TFRecord file. Move it away or rename it."
        )
    if not path.is_file():
        raise InputError(f"{path}: there is no such file.")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty. Delete it and pack it again.")
    return path.open("rb")


def _payload_length(path, number, header):
    length, checksum = _HEADER.unpack(header)
    if masked_crc(header[:8]) != checksum:
        raise InputError(
            f"{path}: record {number}: the checksum of its length does not match. The "
            "file is corrupt or is not a TFRecord file; pack it again."
        )
    return length


def _cut_short(path, number):
    return InputError(
        f"{path}: the file ends in the middle of record {number}. It was cut short; "
        "pack it again."
    )
