"""Records through tf.data: the same numbers as without it, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest

from annpot.data.atom_tables import FlatRecords
from annpot.data.data_set import open_data_set
from annpot.data.example_proto import encode_example
from annpot.data.pipeline import ReadingOptions, RecordStream
from annpot.data.record_index import index_records
from annpot.data.tfrecord import write_tfrecord
from annpot.errors import InputError
from reference.small_training import N_FEATURES, small_records, write_folder

RECORDS = small_records(7, seed=8)


def stream_of(folder, records=RECORDS, options=None):
    write_folder(folder, records, n_files=1)
    return RecordStream(index_records(folder), N_FEATURES, 4, options)


def joined(parts):
    names = ("energies", "n_atoms", "species", "g")
    columns = zip(*([getattr(p, name) for name in names] for p in parts), strict=True)
    return FlatRecords(*map(np.concatenate, columns))


def assert_batch(flat, records):
    np.testing.assert_array_equal(flat.energies, [r.energy for r in records])
    np.testing.assert_array_equal(flat.n_atoms, [r.n_atoms for r in records])
    np.testing.assert_array_equal(
        flat.species, np.concatenate([r.species for r in records])
    )
    np.testing.assert_array_equal(flat.g, np.concatenate([r.g for r in records]))
    assert flat.energies.dtype == np.float64
    assert flat.g.dtype == np.float32


@pytest.mark.parametrize(
    "options", [None, ReadingOptions(readers=3, parsers=4, prefetch=2)]
)
def test_batches_come_in_the_order_asked_for(tmp_path, options):
    asked = [np.array(batch) for batch in ([3], [6, 0, 0], [1, 2], *[[5]] * 20, [4, 3])]
    stream = stream_of(tmp_path / "data", options=options)
    found = list(stream.batches(iter(asked)))
    assert len(found) == len(asked)
    for flat, batch in zip(found, asked, strict=True):
        assert_batch(flat, [RECORDS[i] for i in batch])


def test_the_whole_folder_in_order(tmp_path):
    stream = stream_of(tmp_path / "data")
    assert_batch(joined(stream.whole()), RECORDS)


def test_the_energy_of_another_program_is_its_float32(tmp_path):
    record = RECORDS[0]
    features = {
        "species": record.species,
        "gvects": record.g,
        "energy": np.array([record.energy], np.float32),
    }
    write_tfrecord(tmp_path / "one.tfrecord", [encode_example(features)])
    stream = RecordStream(index_records(tmp_path), N_FEATURES, 4)
    (flat,) = stream.whole()
    assert flat.energies[0] == float(np.float32(record.energy))
    assert flat.energies[0] != record.energy


def changed(number, **changes):
    records = list(RECORDS)
    records[number] = replace(records[number], **changes)
    return records


@pytest.mark.parametrize(
    ("records", "message"),
    [
        (
            changed(2, g=RECORDS[2].g[:, :20].copy()),
            r"record 3: 20 descriptors per atom, expected g_size = 24. Set g_size to",
        ),
        (
            changed(4, species=np.array([0, 4, 1])),
            r"record 5: a species index outside 0..3. atomic_sequence must list the",
        ),
        (
            changed(1, energy=float("nan")),
            r"record 2: a number that is not finite. Remove the structure and pack",
        ),
        (
            changed(1, g=np.full_like(RECORDS[1].g, np.nan)),
            r"record 2: a number that is not finite. Remove the structure and pack",
        ),
        (
            changed(0, g=np.where(RECORDS[0].g > 0.5, np.inf, RECORDS[0].g)),
            r"record 1: a number that is not finite. Remove the structure and pack",
        ),
        (
            changed(3, species=np.zeros(0, np.int64), g=np.zeros((0, N_FEATURES))),
            r"record 4: no atoms. Remove the structure and pack again.",
        ),
    ],
    ids=["g_size", "species", "energy", "nan", "inf", "no atoms"],
)
def test_bad_records_are_refused_with_their_place(tmp_path, records, message):
    records = [replace(r, g=r.g.astype(np.float32)) for r in records]
    stream = stream_of(tmp_path / "data", records)
    with pytest.raises(InputError, match=r"train-1-1.tfrecord: " + message):
        list(stream.whole())


def test_a_corrupt_record_keeps_its_message(tmp_path):
    stream = stream_of(tmp_path / "data")
    path = stream.index.files[0]
    content = bytearray(path.read_bytes())
    content[int(stream.index.offsets[3]) + 40] ^= 8
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"train-1-1.tfrecord: record 4: the checksum"):
        list(stream.whole())


def test_a_record_of_something_else_is_refused(tmp_path):
    write_tfrecord(tmp_path / "a.tfrecord", [encode_example({"name": b"x"})])
    stream = RecordStream(index_records(tmp_path), N_FEATURES, 4)
    with pytest.raises(
        InputError, match=r"a record is not a descriptor record .*energy"
    ):
        list(stream.whole())


def opened(folder, budget):
    return open_data_set(
        index_records(folder), N_FEATURES, 4, None, budget, lambda n: None
    )


def test_a_data_set_knows_its_columns_and_counts(tmp_path):
    write_folder(tmp_path / "data", RECORDS, n_files=1)
    data = opened(tmp_path / "data", np.inf)
    g = np.concatenate([r.g for r in RECORDS])
    species = np.concatenate([r.species for r in RECORDS])
    for element in range(4):
        np.testing.assert_array_equal(
            data.used[element], (g[species == element] != 0).any(axis=0)
        )
    expected = [np.bincount(r.species, minlength=4) for r in RECORDS]
    np.testing.assert_array_equal(data.element_counts, expected)
    np.testing.assert_array_equal(data.n_atoms, [r.n_atoms for r in RECORDS])


@pytest.mark.parametrize("more", [-1, 0])
def test_data_stay_in_memory_within_the_budget(tmp_path, more):
    write_folder(tmp_path / "data", RECORDS, n_files=1)
    data = opened(tmp_path / "data", index_records(tmp_path / "data").n_bytes + more)
    assert (data.resident is not None) == (more == 0)
    assert_batch(joined(data.resident or data.stream.whole()), RECORDS)
