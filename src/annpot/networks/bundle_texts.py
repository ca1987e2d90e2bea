"""Other texts in a checkpoint; every number in it stays where and as it is."""

import shutil

from annpot import files
from annpot.networks.bundle import (
    CHECKSUM,
    HEADER,
    TEXT,
    Entry,
    checksum_of,
    text_content,
)
from annpot.networks.bundle_table import table
from annpot.networks.bundle_writer import entry_message


def replace_texts(bundle, texts):
    """Replace texts of a checkpoint on disk, or add them; renew its `CHECKSUM`.

    The new texts are appended to a copy of the data file. That copy takes the place of
    the data file first, as the old index fits it too; then the new index takes its
    place. So a process that is killed leaves the old checkpoint or the new one.

    Args:
        bundle: Bundle of one data file, as it is on disk.
        texts: {name: bytes}; `CHECKSUM` among them is taken as it is.

    Raises:
        InputError: the disk is full or the folder cannot be written.
    """
    data, index = bundle.data_path(), f"{bundle.prefix}.index"
    entries = dict(bundle.entries)
    with files.atomic_path(data) as temporary:
        shutil.copyfile(data, temporary)
        with open(temporary, "ab") as stream:
            for name, text in texts.items():
                entries[name] = _append(stream, text)
            if CHECKSUM in entries and CHECKSUM not in texts:
                entries[CHECKSUM] = _append(stream, checksum_of(entries).encode())
    pairs = {name.encode(): entry_message(entry) for name, entry in entries.items()}
    files.write_bytes(index, table(pairs | {HEADER: bundle.header}))


def _append(stream, text):
    """Entry of a text that is written here."""
    content, checksum = text_content(text)
    place = stream.tell()
    stream.write(content)
    return Entry(TEXT, (), 0, place, len(content), checksum)
