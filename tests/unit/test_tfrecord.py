"""TFRecord files: exact round trip, the published files, and broken files."""

import os
import struct
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from annpot.data import tfrecord
from annpot.data.example_proto import decode_example, encode_example
from annpot.data.records import (
    DenseDerivatives,
    DescriptorRecord,
    SparseDerivatives,
)
from annpot.errors import InputError


def record(name="water", n_atoms=3, g_size=5, **labels):
    rng = np.random.default_rng(7)
    return DescriptorRecord(
        name=name,
        species=np.arange(n_atoms) % 2,
        g=rng.random((n_atoms, g_size), dtype=np.float32),
        energy=-2081.123456789012,  # float32 would keep -2081.1235
        **labels,
    )


def sparse(n_atoms=3, g_size=5):
    return SparseDerivatives(
        values=np.array([0.25, -4.0], np.float32),
        rows=np.array([0, n_atoms * g_size - 1]),
        columns=np.array([3 * n_atoms - 1, 0]),
    )


def labelled(derivatives):
    rng = np.random.default_rng(3)
    return record(
        forces=rng.standard_normal((3, 3)).astype(np.float32),
        per_atom_quantity=rng.random(3, dtype=np.float32),
        derivatives=derivatives,
    )


RECORDS = {
    "energy only": record(),
    "a species index above 127": replace(record(), species=np.array([0, 200, 70000])),
    "dense derivatives": labelled(
        DenseDerivatives(np.arange(135, dtype=np.float32).reshape(3, 5, 3, 3))
    ),
    "sparse derivatives": labelled(sparse()),
    "derivatives that are all 0": labelled(
        SparseDerivatives(*(np.empty(0, kind) for kind in (np.float32, int, int)))
    ),
}


def assert_equal_records(one, other):
    assert one.name == other.name
    assert one.energy == other.energy
    arrays = ("species", "g", "forces", "per_atom_quantity")
    for mine, theirs in [(getattr(one, a), getattr(other, a)) for a in arrays] + [
        (getattr(one.derivatives, a, None), getattr(other.derivatives, a, None))
        for a in ("values", "rows", "columns")
    ]:
        assert (mine is None) == (theirs is None)
        assert mine is None or (
            mine.shape == theirs.shape and mine.tobytes() == theirs.tobytes()
        )


@pytest.mark.parametrize("original", RECORDS.values(), ids=RECORDS.keys())
def test_round_trip_is_exact(tmp_path, original):
    path = tmp_path / "one.tfrecord"
    tfrecord.write_tfrecord(path, [tfrecord.encode_record(original)])
    (read,) = tfrecord.read_records(path)
    assert_equal_records(read, original)


def test_crc32c_of_the_framing_is_the_published_one():
    # RFC 3720, appendix B.4: 32 bytes of zeros have the crc32c 0x8a9136aa.
    crc = 0x8A9136AA
    rotated = (crc >> 15 | crc << 17) & 0xFFFFFFFF
    assert tfrecord.masked_crc(bytes(32)) == (rotated + 0xA282EAD8) % 2**32


def test_spans_point_at_the_payloads(tmp_path):
    path = tmp_path / "three.tfrecord"
    payloads = [tfrecord.encode_record(record(name)) for name in ("a", "bb", "ccc")]
    written = tfrecord.write_tfrecord(path, payloads)
    offsets, lengths = tfrecord.record_spans(path)
    content = path.read_bytes()
    read = [
        tfrecord.checked_payload(content[start : start + length + 4], str)
        for start, length in zip(offsets, lengths, strict=True)
    ]
    assert read == payloads == list(tfrecord.read_payloads(path))
    assert (written.n_records, written.n_bytes) == (3, path.stat().st_size)


def test_records_without_name_and_exact_energy_are_read(reference_data):
    path = reference_data / "panna_tutorial_records" / "train-1-10.tfrecord"
    records = list(tfrecord.read_records(path))
    assert len(records) == 90
    assert {one.name for one in records} == {"N.A."}
    assert {one.g_size for one in records} == {384}
    assert {len(one.species) for one in records} == {3, 4, 5}
    assert records[0].energy == np.float32(records[0].energy)


def test_published_records_with_derivatives_are_read(reference_data):
    path = reference_data / "panna_carbon_force" / "tfr_data-1-3.tfrecord"
    first = next(tfrecord.read_records(path))
    assert first.derivatives.values.shape == (16, 80, 16, 3)
    assert first.forces.shape == (16, 3)
    assert first.name.startswith("eib2ke3c")


def test_unpacked_numbers_are_read():
    """A writer may give every number a field of its own instead of packing them."""

    def field(number, wire_type, content):
        length = bytes([len(content)]) if wire_type == 2 else b""
        return bytes([number << 3 | wire_type]) + length + content

    floats = b"".join(field(1, 5, struct.pack("<f", x)) for x in (1.5, -2.0))
    integers = b"".join(field(1, 0, bytes([x])) for x in (3, 9))
    entries = b"".join(
        field(1, 2, field(1, 2, name) + field(2, 2, field(kind, 2, values)))
        for name, kind, values in ((b"f", 2, floats), (b"i", 3, integers))
    )
    features = decode_example(field(1, 2, entries))
    np.testing.assert_array_equal(features["f"], np.float32([1.5, -2.0]))
    np.testing.assert_array_equal(features["i"], np.array([3, 9]))
    assert features["i"].dtype == np.int64


def test_what_tensorflow_reads_is_what_was_written(tmp_path):
    """The only test here that starts TensorFlow, in a process of its own."""
    path = tmp_path / "all.tfrecord"
    payloads = [tfrecord.encode_record(one) for one in RECORDS.values()]
    tfrecord.write_tfrecord(path, payloads)
    script = """
import sys, numpy as np, tensorflow as tf
from annpot.data.example_proto import decode_example
payloads = list(tf.data.TFRecordDataset(sys.argv[1]).as_numpy_iterator())
for payload in payloads:
    features = tf.train.Example.FromString(payload).features.feature
    ours = decode_example(payload)
    assert set(features) == set(ours), (set(features), set(ours))
    for name, feature in features.items():
        values = getattr(feature, feature.WhichOneof("kind")).value
        same = values[0] == ours[name] if isinstance(ours[name], bytes) else (
            np.array_equal(np.array(values, ours[name].dtype), ours[name]))
        assert same, name
print(len(payloads), "records agree")
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)],
        capture_output=True, text=True, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == f"{len(payloads)} records agree"


def broken(tmp_path, change):
    path = tmp_path / "broken.tfrecord"
    payloads = [tfrecord.encode_record(record(name)) for name in ("a", "b")]
    tfrecord.write_tfrecord(path, payloads)
    content = bytearray(path.read_bytes())
    path.write_bytes(bytes(change(content)))
    return path


def cut(n):
    return lambda content: content[:n]


def flipped(position):
    def change(content):
        content[position] ^= 1
        return content

    return change


BROKEN = {
    "cut in the second header": (
        lambda content: content[: len(content) // 2 + 5],
        "record 2. It was cut short; pack it again.",
    ),
    "cut in the second payload": (cut(-30), "in the middle of record 2."),
    "cut in the last checksum": (cut(-2), "in the middle of record 2."),
    "length": (flipped(0), "record 1: the checksum of its length does not match"),
    "empty": (cut(0), "the file is empty. Delete it and pack it again."),
    "not a TFRecord file": (
        lambda content: b"energy = 1 # some other file",
        "corrupt or is not a TFRecord file",
    ),
}


@pytest.mark.parametrize(("change", "message"), BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("read", [tfrecord.record_spans, tfrecord.read_payloads])
def test_broken_framing_is_named(tmp_path, change, message, read):
    path = broken(tmp_path, change)
    with pytest.raises(InputError) as caught:
        list(read(path))
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_a_flipped_bit_of_the_content_is_found(tmp_path):
    path = broken(tmp_path, flipped(40))
    (start, _), (length, _) = tfrecord.record_spans(path)
    message = "the checksum of its content does not match. The file is corrupt"
    with pytest.raises(InputError, match=f"record 1: {message}"):
        list(tfrecord.read_payloads(path))
    framed = path.read_bytes()[start : start + length + 4]
    with pytest.raises(InputError, match=f"place 5: {message}"):
        tfrecord.checked_payload(framed, "place {}".format, 5)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"absent\.tfrecord: there is no such file"):
        tfrecord.record_spans(tmp_path / "absent.tfrecord")


def test_a_folder_is_named(tmp_path):
    (tmp_path / "1-1.tfrecord").mkdir()
    with pytest.raises(InputError, match=r"1-1\.tfrecord: is a folder, expected a TFR"):
        tfrecord.record_spans(tmp_path / "1-1.tfrecord")


def not_a_number(values):
    values = values.copy()
    values.flat[1] = np.nan
    return values


WRONG = {
    "'gvects' holds a value that is not a finite number": replace(
        record(), g=not_a_number(record().g)
    ),
    "'energy' holds a value that is not a finite number": replace(
        record(), energy=float("nan")
    ),
    "'gvects' has 15 numbers, which is no multiple of 4 atoms": replace(
        record(), species=np.zeros(4, np.int64)
    ),
    "'forces' has 6 numbers, expected 9": replace(
        record(), forces=np.zeros((2, 3), np.float32)
    ),
    "'species' holds the index -1": replace(record(), species=np.array([0, -1, 1])),
    "an index of the sparse derivatives is out of range": replace(
        record(), derivatives=replace(sparse(), rows=np.array([0, 15]))
    ),
    "an index of the sparse derivatives is out": replace(
        record(), derivatives=replace(sparse(), columns=np.array([-1, 0]))
    ),
}


@pytest.mark.parametrize(("message", "wrong"), WRONG.items())
def test_wrong_content_is_named(tmp_path, message, wrong):
    path = tmp_path / "wrong.tfrecord"
    tfrecord.write_tfrecord(path, [tfrecord.encode_record(wrong)])
    with pytest.raises(InputError) as caught:
        list(tfrecord.read_records(path))
    assert str(caught.value).startswith(f"{path}: record 1: {message}")


@pytest.mark.parametrize(
    "payload", [b"\xff\xff\xff", b"\x0a\x7f", b"\x0b\x01", b"\x0a\x03\x0a\x07abc"]
)
def test_bytes_that_are_no_example_are_refused(payload):
    with pytest.raises(InputError, match=r"here: not a tf\.train.Example"):
        tfrecord.decode_record(payload, "here")


def test_missing_features_are_named():
    with pytest.raises(InputError, match="record: the feature 'species' is missing"):
        tfrecord.decode_record(b"")


def features_of(one):
    return decode_example(tfrecord.encode_record(one))


def test_sparse_indices_are_written_twice():
    """As integers, and as the floats that PANNA's programs read."""
    features = features_of(RECORDS["sparse derivatives"])
    for name, expected in (("indices1", [0, 14]), ("indices2", [8, 0])):
        floats, integers = features[f"dgvect_{name}"], features[f"dgvect_{name}_i64"]
        assert (floats.dtype, floats.tolist()) == (np.float32, expected)
        assert (integers.dtype, integers.tolist()) == (np.int64, expected)


def test_sparse_indices_of_other_programs_are_read():
    features = features_of(RECORDS["sparse derivatives"])
    floats = {k: v for k, v in features.items() if not k.endswith("_i64")}
    read = tfrecord.decode_record(encode_example(floats))
    assert_equal_records(read, RECORDS["sparse derivatives"])


def beyond_float32():
    """Three atoms with so many components that float32 rounds the last index."""
    large = replace(record(), g=np.zeros((3, 6_000_001), np.float32))
    return replace(large, derivatives=sparse(3, 6_000_001))


def test_sparse_indices_beyond_float32_are_exact_integers():
    original = beyond_float32()
    read = tfrecord.decode_record(tfrecord.encode_record(original))
    assert read.derivatives.rows.tolist() == [0, 18_000_002]
    assert int(np.float32(18_000_003)) != 18_000_003
    assert "dgvect_indices1" not in features_of(original)


def test_inexact_sparse_indices_of_other_programs_are_refused():
    features = features_of(beyond_float32())
    for name in ("dgvect_indices1", "dgvect_indices2"):
        features[name] = features.pop(f"{name}_i64").astype(np.float32)
    message = r"'dgvect_indices1' holds indices up to 18000003 as float32, which is"
    with pytest.raises(InputError, match=message):
        tfrecord.decode_record(encode_example(features))


@pytest.mark.parametrize(
    "values", [[], [0], [127, 128], [0, 2**24 + 1, 300, -1, 2**63 - 1, -(2**63)]]
)
def test_integers_of_any_size_are_read_as_written(values):
    values = np.array(values, np.int64)
    read = decode_example(encode_example({"n": values}))["n"]
    np.testing.assert_array_equal(read, values)


def test_a_failed_write_leaves_the_earlier_file(tmp_path):
    path = tmp_path / "kept.tfrecord"
    tfrecord.write_tfrecord(path, [tfrecord.encode_record(record())])
    before = path.read_bytes()

    def payloads():
        yield b"half"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tfrecord.write_tfrecord(path, payloads())
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
