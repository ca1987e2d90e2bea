"""Files beside a dataset.json: absent ones are told, others must be as recorded."""

import json

import numpy as np
import pytest

from annpot.data.descriptor_origin import DescriptorOrigin
from annpot.data.packing import describe_tfrecords
from annpot.data.recorded_files import missing_notice, read_verified
from annpot.data.tfrecord import encode_record, write_tfrecord
from annpot.errors import InputError
from reference.small_training import N_FEATURES, SPECIES, small_records, write_folder


@pytest.fixture
def folder(tmp_path):
    made = write_folder(tmp_path / "data", small_records(11, seed=3), n_files=3)
    describe_tfrecords(made, DescriptorOrigin(SPECIES, N_FEATURES)).write(made)
    return made


def test_files_as_recorded_pass(folder):
    described = read_verified(folder, ".tfrecord")
    assert described.n_structures == 11
    assert missing_notice(folder, described) is None


def test_without_description_nothing_is_compared(folder):
    (folder / "dataset.json").unlink()
    assert read_verified(folder, ".tfrecord") is None


def test_absent_files_are_told(folder):
    (folder / "train-2-3.tfrecord").unlink()
    assert missing_notice(folder, read_verified(folder, ".tfrecord")) == (
        f"{folder}: using 2 of the 3 files that dataset.json describes; not here: "
        "train-2-3.tfrecord"
    )


def test_a_file_of_the_same_size_with_other_records_is_refused(folder):
    """Records in another order: names, sizes and every checksum are right."""
    path = folder / "train-1-3.tfrecord"
    size = path.stat().st_size
    records = small_records(11, seed=3)[0::3]
    write_tfrecord(path, map(encode_record, records[::-1]))
    assert path.stat().st_size == size
    with pytest.raises(InputError) as caught:
        read_verified(folder, ".tfrecord")
    assert str(caught.value) == (
        f"{path}: its content is not what dataset.json recorded; the file was damaged "
        "or replaced. Run app_tfr_packer again, or delete dataset.json if the file is "
        "right."
    )


def test_two_files_that_changed_places_are_refused(folder):
    first, second = folder / "train-1-3.tfrecord", folder / "train-2-3.tfrecord"
    contents = first.read_bytes(), second.read_bytes()
    first.write_bytes(contents[1])
    second.write_bytes(contents[0])
    with pytest.raises(InputError) as caught:
        read_verified(folder, ".tfrecord")
    for path in (first, second):
        assert f"{path}: " in str(caught.value)


def test_another_number_of_records_is_refused(folder):
    path = folder / "dataset.json"
    content = json.loads(path.read_text())
    content["files"][2]["n_records"] = 30
    path.write_text(json.dumps(content))
    message = "train-3-3.tfrecord: 3 records, but dataset.json recorded 30."
    with pytest.raises(InputError, match=message):
        read_verified(folder, ".tfrecord")


def test_a_description_of_other_files_is_refused(folder):
    message = "dataset.json: describes .tfrecord files, expected .bin files. Keep the"
    with pytest.raises(InputError, match=message):
        read_verified(folder, ".bin")


def test_a_file_damaged_later_in_the_process_is_seen(folder):
    read_verified(folder, ".tfrecord")
    path = folder / "train-3-3.tfrecord"
    content = bytearray(path.read_bytes())
    content[int(np.floor(len(content) / 2))] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"its content is not what dataset\.json"):
        read_verified(folder, ".tfrecord")
