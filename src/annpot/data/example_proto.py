"""The protocol-buffer layout of one `tf.train.Example`, without TensorFlow.

Example   = { 1: Features }
Features  = { 1: repeated map entry { 1: name, 2: Feature } }
Feature   = { 1: BytesList } or { 2: FloatList } or { 3: Int64List }, where each
list = { 1: repeated value } and numbers are packed into one field.

Fields are those of `annpot.wire_format`, here almost always a length and that many
bytes.
"""

import numpy as np

from annpot.wire_format import (
    LENGTH_DELIMITED,
    MalformedMessageError,
    fields,
    varint,
)

_BYTES_LIST, _FLOAT_LIST, _INT64_LIST = 1, 2, 3
_NONE = np.empty(0, np.float32)
_LONGEST_VARINT = 10  # bytes, of a number of 64 bits

MalformedExampleError = MalformedMessageError


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
            parts = dict(_messages(view, *entry))
            if 1 not in parts:
                raise MalformedMessageError
            start, end = parts[1]
            name = str(view[start:end], "utf-8", "replace")
            features[name] = _values(view, *parts.get(2, (0, 0)))
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
    return [bytes((number << 3 | LENGTH_DELIMITED,)) + varint(length), *parts]


def _varints(values):
    """All of an integer array one after the other, each as `varint` writes it."""
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


def _messages(view, position, end):
    """(number, (start, end)) of the length-delimited fields."""
    for number, wire_type, start, stop in fields(view, position, end):
        if wire_type == LENGTH_DELIMITED:
            yield number, (start, stop)


def _values(view, start, end):
    """Array or bytes of one Feature; an empty Feature gives an empty array."""
    for kind, (first, last) in _messages(view, start, end):
        parts = [
            (wire_type, view[a:b])
            for number, wire_type, a, b in fields(view, first, last)
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
        raise MalformedMessageError
    return np.frombuffer(part, "<f4")


def _integers(part):
    single = np.frombuffer(part, np.uint8)
    ends = np.flatnonzero(single < 0x80) + 1
    if len(ends) == len(single):
        return single.astype(np.int64)
    lengths = np.diff(ends, prepend=0)
    if not len(ends) or ends[-1] != len(single) or lengths.max() > _LONGEST_VARINT:
        raise MalformedMessageError
    place = np.arange(len(single)) - np.repeat(ends - lengths, lengths)
    groups = (single & 0x7F).astype(np.uint64) << (7 * place).astype(np.uint64)
    return np.bitwise_or.reduceat(groups, ends - lengths).view(np.int64)
