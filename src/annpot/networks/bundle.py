"""The tensors of a checkpoint's files, read without TensorFlow.

A bundle is `PREFIX.index`, a sorted table from names to entries, and data files of
little-endian numbers. The entry of a name tells type, shape, place and checksum.
A text is stored as its length (varint), a checksum of the length and its bytes.
"""

import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path

import google_crc32c
import numpy as np

from annpot import files
from annpot.errors import InputError
from annpot.networks.bundle_table import read_table
from annpot.wire_format import (
    LENGTH_DELIMITED,
    MalformedMessageError,
    fields,
    masked_crc,
    read_varint,
    varint,
)

TEXT = 7
DTYPES = {  # numbers of tensorflow/core/framework/types.proto
    1: "<f4", 2: "<f8", 3: "<i4", 4: "u1", 5: "<i2", 6: "i1", 9: "<i8", 10: "?",
    17: "<u2", 19: "<f2", 22: "<u4", 23: "<u8",
}  # fmt: skip
HEADER = b""  # the key of the bundle's own entry
CHECKSUM = "_checksum/.ATTRIBUTES/VARIABLE_VALUE"  # of all tensors
_U32 = struct.Struct("<I")
_DTYPE, _SHAPE, _SHARD, _OFFSET, _SIZE, _CHECKSUM = range(1, 7)


@dataclass(frozen=True)
class Entry:
    """Where one tensor lies.

    Attributes:
        dtype: number of its type; TEXT or a key of DTYPES, or unknown.
        shape: sizes of its dimensions.
        shard: number of the data file.
        offset, n_bytes: place in it.
        checksum: masked crc32c of the bytes (of a text, with its length).
    """

    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    n_bytes: int
    checksum: int


@dataclass(frozen=True)
class Bundle:
    """A checkpoint whose index was read.

    Attributes:
        prefix: its path without suffix.
        n_shards: number of its data files.
        entries: {name: Entry}.
        header: the bundle's own entry, as it is.
    """

    prefix: Path
    n_shards: int
    entries: dict[str, Entry]
    header: bytes

    def data_path(self, shard=0):
        """Path of a data file."""
        return Path(f"{self.prefix}.data-{shard:05d}-of-{self.n_shards:05d}")

    def stored(self, name):
        """Bytes of a tensor as they lie in the file, its checksum verified.

        Raises:
            InputError: the data file is missing, cut short or corrupt.
        """
        entry = self.entries[name]
        path = self.data_path(entry.shard)
        try:
            with open(path, "rb") as stream:
                stream.seek(entry.offset)
                content = stream.read(entry.n_bytes)
        except OSError as error:
            raise InputError(
                f"{path}: cannot be read ({error.strerror}). A checkpoint needs its "
                "data file; choose another one."
            ) from None
        if len(content) < entry.n_bytes or _checksum(entry, content) != entry.checksum:
            raise InputError(
                f"{self.prefix}: this checkpoint is truncated or corrupt ({name}: "
                "its checksum does not match). Choose another checkpoint."
            )
        return content

    def value(self, name):
        """A tensor: an array of its shape, or bytes of a single text.

        Raises:
            InputError: see `stored`; or a type that is not read here.
        """
        entry, content = self.entries[name], self.stored(name)
        if entry.dtype == TEXT and entry.shape == ():
            return content[_text_length(content)[1] + _U32.size :]
        if entry.dtype not in DTYPES:
            raise InputError(
                f"{self.prefix}: {name} is of a type that is not read here "
                f"({entry.dtype}). Choose another checkpoint."
            )
        return np.frombuffer(content, DTYPES[entry.dtype]).reshape(entry.shape)

    def readable(self):
        """Names of the tensors that `value` reads, in their order."""
        return [
            name
            for name, entry in sorted(self.entries.items())
            if entry.dtype in DTYPES or (entry.dtype, entry.shape) == (TEXT, ())
        ]

    def verify(self):
        """Read every tensor; InputError for the first that is damaged."""
        for name in self.entries:
            self.stored(name)


def open_bundle(prefix):
    """Bundle of a checkpoint; reads only the index.

    Raises:
        InputError: the index is missing, cut short, corrupt or none of a checkpoint.
    """
    path = Path(f"{prefix}.index")
    content = files.content_of(path)
    try:
        pairs = read_table(content)
        header = pairs.pop(HEADER)
        entries = {key.decode(): _entry(value) for key, value in pairs.items()}
        return Bundle(Path(prefix), _n_shards(header), entries, header)
    except (MalformedMessageError, KeyError, UnicodeDecodeError):
        raise InputError(
            f"{path}: truncated, corrupt or not the index of a checkpoint. Choose "
            "another checkpoint."
        ) from None


def text_content(text):
    """(bytes as stored, checksum) of one text, given as bytes."""
    length = _length_bytes(len(text))
    check = _U32.pack(masked_crc(length))
    crc = google_crc32c.value(length + check)
    return varint(len(text)) + check + text, masked_crc(text, before=crc)


def checksum_of(entries):
    """sha256, in hexadecimal, of the Entries of a checkpoint in the order of names.

    Of each "NAME DTYPE SHAPE BYTES CRC32C" and a line feed, as in
    "_history/.ATTRIBUTES/VARIABLE_VALUE 2 [3, 9] 216 2817389". It stands for the
    tensors where each of them was compared with its own checksum.

    Args:
        entries: {name: Entry}; `CHECKSUM` itself is left out.
    """
    digest = hashlib.sha256()
    for name in sorted(entries.keys() - {CHECKSUM}):
        e = entries[name]
        line = f"{name} {e.dtype} {list(e.shape)} {e.n_bytes} {e.checksum}\n"
        digest.update(line.encode())
    return digest.hexdigest()


def _n_shards(header):
    number = _numbers(header).get(1, 0)
    if not number:
        raise MalformedMessageError
    return number


def _entry(value):
    numbers = _numbers(value)
    return Entry(
        dtype=numbers.get(_DTYPE, 0),
        shape=_shape(value),
        shard=numbers.get(_SHARD, 0),
        offset=numbers.get(_OFFSET, 0),
        n_bytes=numbers.get(_SIZE, 0),
        checksum=numbers.get(_CHECKSUM, 0),
    )


def _numbers(message):
    """{field: number} of the varints and the 32-bit fields of a message."""
    found = {}
    for number, wire_type, start, end in fields(message, 0, len(message)):
        if wire_type == LENGTH_DELIMITED:
            continue
        if number == _CHECKSUM:
            found[number] = int.from_bytes(message[start:end], "little")
        else:
            found[number] = read_varint(message, start, end)[0]
    return found


def _shape(message):
    """Sizes of a TensorShapeProto: repeated dimension { 1: size }."""
    sizes = []
    for number, _, start, end in fields(message, 0, len(message)):
        if number == _SHAPE:
            for _, _, first, last in fields(message, start, end):
                sizes.append(_numbers(message[first:last]).get(1, 0))
    return tuple(sizes)


def _checksum(entry, content):
    if entry.dtype != TEXT or entry.shape != ():
        return masked_crc(content)
    try:
        length, position = _text_length(content)
    except MalformedMessageError:
        return None
    check = content[position : position + _U32.size]
    crc = google_crc32c.value(_length_bytes(length) + check)
    return masked_crc(content[position + _U32.size :], before=crc)


def _text_length(content):
    """(length, position behind it) of a single text."""
    return read_varint(content, 0, len(content))


def _length_bytes(length):
    """A length as it goes into the checksum: 4 bytes, or 8 where 4 do not hold it."""
    return length.to_bytes(4 if length < 2**32 else 8, "little")
