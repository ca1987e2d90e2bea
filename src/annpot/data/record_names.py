"""Names of the structures in TFRecord files, read without the rest of the records."""

import mmap

import numpy as np

from annpot.data.records import NO_NAME
from annpot.errors import InputError
from annpot.wire_format import LENGTH_DELIMITED, MalformedMessageError, fields

_FEATURE = b"name"
_KEY, _VALUE, _BYTES_LIST = 1, 2, 1  # numbers of fields, see `example_proto`


def record_names(index):
    """Names of all records of a RecordIndex; of descriptors or of structures.

    Only the heads of the features are read: of a record with megabytes of derivatives
    some pages. Checksums are left to whoever reads the content.

    Args:
        index: RecordIndex.

    Returns:
        list of names, NO_NAME where a record has none.

    Raises:
        InputError: a record is not a tf.train.Example.
    """
    names = [NO_NAME] * len(index)
    for number, file in enumerate(index.files):
        records = np.flatnonzero(index.file_of == number)
        if not len(records):
            continue
        with (
            open(file, "rb") as stream,
            mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content,
        ):
            for record in records.tolist():
                start = int(index.offsets[record])
                end = start + int(index.lengths[record])
                try:
                    names[record] = _name(content, start, end)
                except MalformedMessageError:
                    raise InputError(
                        f"{index.place(record)}: not a tf.train.Example. Pack the data "
                        "again."
                    ) from None
    return names


def _name(content, start, end):
    """Name in one Example; NO_NAME without."""
    for features in _messages(content, start, end):
        for entry in _messages(content, *features[1:]):
            parts = {number: span for number, *span in _messages(content, *entry[1:])}
            key = parts.get(_KEY, (0, 0))
            if content[slice(*key)] == _FEATURE and _VALUE in parts:
                return _text(content, *parts[_VALUE])
    return NO_NAME


def _text(content, start, end):
    for number, *span in _messages(content, start, end):
        if number == _BYTES_LIST:
            for _, *value in _messages(content, *span):
                return content[slice(*value)].decode("utf-8", "replace")
    return NO_NAME


def _messages(content, start, end):
    """(number, start, end) of the length-delimited fields between two positions."""
    for number, wire_type, first, last in fields(content, start, end):
        if wire_type == LENGTH_DELIMITED:
            yield number, first, last
