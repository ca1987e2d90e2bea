"""The protocol-buffer layout of one `tf.train.Example`, without TensorFlow.

Example   = { 1: Features }
Features  = { 1: repeated map entry { 1: name, 2: Feature } }
Feature   = { 1: BytesList } or { 2: FloatList } or { 3: Int64List }, where each
list = { 1: repeated value } and numbers are packed into one field.

On the wire a field is a varint (number << 3 | wire type) and its content, here
almost always of wire type 2: a varint length and that many bytes.
"""

import numpy as np

_BYTES_LIST, _FLOAT_LIST, _INT64_LIST = 1, 2, 3
_NONE = np.empty(0, np.float32)
_LONGEST_VARINT = 10  # bytes, of a number of 64 bits
_VARINT, _FIXED64, _LENGTH_DELIMITED, _FIXED32 = 0, 1, 2, 5


class MalformedExampleError(Exception):
    """The bytes are not a tf.train.Example."""


def encode_example(features):
    """Bytes of an Example.

    Args:
        features: name -> float array (stored as float32), integer array or bytes.
            Written in the order of their names, so that equal content gives equal
            bytes.
    """
    entries = []
    for name in sorted(features):
        entry = [*_field(1, [name.encode()]), *_field(2, _feature(features[name]))]
        entries += _field(1, entry)
    return b"".join(_field(1, entries))


def decode_example(content):
    """Features of an Example: name -> float32 array, int64 array or bytes.

    Of a bytes list the first entry is returned.

    Raises:
        MalformedExampleError: a length points past the end, or a wire type is wrong.
    """
    view = memoryview(content)
    features = {}
    for _, message in _messages(view, 0, len(view)):
        for _, entry in _messages(view, *message):
            fields = dict(_messages(view, *entry))
            if 1 not in fields:
                raise MalformedExampleError
            start, end = fields[1]
            name = str(view[start:end], "utf-8", "replace")
            features[name] = _values(view, *fields.get(2, (0, 0)))
    return features


def _feature(values):
    """Parts of a Feature."""
    if isinstance(values, bytes):
        return _field(_BYTES_LIST, _field(1, [values]))
    values = np.asarray(values)
    if values.dtype.kind in "iu":
        return _field(_INT64_LIST, _field(1, [_varints(values.ravel())]))
    numbers = np.ascontiguousarray(values, "<f4").reshape(-1)
    return _field(_FLOAT_LIST, _field(1, [numbers.view(np.uint8)]))


def _field(number, parts):
    """Parts of a field around the parts of its content; joined only at the end.

    Large arrays are so copied once, not at each of five levels.
    """
    length = sum(map(len, parts))
    return [bytes((number << 3 | _LENGTH_DELIMITED,)) + _varint(length), *parts]


def _varint(value):
    """Seven bits a byte, lowest first, the high bit set on all but the last."""
    if 0 <= value < 0x80:
        return bytes((value,))
    value &= 0xFFFF_FFFF_FFFF_FFFF  # a negative number is its 64-bit complement
    content = bytearray()
    while value > 0x7F:
        content.append(value & 0x7F | 0x80)
        value >>= 7
    content.append(value)
    return bytes(content)


def _varints(values):
    """All of an integer array one after the other, each as `_varint` writes it."""
    values = values.astype(np.int64, copy=False).view(np.uint64)
    if not len(values) or values.max() < 0x80:
        return values.astype(np.uint8).tobytes()
    n_bytes = -(-int(values.max()).bit_length() // 7)
    groups = values[:, None] >> np.arange(0, 7 * n_bytes, 7, dtype=np.uint64)
    is_used = groups > 0
    is_used[:, 0] = True
    goes_on = np.zeros_like(is_used)
    goes_on[:, :-1] = is_used[:, 1:]
    content = (groups & np.uint64(0x7F)).astype(np.uint8) | goes_on * np.uint8(0x80)
    return content[is_used].tobytes()


def _read_varint(view, position, end):
    value = shift = 0
    while position < end and shift < 64:
        byte = view[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise MalformedExampleError


def _fields(view, position, end):
    """(number, wire type, start, end) of each field between two positions."""
    while position < end:
        tag, position = _read_varint(view, position, end)
        wire_type = tag & 7
        if wire_type == _LENGTH_DELIMITED:
            length, position = _read_varint(view, position, end)
        elif wire_type == _FIXED32:
            length = 4
        elif wire_type == _VARINT:
            length = _read_varint(view, position, end)[1] - position
        elif wire_type == _FIXED64:
            length = 8
        else:
            raise MalformedExampleError
        if position + length > end:
            raise MalformedExampleError
        yield tag >> 3, wire_type, position, position + length
        position += length


def _messages(view, position, end):
    """(number, (start, end)) of the length-delimited fields."""
    for number, wire_type, start, stop in _fields(view, position, end):
        if wire_type == _LENGTH_DELIMITED:
            yield number, (start, stop)


def _values(view, start, end):
    """Array or bytes of one Feature; an empty Feature gives an empty array."""
    for kind, (first, last) in _messages(view, start, end):
        parts = [
            (wire_type, view[a:b])
            for number, wire_type, a, b in _fields(view, first, last)
            if number == 1
        ]
        if kind == _BYTES_LIST:
            return bytes(parts[0][1]) if parts else b""
        read = {_FLOAT_LIST: _floats, _INT64_LIST: _integers}.get(kind)
        if read is not None:
            arrays = [read(part) for _, part in parts]
            # One packed field is the rule; many unpacked ones are allowed.
            return np.concatenate(arrays) if len(arrays) > 1 else (arrays or [_NONE])[0]
    return _NONE


def _floats(part):
    if len(part) % 4:
        raise MalformedExampleError
    return np.frombuffer(part, "<f4")


def _integers(part):
    single = np.frombuffer(part, np.uint8)
    ends = np.flatnonzero(single < 0x80) + 1
    if len(ends) == len(single):
        return single.astype(np.int64)
    lengths = np.diff(ends, prepend=0)
    if not len(ends) or ends[-1] != len(single) or lengths.max() > _LONGEST_VARINT:
        raise MalformedExampleError
    place = np.arange(len(single)) - np.repeat(ends - lengths, lengths)
    groups = (single & 0x7F).astype(np.uint64) << (7 * place).astype(np.uint64)
    return np.bitwise_or.reduceat(groups, ends - lengths).view(np.int64)
