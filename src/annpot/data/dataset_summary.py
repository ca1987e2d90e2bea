"""What is known about a set of records without holding them in memory."""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from annpot.data.descriptor_statistics import (
    ComponentMoments,
    component_moments,
    merge_moments,
)
from annpot.data.record_features import encode_record

LABELS = ("energy", "forces", "derivatives", "per_atom_quantity")
BATCH_RECORDS = 256  # whose statistics are summed together
BATCH_BYTES = 2**24  # bounds the memory where records are large


@dataclass(frozen=True)
class DatasetSummary:
    """Counts, hashes and statistics of some records; two of them merge.

    Attributes:
        labels: label -> number of records that have it.
        compositions: numbers of atoms by species index -> number of records; the
            key ends with the last species that occurs.
        hashes: sha256 of each record, 32 bytes each, in the order of the records.
        moments: species index -> ComponentMoments.
    """

    labels: Counter = field(default_factory=Counter)
    compositions: Counter = field(default_factory=Counter)
    hashes: bytes = b""
    moments: dict = field(default_factory=dict)

    @property
    def n_structures(self):
        """Number of records."""
        return self.compositions.total()

    @property
    def n_atoms(self):
        """Number of atoms of all records."""
        return sum(sum(counts) * n for counts, n in self.compositions.items())

    def merged(self, other):
        """Summary of both sets of records, `other` after this one."""
        return DatasetSummary(
            labels=self.labels + other.labels,
            compositions=self.compositions + other.compositions,
            hashes=self.hashes + other.hashes,
            moments=merge_moments(self.moments, other.moments),
        )

    def fingerprint(self, settings):
        """sha256 of the settings and of the sorted hashes of the records.

        Args:
            settings: JSON-able object.
        """
        hashes = np.frombuffer(self.hashes, ">u8").reshape(-1, 4)
        ordered = hashes[np.lexsort(hashes.T[::-1])]
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
        digest.update(ordered.tobytes())
        return digest.hexdigest()

    def to_dict(self):
        """The same as an object for JSON, exact."""
        compositions = sorted(self.compositions.items())
        moments = sorted(self.moments.items())
        return {
            "labels": dict(self.labels),
            "compositions": [[list(counts), n] for counts, n in compositions],
            "hashes": self.hashes.hex(),
            "moments": {str(index): one.to_dict() for index, one in moments},
        }

    @classmethod
    def from_dict(cls, content):
        """The inverse of `to_dict`."""
        return cls(
            labels=Counter(content["labels"]),
            compositions=Counter({tuple(c): n for c, n in content["compositions"]}),
            hashes=bytes.fromhex(content["hashes"]),
            moments={
                int(index): ComponentMoments.from_dict(one)
                for index, one in content["moments"].items()
            },
        )


def summary_of(records, payloads=None):
    """DatasetSummary of a few records.

    Args:
        records: sequence of DescriptorRecord of one g_size.
        payloads: their TFRecord payloads when they are at hand; the hash of a
            record is that of its payload, whatever file it comes from.
    """
    if payloads is None:
        payloads = map(encode_record, records)
    labels = Counter(energy=len(records))
    for label in LABELS[1:]:
        labels[label] = sum(getattr(record, label) is not None for record in records)
    return DatasetSummary(
        labels=+labels,
        compositions=Counter(
            tuple(np.bincount(record.species).tolist()) for record in records
        ),
        hashes=b"".join(hashlib.sha256(payload).digest() for payload in payloads),
        moments=component_moments(
            np.concatenate([record.species for record in records]),
            np.concatenate([record.g for record in records]),
        ),
    )


class SummaryBuilder:
    """DatasetSummary of records that come one by one, in bounded memory.

    Args:
        summarise: function of a list of records and a list of their payloads.
    """

    def __init__(self, summarise=summary_of):
        self._summarise = summarise
        self._summary = DatasetSummary()
        self._start_batch()

    def add(self, record, payload):
        """Count one record; `payload` is what a TFRecord holds of it."""
        self._records.append(record)
        self._payloads.append(payload)
        self._n_bytes += len(payload)
        if len(self._records) >= BATCH_RECORDS or self._n_bytes >= BATCH_BYTES:
            self._end_batch()

    def finished(self):
        """The DatasetSummary of all records added."""
        self._end_batch()
        return self._summary

    def _start_batch(self):
        self._records, self._payloads, self._n_bytes = [], [], 0

    def _end_batch(self):
        if self._records:
            batch = self._summarise(self._records, self._payloads)
            self._summary = self._summary.merged(batch)
        self._start_batch()
