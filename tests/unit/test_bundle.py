"""Checkpoints without TensorFlow: what it reads is what we read, and what we write."""

import os
import shutil

import numpy as np
import pytest

from annpot.errors import InputError
from annpot.networks.bundle import CHECKSUM, open_bundle
from annpot.networks.bundle_table import read_table, table
from annpot.networks.bundle_texts import replace_texts
from annpot.wire_format import MalformedMessageError

SUFFIXES = (".index", ".data-00000-of-00001")
RUN = "_run/.ATTRIBUTES/VARIABLE_VALUE"


@pytest.fixture
def prefix(finished_run, tmp_path):
    """A copy of a checkpoint of a small run."""
    source = finished_run.folder / "_models" / "epoch_3_step_21"
    for suffix in SUFFIXES:
        shutil.copy(f"{source}{suffix}", tmp_path)
    return tmp_path / source.name


def by_tensorflow(prefix):
    """{name: array or bytes} as TensorFlow reads them."""
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(prefix))
    return {
        name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()
    }


def ours(prefix):
    bundle = open_bundle(prefix)
    return {name: bundle.value(name) for name in bundle.entries}


def assert_same_tensors(found, expected):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        if isinstance(value, bytes):
            assert found[name] == value
        else:
            np.testing.assert_array_equal(found[name], value, strict=True)


def test_every_tensor_is_what_tensorflow_reads(prefix):
    assert_same_tensors(ours(prefix), by_tensorflow(prefix))


def test_types_and_texts_of_all_lengths_are_read(tmp_path):
    import tensorflow as tf

    values = {
        "empty": "", "short": "a" * 127, "long": "b" * 128, "longer": "c" * 20000,
        "f8": np.arange(6.0).reshape(2, 3), "i4": np.array([-1, 2], np.int32),
        "i8": np.array(2**40), "yes": np.array([True, False]),
        "none": np.zeros((0, 3), np.float32),
    }  # fmt: skip
    prefix = tmp_path / "all"
    tensors = [tf.constant(value) for value in values.values()]
    tf.raw_ops.SaveV2(
        prefix=str(prefix), tensor_names=list(values),
        shape_and_slices=[""] * len(values), tensors=tensors,
    )  # fmt: skip
    assert_same_tensors(ours(prefix), by_tensorflow(prefix))


def test_a_replaced_text_is_read_by_both_and_no_number_moves(prefix):
    before = by_tensorflow(prefix)
    data = prefix.with_name(prefix.name + SUFFIXES[1]).read_bytes()
    replace_texts(open_bundle(prefix), {RUN: b'{"seed": 6}', "added": b""})
    expected = before | {RUN: b'{"seed": 6}', "added": b""}
    found = ours(prefix)
    assert found.pop(CHECKSUM) != expected.pop(CHECKSUM)
    assert_same_tensors(found, expected)
    assert_same_tensors(by_tensorflow(prefix), ours(prefix))
    after = prefix.with_name(prefix.name + SUFFIXES[1]).read_bytes()
    assert after.startswith(data)


def test_a_text_is_old_or_new_wherever_a_replacement_is_killed(prefix, monkeypatch):
    before = ours(prefix)
    rename = os.replace

    def dies_at_the_index(source, target):
        if str(target).endswith(".index"):
            raise KeyboardInterrupt
        rename(source, target)

    monkeypatch.setattr(os, "replace", dies_at_the_index)
    with pytest.raises(KeyboardInterrupt):
        replace_texts(open_bundle(prefix), {RUN: b"new"})
    assert_same_tensors(ours(prefix), before)
    assert_same_tensors(by_tensorflow(prefix), before)


def entries_or_refusal(prefix):
    """Entries of an index; the message where it is refused."""
    try:
        return open_bundle(prefix).entries
    except InputError as error:
        return str(error)


def test_no_damage_of_the_index_goes_unseen(prefix):
    path = prefix.with_name(prefix.name + ".index")
    content = path.read_bytes()
    refusal = f"{path}: truncated, corrupt or not the index of a checkpoint. Choose "
    refusal += "another checkpoint."
    # The padding of the footer and the block of nothing mean nothing.
    harmless = open_bundle(prefix).entries, refusal
    for place in range(0, len(content), 7):
        damaged = bytearray(content)
        damaged[place] ^= 0x55
        path.write_bytes(damaged)
        assert entries_or_refusal(prefix) in harmless
    for length in range(0, len(content), 101):
        path.write_bytes(content[:length])
        assert entries_or_refusal(prefix) == refusal


def test_damage_of_the_data_is_told_with_the_tensor(prefix):
    path = prefix.with_name(prefix.name + SUFFIXES[1])
    content = bytearray(path.read_bytes())
    place = open_bundle(prefix).entries[RUN].offset + 100
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"corrupt \({RUN}: its checksum"):
        open_bundle(prefix).verify()
    path.unlink()
    with pytest.raises(InputError, match="A checkpoint needs its data file"):
        open_bundle(prefix).verify()


def test_a_table_of_many_keys_comes_back():
    pairs = {f"key {n}".encode(): bytes(n) for n in range(500)}
    assert read_table(table(pairs)) == dict(sorted(pairs.items()))
    with pytest.raises(MalformedMessageError):
        read_table(table(pairs)[:-1])
