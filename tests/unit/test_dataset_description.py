"""dataset.json: exact round trip, statistics in constant memory, its checks."""

import json
from dataclasses import replace

import numpy as np
import pytest

from annpot.data.dataset_description import (
    DatasetDescription,
    FileEntry,
    write_unfinished,
)
from annpot.data.dataset_summary import DatasetSummary, summary_of
from annpot.data.descriptor_origin import DescriptorOrigin
from annpot.data.records import DescriptorRecord
from annpot.errors import InputError

ORIGIN = DescriptorOrigin(
    species=("H", "C", "O"),
    g_size=4,
    descriptor={"kind": "mBP", "r_cut": 4.6},
    mbp_generation=3,
    mbp_generation_source="stated",
    pbc_override=(True, False, True),
)


def records(n=20):
    rng = np.random.default_rng(11)
    made = []
    for number in range(n):
        species = np.array([2, 0, 0]) if number % 3 else np.array([1, 0, 0, 0, 0])
        # Values far from zero with a small spread: a naive sum of squares fails.
        g = 300 + 0.01 * rng.standard_normal((len(species), 4))
        made.append(
            DescriptorRecord(f"r{number}", species, g.astype(np.float32), -1.5 * number)
        )
    return made


def description(folder, n=20):
    summary = summary_of(records(n))
    (folder / "a.bin").write_bytes(b"12345")
    (folder / "b.bin").write_bytes(b"123")
    entries = [FileEntry("a.bin", 1, 5, "0" * 64), FileEntry("b.bin", 1, 3, "1" * 64)]
    return DatasetDescription.from_summary(ORIGIN, ".bin", entries, summary)


def test_round_trip_is_exact(tmp_path):
    written = description(tmp_path)
    written.write(tmp_path)
    read = DatasetDescription.read(tmp_path)
    for name in ("origin", "fingerprint", "labels", "compositions", "files", "n_atoms"):
        assert getattr(read, name) == getattr(written, name)
    for mine, theirs in zip(read.statistics, written.statistics, strict=True):
        for array in ("minimum", "maximum", "mean", "std"):
            np.testing.assert_array_equal(getattr(mine, array), getattr(theirs, array))
    assert (read.species, read.g_size, read.missing) == (("H", "C", "O"), 4, ())


def test_no_description_is_no_error(tmp_path):
    assert DatasetDescription.read(tmp_path) is None


def test_counts_and_compositions(tmp_path):
    made = description(tmp_path)
    assert made.compositions == (((2, 0, 1), 13), ((4, 1, 0), 7))
    assert (made.n_structures, made.n_atoms) == (20, 13 * 3 + 7 * 5)
    assert made.labels == {"energy": 20}


def test_statistics_of_pieces_merge_to_those_of_the_whole():
    """Chan's update against numpy on all atoms; both round in float64."""
    merged = DatasetSummary()
    made = records()
    for start in range(0, 20, 3):
        merged = merged.merged(summary_of(made[start : start + 3]))
    everything = {
        index: np.concatenate([r.g[r.species == index] for r in made]).astype(float)
        for index in range(3)
    }
    for index, g in everything.items():
        moments = merged.moments[index]
        assert moments.n_atoms == len(g)
        np.testing.assert_array_equal(moments.minimum, g.min(axis=0))
        np.testing.assert_array_equal(moments.maximum, g.max(axis=0))
        # 1e-14: a few roundings of the mean; 1e-9: std / mean = 3e-5 squared.
        np.testing.assert_allclose(moments.mean, g.mean(axis=0), rtol=1e-14)
        np.testing.assert_allclose(moments.std, g.std(axis=0), rtol=1e-9)
    whole = summary_of(made)
    assert merged.compositions == whole.compositions
    assert merged.hashes == whole.hashes


def test_summary_survives_json():
    summary = summary_of(records())
    read = DatasetSummary.from_dict(json.loads(json.dumps(summary.to_dict())))
    assert read.to_dict() == summary.to_dict()
    assert read.fingerprint({}) == summary.fingerprint({})


def test_fingerprint_depends_on_settings_and_records_not_on_order():
    made = records()
    fingerprint = summary_of(made).fingerprint(ORIGIN.to_dict())
    assert summary_of(made[::-1]).fingerprint(ORIGIN.to_dict()) == fingerprint
    other = replace(ORIGIN, mbp_generation=0).to_dict()
    assert summary_of(made).fingerprint(other) != fingerprint
    made[3] = replace(made[3], energy=np.nextafter(made[3].energy, 0))
    assert summary_of(made).fingerprint(ORIGIN.to_dict()) != fingerprint


def test_an_element_without_atoms_has_no_statistics(tmp_path):
    only_water = [record for record in records() if record.n_atoms == 3]
    made = DatasetDescription.from_summary(ORIGIN, ".bin", (), summary_of(only_water))
    assert [one.n_atoms for one in made.statistics] == [26, 0, 13]
    made.write(tmp_path)
    assert DatasetDescription.read(tmp_path).statistics[1].mean.size == 0


def test_unknown_species_are_counted_by_index(tmp_path):
    origin = DescriptorOrigin(species=None, g_size=4, mbp_generation_source="assumed")
    made = DatasetDescription.from_summary(origin, ".bin", (), summary_of(records()))
    made.write(tmp_path)
    assert DatasetDescription.read(tmp_path).species is None
    assert len(made.statistics) == 3


def test_files_moved_away_are_listed_as_missing(tmp_path):
    description(tmp_path).write(tmp_path)
    (tmp_path / "b.bin").unlink()
    assert DatasetDescription.read(tmp_path).missing == ("b.bin",)


def shortened(folder):
    (folder / "a.bin").write_bytes(b"1")


def extended(folder):
    (folder / "c.bin").write_bytes(b"1")


def garbled(folder):
    (folder / "dataset.json").write_text('{"format_version": 1, "species"')


def other_version(folder):
    (folder / "dataset.json").write_text('{"format_version": 2}')


def without_key(folder):
    path = folder / "dataset.json"
    content = json.loads(path.read_text())
    del content["files"]
    path.write_text(json.dumps(content))


def changed_json(folder, change):
    path = folder / "dataset.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def infinite_count(folder):
    changed_json(folder, lambda content: content.update(n_structures=float("inf")))


def wrong_entry(folder):
    changed_json(folder, lambda content: content["files"][0].update(n_bytes="5"))


def entry_that_is_a_number(folder):
    changed_json(folder, lambda content: content.update(files=[7]))


def entry_outside(folder):
    changed_json(folder, lambda content: content["files"][0].update(name="../a.bin"))


def numeric_descriptor(folder):
    changed_json(folder, lambda content: content.update(descriptor=3))


def numeric_species(folder):
    changed_json(folder, lambda content: content.update(species=[1, 8]))


def numeric_fingerprint(folder):
    changed_json(folder, lambda content: content.update(fingerprint=3))


def deep(folder):
    (folder / "dataset.json").write_text("[" * 100_000)


def unfinished(folder):
    write_unfinished(folder, ORIGIN)


WRONG = {
    shortened: "a.bin: 1 bytes, but dataset.json recorded 5. The file was cut short",
    extended: "1 .bin files are not in dataset.json (the first is c.bin). Run the",
    garbled: "dataset.json: cannot be read (JSONDecodeError",
    other_version: "dataset.json: format_version 2, expected 1. It was written by",
    without_key: "dataset.json: cannot be read (KeyError: 'files'). Delete it and run",
    infinite_count: "dataset.json: cannot be read (OverflowError",
    wrong_entry: "cannot be read (ValueError: files: {'name': 'a.bin'",
    entry_that_is_a_number: "dataset.json: cannot be read (TypeError",
    entry_outside: "cannot be read (ValueError: files: {'name': '../a.bin'",
    numeric_descriptor: "cannot be read (ValueError: descriptor = 3). Delete it",
    numeric_species: "cannot be read (ValueError: species = [1, 8]). Delete it",
    numeric_fingerprint: "cannot be read (TypeError: 3 is not a text). Delete it",
    deep: "dataset.json: cannot be read (RecursionError",
    unfinished: "files of this folder are not finished. Run the command",
}


@pytest.mark.parametrize("spoil", WRONG, ids=lambda spoil: spoil.__name__)
def test_a_folder_that_disagrees_is_refused(tmp_path, spoil):
    description(tmp_path).write(tmp_path)
    spoil(tmp_path)
    with pytest.raises(InputError) as caught:
        DatasetDescription.read(tmp_path)
    assert WRONG[spoil] in str(caught.value)
    assert str(tmp_path) in str(caught.value)
