"""app_tfr_packer: what it packs, how it goes on after a stop, wrong input."""

import errno
import hashlib
import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from annpot.apps.tfr_packer import main
from annpot.data.bin_folder import open_bin_folder
from annpot.data.binary_format import encode_bin, read_bin
from annpot.data.dataset_description import DatasetDescription, FileEntry
from annpot.data.dataset_summary import summary_of
from annpot.data.descriptor_origin import DescriptorOrigin
from annpot.data.packing import PackingPlan, describe_tfrecords, pack
from annpot.data.records import DenseDerivatives, DescriptorRecord
from annpot.data.tfrecord import read_records
from annpot.errors import InputError

INI = """
[IO_INFORMATION]
input_dir = {folder}/bin
output_dir = {folder}/tfr
elements_per_file = 4
prefix = train
"""
ORIGIN = DescriptorOrigin(
    species=("H", "O"),
    g_size=6,
    descriptor={"kind": "mBP"},
    mbp_generation=3,
    mbp_generation_source="stated",
)
NAMES = ["train-1-3.tfrecord", "train-2-3.tfrecord", "train-3-3.tfrecord"]


def record(number, g_size=6, **labels):
    rng = np.random.default_rng(number)
    return DescriptorRecord(
        name=f"r{number:04d}",
        species=np.array([1, 0, 0]),
        g=rng.random((3, g_size), dtype=np.float32),
        energy=-2080.0 - number / 7,
        **labels,
    )


def write_bins(folder, records, described=True):
    """A folder as app_gvect_calculator leaves it, or as a foreign program does."""
    folder.mkdir()
    entries = []
    for one in records:
        content = encode_bin(one)
        (folder / f"{one.name}.bin").write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        entries.append(FileEntry(f"{one.name}.bin", 1, len(content), digest))
    if described:
        origin = replace(ORIGIN, g_size=records[0].g_size)
        summary = summary_of(records)
        DatasetDescription.from_summary(origin, ".bin", entries, summary).write(folder)


@pytest.fixture
def folder(tmp_path):
    """Ten `.bin` files and the INI file that packs them by four."""
    write_bins(tmp_path / "bin", [record(number) for number in range(10)])
    (tmp_path / "tfr.ini").write_text(INI.format(folder=tmp_path))
    return tmp_path


def extend_ini(folder, *lines):
    with open(folder / "tfr.ini", "a") as stream:
        stream.write("\n".join(lines) + "\n")


def run(folder):
    return main(["-c", str(folder / "tfr.ini")])


def content(folder):
    """Name -> bytes of all that lies in the output folder."""
    return {path.name: path.read_bytes() for path in (folder / "tfr").iterdir()}


def names_in(folder):
    """Names of the records, in their order."""
    return [one.name for name in NAMES for one in read_records(folder / "tfr" / name)]


def fails(folder, capsys, *messages):
    """The command ends with code 2 and these words, and without a traceback."""
    assert run(folder) == 2
    told = capsys.readouterr().err
    assert "Traceback" not in told
    for message in messages:
        assert message in told


def test_records_are_those_of_the_bins_in_the_order_of_their_names(folder, capsys):
    assert run(folder) == 0
    expected = sorted([*NAMES, "dataset.json", "tfr.expanded.ini"])
    assert sorted(content(folder)) == expected
    assert names_in(folder) == [f"r{number:04d}" for number in range(10)]
    for name in NAMES:
        for read in read_records(folder / "tfr" / name):
            original = read_bin(folder / "bin" / f"{read.name}.bin")
            np.testing.assert_array_equal(read.g, original.g)
            np.testing.assert_array_equal(read.species, original.species)
            assert read.energy == original.energy
    assert "3 files written, 0 kept" in capsys.readouterr().out


def test_the_description_follows_the_records(folder):
    run(folder)
    bins = DatasetDescription.read(folder / "bin")
    packed = DatasetDescription.read(folder / "tfr")
    assert packed.origin == bins.origin
    assert packed.fingerprint == bins.fingerprint
    assert [(file.name, file.n_records) for file in packed.files] == list(
        zip(NAMES, [4, 4, 2], strict=True)
    )
    for mine, theirs in zip(packed.statistics, bins.statistics, strict=True):
        # 1e-14: sums in another order.
        np.testing.assert_allclose(mine.mean, theirs.mean, rtol=1e-14)


def test_a_seed_shuffles_the_same_way_each_time(folder):
    extend_ini(folder, "shuffle_seed = 20")
    run(folder)
    first = names_in(folder)
    assert sorted(first) == [f"r{number:04d}" for number in range(10)]
    assert first != sorted(first)
    order = np.random.default_rng(20).permutation(10)
    assert first == [f"r{number:04d}" for number in order]


def test_names_without_prefix(folder):
    ini = folder / "tfr.ini"
    ini.write_text(ini.read_text().replace("prefix = train", ""))
    run(folder)
    assert {"1-3.tfrecord", "2-3.tfrecord", "3-3.tfrecord"} < set(content(folder))


def test_a_second_run_writes_nothing(folder, capsys):
    run(folder)
    before = content(folder)
    times = [(folder / "tfr" / name).stat().st_mtime_ns for name in NAMES]
    assert run(folder) == 0
    assert content(folder) == before
    assert [(folder / "tfr" / name).stat().st_mtime_ns for name in NAMES] == times
    assert "0 files written, 3 kept" in capsys.readouterr().out


def test_a_file_cut_short_is_packed_again(folder, capsys):
    run(folder)
    before = content(folder)
    path = folder / "tfr" / NAMES[1]
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match=r"100 bytes, but dataset\.json recorded"):
        DatasetDescription.read(folder / "tfr")
    assert run(folder) == 0
    assert content(folder) == before


def test_a_damaged_file_is_packed_again_and_no_other(folder, capsys):
    run(folder)
    before = content(folder)
    path = folder / "tfr" / NAMES[1]
    kept = [folder / "tfr" / NAMES[0], folder / "tfr" / NAMES[2]]
    times = [one.stat().st_mtime_ns for one in kept]
    damaged = bytearray(path.read_bytes())
    damaged[60] ^= 1
    path.write_bytes(damaged)
    capsys.readouterr()
    assert run(folder) == 0
    told = capsys.readouterr().out
    assert "1 damaged file was packed again." in told
    assert "1 files written, 2 kept" in told
    assert content(folder) == before
    assert [one.stat().st_mtime_ns for one in kept] == times


def test_a_file_that_was_moved_away_is_packed_again(folder, capsys):
    run(folder)
    before = content(folder)
    (folder / "tfr" / NAMES[0]).unlink()
    assert run(folder) == 0
    told = capsys.readouterr().out
    assert "1 files written, 2 kept" in told
    assert "damaged" not in told
    assert content(folder) == before


def test_a_folder_in_the_place_of_a_file_is_named(folder, capsys):
    run(folder)
    (folder / "tfr" / NAMES[2]).unlink()
    (folder / "tfr" / NAMES[2]).mkdir()
    fails(folder, capsys, f"{NAMES[2]}: is a folder, expected a file. Move it away")


KILLED = """
import os, signal, sys
from annpot.data import packing
from annpot.data.tfrecord import write_tfrecord

def killed_in_the_third(path, payloads):
    if path.name == "train-3-3.tfrecord":
        (path.parent / f".{path.name}.{os.getpid()}.tmp").write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGKILL)
    return write_tfrecord(path, payloads)

packing.write_tfrecord = killed_in_the_third
from annpot.apps.tfr_packer import main
main(["-c", sys.argv[1]])
"""


def test_a_killed_run_is_finished_by_the_next(folder, capsys):
    ini = str(folder / "tfr.ini")
    done = subprocess.run([sys.executable, "-c", KILLED, ini], capture_output=True)
    assert done.returncode == -signal.SIGKILL
    with pytest.raises(InputError, match="files of this folder are not finished"):
        DatasetDescription.read(folder / "tfr")
    finished = folder / "tfr" / NAMES[0]
    assert len(list(read_records(finished))) == 4
    written = finished.stat().st_mtime_ns
    assert run(folder) == 0
    assert "1 files written, 2 kept" in capsys.readouterr().out
    assert finished.stat().st_mtime_ns == written
    resumed = content(folder)
    # The same files as without a stop, and no temporary one left.
    for path in (folder / "tfr").iterdir():
        path.unlink()
    assert run(folder) == 0
    assert content(folder) == resumed


def test_a_full_disk_leaves_what_is_finished(folder, capsys, monkeypatch):
    replaced = os.replace

    def full(source, target):
        if str(target).endswith(NAMES[2]):
            raise OSError(errno.ENOSPC, "No space left on device")
        replaced(source, target)

    monkeypatch.setattr(os, "replace", full)
    fails(folder, capsys, f"{NAMES[2]}: the disk is full (No space left on device).")
    assert not list((folder / "tfr").glob(".*.tmp"))
    assert len(list(read_records(folder / "tfr" / NAMES[1]))) == 4
    monkeypatch.undo()
    assert run(folder) == 0
    assert "1 files written, 2 kept" in capsys.readouterr().out


@pytest.mark.parametrize("key", ["shuffle_seed = 3", "elements_per_file = 5"])
def test_another_packing_needs_another_folder(folder, capsys, key):
    run(folder)
    before = content(folder)
    ini = folder / "tfr.ini"
    text = ini.read_text().replace("elements_per_file = 4", "")
    ini.write_text(f"{text}{key}\n")
    fails(folder, capsys, "tfr: holds another packing: other input, another order")
    assert content(folder) == before


def test_foreign_tfrecords_are_not_mixed_in(folder, capsys):
    (folder / "tfr").mkdir()
    (folder / "tfr" / "old-1-1.tfrecord").write_bytes(b"x")
    fails(
        folder, capsys, "holds 1 .tfrecord files that were not packed here (the first"
    )


def test_foreign_bins_are_packed_with_an_assumed_generation(tmp_path, capsys):
    write_bins(tmp_path / "bin", [record(n) for n in range(5)], described=False)
    (tmp_path / "tfr.ini").write_text(INI.format(folder=tmp_path))
    assert run(tmp_path) == 0
    told = capsys.readouterr().out
    assert "no dataset.json says how these files were made; mbp_generation = 3" in told
    origin = DatasetDescription.read(tmp_path / "tfr").origin
    assert (origin.mbp_generation, origin.mbp_generation_source) == (3, "assumed")
    assert origin.species is None


def test_a_split_folder_can_be_described(folder):
    run(folder)
    validate = folder / "validate"
    validate.mkdir()
    os.rename(folder / "tfr" / NAMES[2], validate / NAMES[2])
    described = describe_tfrecords(validate, ORIGIN)
    described.write(validate)
    read = DatasetDescription.read(validate)
    assert (read.n_structures, read.files[0].n_records) == (2, 2)
    assert DatasetDescription.read(folder / "tfr").missing == (NAMES[2],)


DENSE = DenseDerivatives(np.zeros((3, 6, 3, 3), np.float32))
DENSE.values[1, 2, 0, 1] = 1.5
FORCES = np.arange(9, dtype=np.float32).reshape(3, 3)


@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize("stored", [DENSE, None], ids=["from dense", "from sparse"])
def test_derivatives_are_packed_as_asked(tmp_path, kind, stored):
    from annpot.data.records import sparse_derivatives

    derivatives = stored or sparse_derivatives(DENSE)
    write_bins(tmp_path / "bin", [record(0, derivatives=derivatives, forces=FORCES)])
    plan = PackingPlan(derivatives=kind)
    pack(open_bin_folder(tmp_path / "bin"), tmp_path / "tfr", plan)
    (read,) = read_records(tmp_path / "tfr" / "1-1.tfrecord")
    np.testing.assert_array_equal(read.forces, FORCES)
    if kind == "sparse":
        assert (read.derivatives.rows, read.derivatives.columns) == ([8], [1])
        assert read.derivatives.values.tolist() == [1.5]
    else:
        np.testing.assert_array_equal(read.derivatives.values, DENSE.values)


def test_nothing_but_energies_is_packed_unasked(tmp_path):
    quantity = np.float32([1, 2, 3])
    full = record(0, derivatives=DENSE, forces=FORCES, per_atom_quantity=quantity)
    write_bins(tmp_path / "bin", [full])
    bins = open_bin_folder(tmp_path / "bin")
    pack(bins, tmp_path / "plain", PackingPlan())
    (read,) = read_records(tmp_path / "plain" / "1-1.tfrecord")
    assert (read.derivatives, read.forces, read.per_atom_quantity) == (None,) * 3
    pack(bins, tmp_path / "atoms", PackingPlan(per_atom_quantity=True))
    (read,) = read_records(tmp_path / "atoms" / "1-1.tfrecord")
    np.testing.assert_array_equal(read.per_atom_quantity, quantity)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("include_derivatives", "r0000.bin: include_derivatives is True, but the file"),
        (
            "include_per_atom_quantity",
            "include_per_atom_quantity is True, but the file",
        ),
    ],
)
def test_what_the_bins_do_not_hold_is_named(folder, capsys, key, message):
    extend_ini(folder, "[CONTENT_INFORMATION]", f"{key} = True")
    fails(folder, capsys, message)


def test_a_missing_folder_is_named(folder, capsys):
    os.rename(folder / "bin", folder / "moved")
    fails(
        folder, capsys, f"{folder / 'bin'}: no such folder. Expected a folder of .bin"
    )
    assert not (folder / "tfr").exists()


def test_an_empty_folder_is_named(folder, capsys):
    for path in (folder / "bin").iterdir():
        path.unlink()
    fails(folder, capsys, "bin: no .bin file in this folder. Make them with")
    assert not (folder / "tfr").exists()


def test_a_bin_cut_short_is_named(folder, capsys):
    path = folder / "bin" / "r0005.bin"
    path.write_bytes(path.read_bytes()[:40])
    fails(folder, capsys, "r0005.bin: 40 bytes, but dataset.json recorded 110.")


def test_a_foreign_bin_cut_short_is_named_and_the_rest_kept(tmp_path, capsys):
    write_bins(tmp_path / "bin", [record(n) for n in range(10)], described=False)
    path = tmp_path / "bin" / "r0005.bin"
    path.write_bytes(path.read_bytes()[:40])
    (tmp_path / "tfr.ini").write_text(INI.format(folder=tmp_path))
    fails(tmp_path, capsys, "r0005.bin: ", "it was cut short")
    assert len(list(read_records(tmp_path / "tfr" / NAMES[0]))) == 4


def test_a_changed_bin_is_named(folder, capsys):
    path = folder / "bin" / "r0005.bin"
    changed = bytearray(path.read_bytes())
    changed[40] ^= 1
    path.write_bytes(changed)
    fails(folder, capsys, "r0005.bin: its content is not what dataset.json recorded.")


def test_bins_of_another_length_are_named(tmp_path, capsys):
    write_bins(tmp_path / "bin", [record(0), record(1, g_size=7)], described=False)
    (tmp_path / "tfr.ini").write_text(INI.format(folder=tmp_path))
    fails(tmp_path, capsys, "r0001.bin: g_size is 7, expected 6.")


def test_an_unlisted_bin_is_named(folder, capsys):
    (folder / "bin" / "new.bin").write_bytes(encode_bin(record(11)))
    fails(folder, capsys, "1 .bin files are not in dataset.json (the first is new.bin)")


def test_a_broken_description_is_named(folder, capsys):
    (folder / "bin" / "dataset.json").write_text("{")
    fails(folder, capsys, "dataset.json: cannot be read (JSONDecodeError")


def test_memory_does_not_grow_with_the_number_of_records(tmp_path):
    """Ten times the records: the same peak but for the names of the files."""
    import tracemalloc

    def peak(n, name):
        write_bins(tmp_path / name, [record(k, 384) for k in range(n)], described=False)
        bins = open_bin_folder(tmp_path / name)
        tracemalloc.start()
        pack(bins, tmp_path / f"{name}_tfr", PackingPlan(records_per_file=50))
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    peak(10, "warm")  # imports and caches
    small, large = peak(100, "small"), peak(1000, "large")
    per_record = (large - small) / 900
    assert per_record < 500  # bytes; a record has more than 4608
