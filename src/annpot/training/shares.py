"""What each device gets of a batch, and what it has to know of the rest."""

from typing import NamedTuple

import numpy as np


class Share(NamedTuple):
    """What a device knows of batches of which it sees a part; arrays (n_steps,).

    Attributes:
        fraction: its part of the penalties, float64.
        n_energies, n_forces, n_virials: structures of the whole batch that have the
            label, float64.
    """

    fraction: np.ndarray
    n_energies: np.ndarray
    n_forces: np.ndarray
    n_virials: np.ndarray


def divided(records, n_devices):
    """Batches (n_steps, batch_size) as one array for each device.

    The first devices get one structure more where the batch size is no multiple.
    """
    parts = np.array_split(records, n_devices, axis=1)
    return [np.ascontiguousarray(part) for part in parts]


def chunk_of_shares(make_chunk, records, n_devices):
    """`make_chunk(records)`; for several devices the tuple of the Chunk of each.

    Args:
        make_chunk: function of (n_steps, batch_size) records.
        records: (n_steps, batch_size).
        n_devices: number of devices.
    """
    if n_devices == 1:
        return make_chunk(records)
    return tuple(make_chunk(part) for part in divided(records, n_devices))


def largest_needs(counts, records, n_devices):
    """(n_steps, n_columns) what the fullest share of each batch needs room for.

    Args:
        counts: (n_records, n_columns) what a record needs room for.
        records: (n_steps, batch_size).
        n_devices: number of devices.
    """
    parts = divided(records, n_devices)
    return np.max([counts[part].sum(axis=1) for part in parts], axis=0)


def common_share(chunks):
    """Share that is the same for all devices, from their Chunks."""
    n_steps, counted = len(chunks[0].targets), [chunk.labels for chunk in chunks]
    sizes = sum(chunk.targets.shape[1] for chunk in chunks)
    n_labels = [np.full(n_steps, float(sizes)), np.zeros(n_steps), np.zeros(n_steps)]
    if counted[0]:
        n_labels = [
            sum(getattr(labels, name).sum(axis=1, dtype=float) for labels in counted)
            for name in ("has_energy", "has_forces", "has_virial")
        ]
    return Share(np.full(n_steps, 1.0 / len(chunks)), *n_labels)
