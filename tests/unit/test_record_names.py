"""Names of records, read without the rest."""

import pytest

from annpot.data.example_proto import encode_example
from annpot.data.record_index import index_records
from annpot.data.record_names import record_names
from annpot.data.tfrecord import read_records, write_tfrecord
from annpot.errors import InputError
from reference.small_training import small_records, write_folder


def test_names_are_those_of_whole_records(tmp_path):
    write_folder(tmp_path / "data", small_records(11, seed=3))
    index = index_records(tmp_path / "data")
    whole = [record.name for file in index.files for record in read_records(file)]
    assert record_names(index) == whole
    assert record_names(index.chosen([False, True] * 5 + [True]))[:2] == whole[1:4:2]


def test_a_record_without_a_name_is_not_available(tmp_path):
    payloads = [
        encode_example({"energy": [1.0]}),
        encode_example({"name": b"caf\xc3\xa9"}),
    ]
    write_tfrecord(tmp_path / "a.tfrecord", payloads)
    assert record_names(index_records(tmp_path)) == ["N.A.", "café"]


def test_what_is_no_record_is_named(tmp_path):
    payloads = [encode_example({"name": b"good"}), b"\xff\xff\xff"]
    write_tfrecord(tmp_path / "a.tfrecord", payloads)
    message = r"a.tfrecord: record 2: not a tf.train.Example. Pack the data again."
    with pytest.raises(InputError, match=message):
        record_names(index_records(tmp_path))


def test_a_part_of_an_index_tells_places_and_content_of_the_whole(tmp_path):
    folder = write_folder(tmp_path / "data", small_records(11, seed=3))
    index = index_records(folder)
    keep = [number in (1, 5, 6, 10) for number in range(11)]
    part = index.chosen(keep)
    assert [part.place(i) for i in range(4)] == [index.place(i) for i in (1, 5, 6, 10)]
    whole = list(index.payloads())
    assert list(part.payloads()) == [whole[i] for i in (1, 5, 6, 10)]
