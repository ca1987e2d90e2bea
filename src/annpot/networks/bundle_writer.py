"""A checkpoint written without TensorFlow: the files that `tf.train.Checkpoint` writes.

`PREFIX.data-00000-of-00001` holds the numbers one after the other, `PREFIX.index` where
each of them lies. Besides there is `_CHECKPOINTABLE_OBJECT_GRAPH`: names as a tree of
objects, by which TensorFlow finds what it restores.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np

from annpot.networks.bundle import (
    CHECKSUM,
    DTYPES,
    HEADER,
    TEXT,
    Entry,
    checksum_of,
    text_content,
)
from annpot.networks.bundle_table import table
from annpot.wire_format import (
    FIXED32,
    LENGTH_DELIMITED,
    VARINT,
    masked_crc,
    varint,
)

INDEX_SUFFIX, DATA_SUFFIX = ".index", ".data-00000-of-00001"
GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
ATTRIBUTE = "/.ATTRIBUTES/VARIABLE_VALUE"  # behind the path of an object
ONE_SHARD = b"\x08\x01\x1a\x02\x08\x01"  # header: 1 data file, version 1 of the format
BUFFER_BYTES = 1 << 20
NUMBERS = {np.dtype(name): number for number, name in DTYPES.items()}


def write_bundle(prefix, tensors):
    """Write the two files of a checkpoint; neither is synced.

    Args:
        prefix: path without suffix.
        tensors: {name: array, or bytes of a text}, names as in the file; the checksum
            of all of them is added.
    """
    entries, place = {}, 0
    # Texts last: what comes before lies where it did in the checkpoint before.
    names = sorted(tensors, key=lambda name: (isinstance(tensors[name], bytes), name))
    with open(f"{prefix}{DATA_SUFFIX}", "wb", buffering=BUFFER_BYTES) as stream:
        for name in [*names, CHECKSUM]:
            is_last = name == CHECKSUM
            value = checksum_of(entries).encode() if is_last else tensors[name]
            dtype, shape, content, checksum = _stored(value)
            stream.write(content)
            n_bytes = len(content)
            entries[name] = Entry(dtype, shape, 0, place, n_bytes, checksum)
            place += n_bytes
    pairs = {name.encode(): entry_message(entry) for name, entry in entries.items()}
    index = table({HEADER: ONE_SHARD, **pairs})
    Path(f"{prefix}{INDEX_SUFFIX}").write_bytes(index)


def _stored(value):
    """(number of the type, shape, bytes in the file, their checksum)."""
    if isinstance(value, bytes):
        return TEXT, (), *text_content(value)
    array = np.asarray(value)
    content = array.tobytes()
    return NUMBERS[array.dtype], array.shape, content, masked_crc(content)


def object_graph(names):
    """Bytes of the TrackableObjectGraph of variables; `a/b` is the object b of a.

    Args:
        names: paths of the variables, without `ATTRIBUTE`.

    Source: tensorflow/core/protobuf/trackable_object_graph.proto.
    """
    tree = {}
    for name in sorted(names):
        place = tree
        for part in name.split("/"):
            place = place.setdefault(part, {})
    numbered, parts = [("", tree)], []
    for path, node in numbered:  # grows meanwhile: parents come before children
        children = []
        for name, child in node.items():
            children.append(_field(1, len(numbered)) + _delimited(2, name.encode()))
            numbered.append((f"{path}/{name}".lstrip("/"), child))
        parts.append(_delimited(1, _node(path, children)))
    return b"".join(parts)


def _node(path, children):
    """An object: its children, or the value of a variable."""
    if children:
        own = b"".join(_delimited(1, child) for child in children)
    else:
        texts = (b"VARIABLE_VALUE", path.encode(), f"{path}{ATTRIBUTE}".encode())
        named = b"".join(_delimited(n, text) for n, text in enumerate(texts, start=1))
        own = _delimited(2, named)
    return own + _delimited(5, _field(1, True))  # has_checkpoint_values


def entry_message(entry):
    """Bytes of the Entry of one tensor: fields of value 0 are left out."""
    place = entry.shard, entry.offset, entry.n_bytes
    before = _before_checksum(entry.dtype, tuple(entry.shape), *place)
    return before + entry.checksum.to_bytes(4, "little")


@lru_cache(maxsize=1 << 12)  # the same in all checkpoints of a run
def _before_checksum(dtype, shape, shard, offset, n_bytes):
    dimensions = (_delimited(2, _field(1, size)) for size in shape)
    return b"".join(
        (
            _field(1, dtype),
            _delimited(2, b"".join(dimensions)),
            _field(3, shard),
            _field(4, offset),
            _field(5, n_bytes),
            varint(6 << 3 | FIXED32),
        )
    )


def _field(number, value):
    return varint(number << 3 | VARINT) + varint(value) if value else b""


def _delimited(number, content):
    return varint(number << 3 | LENGTH_DELIMITED) + varint(len(content)) + content
