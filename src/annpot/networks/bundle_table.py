"""The sorted table in the `.index` file of a checkpoint, read and written.

The layout is that of LevelDB's tables: blocks of key-value pairs, each block followed
by one byte (0: not compressed) and its masked crc32c; an index block whose values are
handles (offset, size) of the blocks; 48 bytes with the handle of the index block and a
magic number. In a block a key is stored as what differs from the key before; the places
where a key is whole (restarts) are listed at the block's end.
"""

import struct

from annpot.wire_format import (
    MalformedMessageError,
    masked_crc,
    read_varint,
    varint,
)

MAGIC = struct.pack("<Q", 0xDB4775248B80FB57)
FOOTER_BYTES = 48
TRAILER_BYTES = 5
_U32 = struct.Struct("<I")
_NOT_COMPRESSED = b"\0"


def read_table(content):
    """{key: value} of a table, bytes each, in the order of the keys.

    Args:
        content: the whole file.

    Raises:
        MalformedMessageError: it is no table, or a checksum does not match.
    """
    if len(content) < FOOTER_BYTES or content[-len(MAGIC) :] != MAGIC:
        raise MalformedMessageError
    footer = content[-FOOTER_BYTES:]
    position = _handle(footer, 0)[2]  # behind the handle of an empty block
    offset, size, _ = _handle(footer, position)
    pairs = {}
    for _, value in _pairs(_block(content, offset, size)):
        start, length, _ = _handle(value, 0)
        pairs.update(_pairs(_block(content, start, length)))
    return pairs


def table(pairs):
    """Bytes of a table of one block.

    Args:
        pairs: {key: value}, bytes each, in any order.
    """
    parts, end = [], 0
    handles = []
    last = max(pairs, default=b"")
    data = _block_of(sorted(pairs.items()))
    for block in (data, _block_of([])):
        parts.append(_with_trailer(block))
        handles.append(varint(end) + varint(len(block)))
        end += len(parts[-1])
    index = _block_of([(last, handles[0])])
    parts.append(_with_trailer(index))
    footer = handles[1] + varint(end) + varint(len(index))
    padding = bytes(FOOTER_BYTES - len(MAGIC) - len(footer))
    return b"".join([*parts, footer, padding, MAGIC])


def _handle(view, position):
    """(offset, size, position behind them)."""
    offset, position = read_varint(view, position, len(view))
    size, position = read_varint(view, position, len(view))
    return offset, size, position


def _block(content, offset, size):
    """Bytes of a block, its checksum verified."""
    trailer = content[offset + size : offset + size + TRAILER_BYTES]
    checked = content[offset : offset + size + 1]
    if (
        len(trailer) < TRAILER_BYTES
        or trailer[:1] != _NOT_COMPRESSED
        or _U32.unpack(trailer[1:])[0] != masked_crc(checked)
    ):
        raise MalformedMessageError
    return content[offset : offset + size]


def _pairs(block):
    """Iterate over (key, value) of a block."""
    if len(block) < _U32.size:
        raise MalformedMessageError
    n_restarts = _U32.unpack(block[-_U32.size :])[0]
    end = len(block) - _U32.size * (n_restarts + 1)
    position, key = 0, b""
    while position < end:
        shared, position = read_varint(block, position, end)
        n_new, position = read_varint(block, position, end)
        n_value, position = read_varint(block, position, end)
        stop = position + n_new + n_value
        if shared > len(key) or stop > end:
            raise MalformedMessageError
        key = key[:shared] + block[position : position + n_new]
        yield key, block[position + n_new : stop]
        position = stop


def _block_of(pairs):
    """Bytes of a block in which every key is whole."""
    parts, restarts, end = [], [], 0
    for key, value in pairs:
        restarts.append(end)
        entry = varint(0) + varint(len(key)) + varint(len(value)) + key + value
        parts.append(entry)
        end += len(entry)
    restarts = restarts or [0]
    numbers = [_U32.pack(number) for number in (*restarts, len(restarts))]
    return b"".join([*parts, *numbers])


def _with_trailer(block):
    checked = block + _NOT_COMPRESSED
    return checked + _U32.pack(masked_crc(checked))
