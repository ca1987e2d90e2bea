"""Stretches of steps of one shape."""

from dataclasses import dataclass

import numpy as np

from annpot.training.order import batch_records
from annpot.training.shares import largest_needs


@dataclass(frozen=True)
class CutSettings:
    """What decides where chunks are cut.

    Attributes:
        order_seed: seed of the order of records, None for the order of the files.
        batch_size: structures per batch.
        chunk_size: most batches per chunk.
        shapes: capacities of the programs, from small to large; see
            `annpot.training.batch.batch_shapes`; with several devices those of the
            share of each.
        n_devices: devices that a batch is shared out to.
    """

    order_seed: int | None
    batch_size: int
    chunk_size: int
    shapes: tuple[tuple[int, ...], ...]
    n_devices: int


def cuts(settings, counts, segments):
    """Yield (records (n_steps, batch_size), shape) of consecutive chunks.

    Chunks end where a segment ends, after `chunk_size` steps, and where a batch needs
    another shape: the first in which all of it has room, or the share of each device.

    Args:
        settings: CutSettings.
        counts: (n_records, n_columns) what a record needs room for.
        segments: iterable of (first_step, n_steps).
    """
    limits = np.array(settings.shapes)  # (n_shapes, n_columns)
    for first_step, n_steps in segments:
        end = first_step + n_steps
        for step in range(first_step, end, settings.chunk_size):
            records = batch_records(
                settings.order_seed,
                len(counts),
                settings.batch_size,
                step,
                min(settings.chunk_size, end - step),
            )
            needs = largest_needs(counts, records, settings.n_devices)
            fits = (needs[:, None, :] <= limits).all(axis=2)
            shape = np.where(fits.any(axis=1), fits.argmax(axis=1), len(limits) - 1)
            borders = np.flatnonzero(np.diff(shape)) + 1
            for steps in np.split(np.arange(len(records)), borders):
                yield records[steps], settings.shapes[shape[steps[0]]]
