"""What a checkpoint keeps of its training data: written and read."""

import zlib

import numpy as np
import pytest

from annpot.errors import InputError
from annpot.networks.bundle_writer import write_bundle
from annpot.networks.stored_domain import (
    VALUE,
    StoredDomain,
    StoredRange,
    domain_texts,
    read_domain,
)
from annpot.networks.stored_run import StoredRun

RANGE = StoredRange(np.array([-0.1, 2.0]), np.array([1 / 3, 5.0]), 12)
GOLDEN = {
    "name": "n7", "role": "lowest", "energy": -2000.123456789012, "symbols": ["C", "O"],
    "positions": [[0.1, 0.2, 1 / 3], [0.0, 0.0, 1.1]], "forces": None,
}  # fmt: skip


def written(folder, texts):
    prefix = folder / "epoch_1_step_1"
    write_bundle(prefix, {f"_{name}{VALUE}": text for name, text in texts.items()})
    return prefix


def test_ranges_and_golden_structures_are_read_bit_for_bit(tmp_path):
    texts = domain_texts(StoredDomain({"O": RANGE}, (GOLDEN,)))
    found = read_domain(written(tmp_path, texts))
    assert found.golden == (GOLDEN,)
    for part, expected in zip(found.ranges["O"], RANGE, strict=True):
        np.testing.assert_array_equal(part, expected, strict=True)


def test_a_checkpoint_without_them_is_read(tmp_path):
    assert domain_texts(StoredDomain()) == {}
    found = read_domain(written(tmp_path, {"run": b"{}"}))
    assert (found.ranges, found.golden) == ({}, ())


def test_a_union_covers_both_and_is_itself_when_repeated():
    other = StoredRange(np.array([-0.2, 3.0]), np.array([0.0, 7.0]), 5)
    union = RANGE.union(other)
    assert union.minimum.tolist() == [-0.2, 2.0]
    assert union.maximum.tolist() == [1 / 3, 7.0]
    again = other.union(union)
    for one, two in zip(union, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert union.n_atoms == 12


@pytest.mark.parametrize(
    ("texts", "what"),
    [
        ({"golden": b"no zlib"}, "its golden structures"),
        ({"golden": zlib.compress(b'{"format_version": 9}')}, "its golden structures"),
        ({"ranges/O/minimum": RANGE.minimum}, "the range of the descriptors of O"),
    ],
)
def test_what_is_not_understood_is_refused(tmp_path, texts, what):
    prefix = written(tmp_path, texts)
    with pytest.raises(InputError) as raised:
        read_domain(prefix)
    assert f"{prefix}: what the checkpoint says" in str(raised.value)
    assert what in str(raised.value)


def test_metrics_are_those_of_the_newest_epoch():
    history = np.array([[1.0, 0.5, 2.0], [2.0, np.nan, 1.5]])
    run = StoredRun("x", None, {}, ("epoch", "val_mae", "loss"), history)
    assert run.metrics == {"epoch": 2.0, "val_mae": None, "loss": 1.5}
    assert StoredRun("x", None, {}).metrics == {}
