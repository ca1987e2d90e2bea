"""Where each record of a data set stands on disk, so that any one can be read alone."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from annpot.data.tfrecord import CHECKSUM_BYTES, checked_payload, record_spans
from annpot.errors import InputError


@dataclass(frozen=True)
class RecordIndex:
    """Byte spans of all records of a folder of TFRecord files.

    Attributes:
        files: the files, sorted by name with numbers in numeric order.
        file_of: (n_records,) index into `files`.
        offsets: (n_records,) first byte of each payload.
        lengths: (n_records,) bytes of each payload.
        numbers: (n_records,) place of each record in its file, from 1.
    """

    files: tuple[Path, ...]
    file_of: np.ndarray
    offsets: np.ndarray
    lengths: np.ndarray
    numbers: np.ndarray

    def __len__(self):
        return len(self.offsets)

    @property
    def n_bytes(self):
        """Bytes of all payloads."""
        return int(self.lengths.sum())

    def place(self, record):
        """Words that tell a user where a record is."""
        file = self.files[int(self.file_of[record])]
        return f"{file}: record {int(self.numbers[record])}"

    def chosen(self, keep):
        """RecordIndex of the records where `keep` (n_records,) is true, in order.

        Or of the records whose numbers `keep` holds, in the order of these.
        """
        return RecordIndex(
            files=self.files,
            file_of=self.file_of[keep],
            offsets=self.offsets[keep],
            lengths=self.lengths[keep],
            numbers=self.numbers[keep],
        )

    def payloads(self):
        """Iterate over all payloads in order, one in memory at a time."""
        for number, file in enumerate(self.files):
            records = np.flatnonzero(self.file_of == number)
            if not len(records):
                continue
            with open(file, "rb") as stream:
                for record in records:
                    yield self._payload(stream, record)

    def read(self, records):
        """Payloads of some records, in the given order, checksums verified.

        Args:
            records: (n,) integer numbers of records; repetitions are allowed.

        Returns:
            list of bytes.
        """
        payloads = [b""] * len(records)
        files_asked = self.file_of[records]
        for file in np.unique(files_asked):
            positions = np.flatnonzero(files_asked == file)
            with open(self.files[file], "rb") as stream:
                for position in positions[np.argsort(self.offsets[records[positions]])]:
                    payloads[position] = self._payload(stream, records[position])
        return payloads

    def _payload(self, stream, record):
        stream.seek(int(self.offsets[record]))
        framed = stream.read(int(self.lengths[record]) + CHECKSUM_BYTES)
        return checked_payload(framed, self.place, record)


def tfrecord_files(folder, where=None):
    """All `*.tfrecord` files of a folder, sorted by name.

    Args:
        folder: of the files.
        where: INI file and line that name the folder, for the message.

    Raises:
        InputError: no such folder, or no TFRecord in it.
    """
    folder = Path(folder)
    at = "" if where is None else f"{where}: "
    if not folder.is_dir():
        raise InputError(
            f"{at}{folder}: no such folder. Expected a folder of .tfrecord files; "
            "check data_dir, or make the files with app_tfr_packer."
        )
    files = tuple(sorted(folder.glob("*.tfrecord"), key=natural_order))
    if not files:
        raise InputError(
            f"{at}{folder}: no records in it. Expected .tfrecord files, as "
            "app_tfr_packer makes them."
        )
    return files


def index_records(folder, where=None):
    """RecordIndex of all `*.tfrecord` files of a folder; see `tfrecord_files`.

    Raises:
        InputError: no such folder, no TFRecord in it, or a damaged file.
    """
    return index_of_files(tfrecord_files(folder, where))


def index_of_files(files):
    """RecordIndex of some TFRecord files.

    Raises:
        InputError: a damaged file.
    """
    spans = [record_spans(file) for file in files]
    counts = [len(offsets) for offsets, _ in spans]
    return RecordIndex(
        files=tuple(files),
        file_of=np.repeat(np.arange(len(files)), counts),
        offsets=np.concatenate([offsets for offsets, _ in spans]),
        lengths=np.concatenate([lengths for _, lengths in spans]),
        numbers=np.concatenate([np.arange(1, n + 1) for n in counts]),
    )


def natural_order(path):
    """Sorting key that puts train-2 before train-10."""
    parts = re.split(r"(\d+)", path.name)
    return [int(part) if part.isdigit() else part for part in parts]
