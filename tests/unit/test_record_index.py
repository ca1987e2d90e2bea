"""Any record of a folder, read alone by its byte offset."""

import numpy as np
import pytest

from annpot.data.record_index import index_records
from annpot.data.tfrecord import encode_record, read_payloads, write_tfrecord
from annpot.errors import InputError
from reference.small_training import small_records, write_folder


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path / "data", small_records(11, seed=3), n_files=3)


def test_files_are_in_numeric_order(tmp_path):
    record = encode_record(small_records(1, seed=1)[0])
    for number in (10, 2, 1):
        write_tfrecord(tmp_path / f"train-{number}-10.tfrecord", [record])
    names = [path.name for path in index_records(tmp_path).files]
    assert names == [f"train-{n}-10.tfrecord" for n in (1, 2, 10)]


def test_records_are_read_in_any_order_with_repetitions(folder):
    index = index_records(folder)
    payloads = [p for path in index.files for p in read_payloads(path)]
    assert len(index) == len(payloads) == 11
    assert index.n_bytes == sum(map(len, payloads))
    wanted = np.array([10, 0, 5, 5, 3, 10, 1])
    assert index.read(wanted) == [payloads[i] for i in wanted]


def test_a_place_is_told_in_words(folder):
    index = index_records(folder)  # 4, 4 and 3 records
    assert index.place(0) == f"{folder}/train-1-3.tfrecord: record 1"
    assert index.place(4) == f"{folder}/train-2-3.tfrecord: record 1"
    assert index.place(10) == f"{folder}/train-3-3.tfrecord: record 3"


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere: no such folder. Expected a folder"):
        index_records(tmp_path / "nowhere")


def test_the_line_that_names_the_folder_is_told(tmp_path):
    for folder, found in ((tmp_path / "nowhere", "no such"), (tmp_path, "no records")):
        with pytest.raises(InputError) as caught:
            index_records(folder, "train.ini:3")
        assert str(caught.value).startswith(f"train.ini:3: {folder}: {found}")


def test_an_empty_folder_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no records in it. Expected .tfrecord files"):
        index_records(tmp_path)


def test_a_file_cut_short_is_named(folder):
    path = folder / "train-2-3.tfrecord"
    path.write_bytes(path.read_bytes()[:-20])
    message = "train-2-3.tfrecord: the file ends in the middle of record 4. It was cut"
    with pytest.raises(InputError, match=message):
        index_records(folder)


def test_a_flipped_byte_is_found_when_its_record_is_read(folder):
    index = index_records(folder)
    path = folder / "train-2-3.tfrecord"
    content = bytearray(path.read_bytes())
    content[int(index.offsets[6]) + 50] ^= 1
    path.write_bytes(content)
    assert len(index.read(np.array([5, 7]))) == 2
    with pytest.raises(InputError, match=r"train-2-3.tfrecord: record 3: the checksum"):
        index.read(np.array([5, 6]))
