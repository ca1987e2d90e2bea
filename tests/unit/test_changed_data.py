"""app_set on data folders: what may change, the log, and the fingerprint."""

import json

import pytest

from annpot.apps.set import main
from annpot.data.binary_format import write_bin
from annpot.data.dataset_description import DatasetDescription
from annpot.data.dataset_summary import summary_of
from annpot.data.descriptor_origin import DescriptorOrigin
from annpot.data.file_entry import FileEntry
from annpot.data.recorded_files import read_verified
from annpot.data.tfrecord import encode_record, write_tfrecord
from reference.small_training import N_FEATURES, SPECIES, small_records

RECORDS = small_records(6, seed=1)


def written(folder, origin):
    """Folder of two TFRecord files with a dataset.json."""
    folder.mkdir()
    entries = []
    for number, part in enumerate((RECORDS[:2], RECORDS[2:]), start=1):
        name = f"a-{number}-2.tfrecord"
        done = write_tfrecord(folder / name, map(encode_record, part))
        entries.append(FileEntry(name, *vars(done).values()))
    summary = summary_of(RECORDS)
    DatasetDescription.from_summary(origin, ".tfrecord", entries, summary).write(folder)
    return folder


def expected_fingerprint(origin):
    """sha256 of settings and records, from the records in memory."""
    return summary_of(RECORDS).fingerprint(origin.to_dict())


@pytest.fixture
def folder(tmp_path):
    """Records that say neither their elements nor their generation."""
    return written(
        tmp_path / "data", DescriptorOrigin.of_foreign_files(None, N_FEATURES)
    )


def change(capsys, *arguments, code=0):
    assert main([*map(str, arguments), "--yes"]) == code
    shown = capsys.readouterr()
    return shown.err if code else shown.out


def content(folder):
    return json.loads((folder / "dataset.json").read_text())


def test_a_generation_is_stated_and_the_fingerprint_follows(folder, capsys):
    before = content(folder)
    change(capsys, folder, "mbp_generation", "1")
    origin = DescriptorOrigin.of_foreign_files(None, N_FEATURES, generation=1)
    described = read_verified(folder, ".tfrecord")
    assert described.origin == origin
    assert described.fingerprint == expected_fingerprint(origin)
    log = content(folder)["changes"]
    assert [(one["key"], one["old"], one["new"]) for one in log] == [
        ("mbp_generation", 3, 1),
        ("fingerprint", before["fingerprint"], described.fingerprint),
    ]
    refused = change(capsys, folder, "mbp_generation", "0", code=2)
    assert "1 is stated by those who made the descriptors" in refused


def test_the_order_of_elements_of_foreign_records_can_be_told(folder, capsys):
    change(capsys, folder, "species", "H, C, O, N, S")
    described = read_verified(folder, ".tfrecord")
    assert described.species == ("H", "C", "O", "N", "S")
    assert described.fingerprint == expected_fingerprint(described.origin)
    assert all(len(counts) == 5 for counts, _ in described.compositions)
    assert [one.n_atoms for one in described.statistics][-1] == 0
    refused = change(capsys, folder, "species", "C, H, O, N", code=2)
    assert "the order H, C, O, N, S is that of the records" in refused


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("species", "H, C", "the records number 4 species, expected as many symbols"),
        ("species", "H, C, O, Q", "'Q' is no chemical symbol"),
        ("species", "H, C, O, H", "expected each element once"),
        ("mbp_generation", "4", "expected one of 0, 1, 2, 3"),
        ("generation", "1", "Did you mean mbp_generation?"),
        ("g_size", "3", "no key of a data folder that can be set"),
        ("comment", "x" * 10_001, "expected at most 10000 characters"),
    ],
)
def test_bad_values_leave_all_as_it_was(folder, capsys, key, value, words):
    before = (folder / "dataset.json").read_bytes()
    assert words in change(capsys, folder, key, value, code=2)
    assert (folder / "dataset.json").read_bytes() == before


def test_what_the_files_say_themselves_stays(tmp_path, capsys):
    origin = DescriptorOrigin(SPECIES, N_FEATURES, {"kind": "BP"}, derivatives=None)
    folder = written(tmp_path / "bp", origin)
    refused = change(capsys, folder, "mbp_generation", "1", code=2)
    assert "the descriptor is BP, which has no generations" in refused


def test_a_comment_leaves_the_fingerprint(folder, capsys):
    before = content(folder)["fingerprint"]
    change(capsys, folder / "dataset.json", "comment", "wB97X")
    assert content(folder)["fingerprint"] == before
    assert read_verified(folder, ".tfrecord") is not None


def test_with_files_elsewhere_no_fingerprint_can_be_made(folder, capsys):
    (folder / "a-2-2.tfrecord").rename(folder.parent / "a-2-2.tfrecord")
    refused = change(capsys, folder, "mbp_generation", "1", code=2)
    assert "1 of 2 recorded files are not here" in refused
    change(capsys, folder, "comment", "a part")


def test_records_that_are_not_those_of_the_fingerprint_are_refused(folder, capsys):
    path = folder / "a-1-2.tfrecord"
    other = [encode_record(record) for record in reversed(RECORDS[:2])]
    write_tfrecord(path, other)  # another order: the same fingerprint
    change(capsys, folder, "mbp_generation", "1")
    write_tfrecord(path, [other[0], other[1][:-1] + bytes([other[1][-1] ^ 1])])
    refused = change(capsys, folder, "species", "H, C, O, N", code=2)
    assert "the records are not those of the fingerprint" in refused


def test_bin_files_give_the_same_fingerprint(tmp_path, capsys):
    folder = tmp_path / "bin"
    folder.mkdir()
    entries = []
    for record in RECORDS:
        path = folder / f"{record.name}.bin"
        write_bin(path, record)
        entries.append(FileEntry(path.name, 1, path.stat().st_size, "0" * 64))
    origin = DescriptorOrigin.of_foreign_files(None, N_FEATURES)
    summary = summary_of(RECORDS)
    DatasetDescription.from_summary(origin, ".bin", entries, summary).write(folder)
    change(capsys, folder, "mbp_generation", "2")
    changed = DescriptorOrigin.of_foreign_files(None, N_FEATURES, generation=2)
    assert content(folder)["fingerprint"] == expected_fingerprint(changed)


def test_folders_that_say_nothing_are_refused(tmp_path, capsys):
    write_tfrecord(tmp_path / "a.tfrecord", map(encode_record, RECORDS))
    refused = change(capsys, tmp_path, "comment", "x", code=2)
    assert "nothing that can be changed" in refused
    refused = change(capsys, tmp_path / "none", "comment", "x", code=2)
    assert "there is no such file or folder" in refused
