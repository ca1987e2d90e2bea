"""What TensorFlow's files have in common: varints, fields, checksums.

A message of protocol buffers is a chain of fields: a varint (number << 3 | wire type)
and its content. A varint has seven bits a byte, lowest first, the high bit set on all
but the last.
"""

import google_crc32c

VARINT, FIXED64, LENGTH_DELIMITED, FIXED32 = 0, 1, 2, 5
_FIXED_SIZES = {FIXED64: 8, FIXED32: 4}


class MalformedMessageError(Exception):
    """The bytes are no message: a length points past the end, or a type is wrong."""


def varint(value):
    """Bytes of an integer; a negative one is its 64-bit complement."""
    if 0 <= value < 0x80:
        return bytes((value,))
    value &= 0xFFFF_FFFF_FFFF_FFFF
    content = bytearray()
    while value > 0x7F:
        content.append(value & 0x7F | 0x80)
        value >>= 7
    content.append(value)
    return bytes(content)


def read_varint(view, position, end):
    """(value, position behind it) of the varint at a position.

    Raises:
        MalformedMessageError: it does not end before `end`, or is too long.
    """
    value = shift = 0
    while position < end and shift < 64:
        byte = view[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise MalformedMessageError


def fields(view, position, end):
    """Iterate over (number, wire type, start, end) of the fields between two positions.

    Raises:
        MalformedMessageError: see there.
    """
    while position < end:
        tag, position = read_varint(view, position, end)
        wire_type = tag & 7
        if wire_type == LENGTH_DELIMITED:
            length, position = read_varint(view, position, end)
        elif wire_type == VARINT:
            length = read_varint(view, position, end)[1] - position
        elif wire_type in _FIXED_SIZES:
            length = _FIXED_SIZES[wire_type]
        else:
            raise MalformedMessageError
        if position + length > end:
            raise MalformedMessageError
        yield tag >> 3, wire_type, position, position + length
        position += length


def masked_crc(content, before=0):
    """crc32c rotated by 15 bits plus a constant, as TensorFlow stores it.

    Args:
        content: bytes.
        before: crc32c (not masked) of the bytes that come before.
    """
    return masked(google_crc32c.extend(before, content))


def masked(crc):
    """crc32c rotated by 15 bits plus a constant, of an integer or uint64 array."""
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
