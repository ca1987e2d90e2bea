"""Which records make up which batch: a pure function of (seed, batch number)."""

import functools
import hashlib
from dataclasses import dataclass

import numpy as np

SEED_LIMIT = 2**31


@dataclass(frozen=True)
class Seeds:
    """Seeds of a run.

    Attributes:
        weights: of the first weights.
        order: of the order of records.
    """

    weights: int
    order: int


def stage_seed(base_seed, name):
    """Seed of the order of records in a stage: from (seed of the plan, its name).

    The first eight bytes of sha256("SEED/NAME"), big-endian, modulo 2^31. Another
    name is another order; nothing else of the plan enters.
    """
    digest = hashlib.sha256(f"{base_seed}/{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % SEED_LIMIT


def batch_records(seed, n_records, batch_size, first_batch, n_batches):
    """Record numbers of `n_batches` batches, counted from the start of training.

    The records are permuted anew for every pass over the data, pass p by
    rng([seed, p]); the passes are laid end to end and batch t is the stretch from
    t * batch_size to (t + 1) * batch_size. Nothing but (seed, t) enters, so that a
    resumed run draws the batches of an uninterrupted one.

    Args:
        seed: seed of the run, or None to keep the order of the files.
        n_records: records of the data set.
        batch_size: structures per batch; may exceed n_records.
        first_batch: number t of the first batch.
        n_batches: number of batches.

    Returns:
        (n_batches, batch_size) int64.
    """
    start = first_batch * batch_size
    stop = start + n_batches * batch_size
    first_pass, last_pass = start // n_records, (stop - 1) // n_records
    passes = [
        _permutation(seed, number, n_records)
        for number in range(first_pass, last_pass + 1)
    ]
    shift = first_pass * n_records
    stretch = np.concatenate(passes)[start - shift : stop - shift]
    return stretch.reshape(n_batches, batch_size)


@functools.lru_cache(maxsize=2)
def _permutation(seed, number, n_records):
    if seed is None:
        return np.arange(n_records)
    return np.random.default_rng([seed, number]).permutation(n_records)
