"""Derivatives from the structures through `.bin` files into TFRecords."""

import shutil
from collections import namedtuple
from dataclasses import replace

import numpy as np
import pytest

from annpot.apps import gvect_calculator, tfr_packer
from annpot.config import load_gvect
from annpot.data import descriptor_files
from annpot.data.binary_format import read_bin
from annpot.data.dataset_description import DatasetDescription
from annpot.data.disk_need import size_text
from annpot.data.tfrecord import read_records
from annpot.descriptors.derivatives import descriptors_and_derivatives
from annpot.descriptors.settings import descriptor_settings
from annpot.structures.example_json import write_example
from annpot.structures.structure import Structure
from reference.descriptor_cases import SKEWED, scattered

GVECT = """
[IO_INFORMATION]
input_json_dir = {folder}/structures
output_gvect_dir = {folder}/bin
log_dir = {folder}
[SYMMETRY_FUNCTION]
type = mBP
species = H, O
include_derivatives = True
sparse_derivatives = {sparse}
[PARALLELIZATION]
number_of_process = 2
[GVECT_PARAMETERS]
Rc_rad = 4.6
RsN_rad = 3
eta_rad = 4
Rc_ang = 3.1
Rs0_ang = 0.5
RsN_ang = 2
eta_ang = 2
ThetasN = 2
zeta = 8
"""
TFR = """
[IO_INFORMATION]
input_dir = {folder}/bin
output_dir = {folder}/tfr
[CONTENT_INFORMATION]
include_derivatives = True
sparse_derivatives = {sparse}
"""
N_STRUCTURES = 6
G_SIZE = 18


def structures():
    """Molecules and small periodic cells of 3 to 5 atoms, with forces."""
    found = []
    for k in range(N_STRUCTURES):
        cell = (SKEWED, (True,) * 3) if k % 2 else ()
        one = scattered("OHHOH"[: 3 + k % 3], *cell, seed=k)
        forces = np.random.default_rng(k).normal(size=(one.n_atoms, 3))
        found.append(replace(one, name=f"s{k}", energy=-2080.0 - k / 7, forces=forces))
    return found


@pytest.fixture
def folder(tmp_path):
    """Six structures and the INI files for dense derivatives."""
    (tmp_path / "structures").mkdir()
    for one in structures():
        add(tmp_path, one)
    write_inis(tmp_path)
    return tmp_path


def add(folder, structure):
    write_example(folder / "structures" / f"{structure.name}.example", structure)


def write_inis(folder, sparse=False):
    (folder / "gvect.ini").write_text(GVECT.format(folder=folder, sparse=sparse))
    (folder / "tfr.ini").write_text(TFR.format(folder=folder, sparse=sparse))


def replace_in_ini(folder, old, new):
    ini = folder / "gvect.ini"
    ini.write_text(ini.read_text().replace(old, new))


def calculate(folder):
    return gvect_calculator.main(["-c", str(folder / "gvect.ini")])


def pack(folder):
    return tfr_packer.main(["-c", str(folder / "tfr.ini")])


def bins(folder):
    return [read_bin(path) for path in sorted((folder / "bin").glob("*.bin"))]


def fails(command, folder, capsys, *messages):
    """The command ends with code 2 and these words, and without a traceback."""
    assert command(folder) == 2
    told = capsys.readouterr().err
    assert "Traceback" not in told
    for message in messages:
        assert message in told


@pytest.mark.parametrize("sparse", [False, True])
def test_bins_hold_derivatives_and_forces(folder, sparse):
    write_inis(folder, sparse)
    assert calculate(folder) == 0
    settings = descriptor_settings(load_gvect(folder / "gvect.ini"))
    expected = descriptors_and_derivatives(structures(), settings, np.float32)
    for one, read, (g, derivatives) in zip(
        structures(), bins(folder), expected, strict=True
    ):
        assert read.derivatives_kind == ("sparse" if sparse else "dense")
        stored = read.derivatives
        if sparse:
            assert (stored.values != 0).all()
            stored = stored.dense(read.n_atoms, read.g_size)
        np.testing.assert_array_equal(stored.values, derivatives.dense())
        np.testing.assert_array_equal(read.g, g)
        np.testing.assert_array_equal(read.forces, one.forces.astype(np.float32))


@pytest.mark.parametrize("sparse", [False, True])
def test_the_packed_records_are_those_of_the_bins(folder, sparse):
    write_inis(folder, sparse)
    calculate(folder)
    assert pack(folder) == 0
    packed = list(read_records(folder / "tfr" / "1-1.tfrecord"))
    for one, stored in zip(packed, bins(folder), strict=True):
        assert one.derivatives_kind == stored.derivatives_kind
        for name, values in vars(stored.derivatives).items():
            np.testing.assert_array_equal(getattr(one.derivatives, name), values)
        np.testing.assert_array_equal(one.forces, stored.forces)
    described = [DatasetDescription.read(folder / name) for name in ("bin", "tfr")]
    assert described[0].labels == {"energy": 6, "forces": 6, "derivatives": 6}
    assert described[0].origin.derivatives == ("sparse" if sparse else "dense")
    assert described[0].origin == described[1].origin
    assert described[0].fingerprint == described[1].fingerprint


def test_dense_bins_may_be_packed_sparse_or_without(folder):
    calculate(folder)
    write_inis(folder, sparse=True)
    assert pack(folder) == 0
    (first, *_) = read_records(folder / "tfr" / "1-1.tfrecord")
    dense = first.derivatives.dense(first.n_atoms, first.g_size)
    np.testing.assert_array_equal(dense.values, bins(folder)[0].derivatives.values)
    assert DatasetDescription.read(folder / "tfr").origin.derivatives == "sparse"
    shutil.rmtree(folder / "tfr")
    ini = folder / "tfr.ini"
    ini.write_text(ini.read_text().replace("_derivatives = True", "_derivatives = no"))
    assert pack(folder) == 0
    assert DatasetDescription.read(folder / "tfr").labels == {"energy": 6}


def test_the_published_file_is_met(tmp_path, reference_data):
    """The whole way from PANNA's `.example` and INI file to its `.bin`."""
    published = reference_data / "panna_descriptor"
    (tmp_path / "structures").mkdir()
    shutil.copy(published / "1.example", tmp_path / "structures")
    ini = (published / "gvect_mBP1.ini").read_text()
    lines = [x for x in ini.splitlines() if "_dir" not in x and "derivatives" not in x]
    kept = "\n".join(lines)
    wanted = GVECT.format(folder=tmp_path, sparse=False).split("[SYMM")[0]
    kept = kept.replace("[IO_INFORMATION]", wanted)
    (tmp_path / "gvect.ini").write_text(
        kept.replace(
            "[SYMMETRY_FUNCTION]", "[SYMMETRY_FUNCTION]\ninclude_derivatives = True"
        )
    )
    assert calculate(tmp_path) == 0
    (ours,), theirs = bins(tmp_path), read_bin(published / "1.bin")
    assert ours.species.tolist() == theirs.species.tolist()
    # PANNA's bohr and rydberg differ by 4e-8 and 3e-7.
    ours, theirs = ((one.derivatives.values, one.forces) for one in (ours, theirs))
    np.testing.assert_allclose(ours[0], theirs[0], rtol=0, atol=1e-5)
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-6, atol=1e-9)


def test_the_disk_that_will_be_needed_is_told(folder, capsys):
    calculate(folder)
    told = capsys.readouterr().out
    size = sum(path.stat().st_size for path in (folder / "bin").glob("*.bin"))
    assert f"dense derivatives: {size_text(size)} of disk for 6 files, " in told
    (folder / "bin" / "s3.bin").unlink()
    calculate(folder)
    told = capsys.readouterr().out
    assert "of disk for 1 files, " in told
    assert "1 computed, 5 kept" in told


def test_of_sparse_derivatives_it_is_a_bound(folder, capsys):
    write_inis(folder, sparse=True)
    calculate(folder)
    size = sum(path.stat().st_size for path in (folder / "bin").glob("*.bin"))
    told = capsys.readouterr().out
    (line,) = [line for line in told.splitlines() if line.startswith("sparse deriv")]
    number, unit = line.split("at most ")[1].split()[:2]
    assert "of disk for 6 files" in line
    assert unit == "kB"
    assert size < 1000 * float(number) < 2 * size


@pytest.mark.parametrize("sparse", [False, True])
def test_a_disk_too_small_is_refused_before_anything_is_made(
    folder, capsys, monkeypatch, sparse
):
    write_inis(folder, sparse)
    usage = namedtuple("usage", "total used free")(10**6, 10**6 - 1234, 1234)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    fails(
        calculate,
        folder,
        capsys,
        f"{folder / 'bin'}: the descriptors and their derivatives need ",
        "of disk for 6 files, 1.23 kB free. Choose an output_gvect_dir on another disk",
    )
    assert not (folder / "bin").exists()


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (999_700, "1 MB"), (26_437_000, "26.4 MB")],
)
def test_sizes_read_well(n_bytes, text):
    assert size_text(n_bytes) == text


def test_a_structure_without_forces_is_named(folder, capsys):
    for number in (1, 4):
        add(folder, replace(structures()[number], forces=None))
    fails(
        calculate,
        folder,
        capsys,
        "s1.example: include_derivatives is True, but the structure has no forces. "
        "Give the force on each atom, or set include_derivatives = False.",
        "s4.example: include_derivatives is True",
        "2 problems.",
    )


def test_an_atom_without_force_is_named(folder, capsys):
    path = folder / "structures" / "s2.example"
    forces = structures()[2].forces[3].tolist()
    text = path.read_text()
    assert f", {forces}]" in text
    path.write_text(text.replace(f", {forces}]", "]"))
    fails(
        calculate,
        folder,
        capsys,
        "s2.example: atoms, entry 4: no forces, but other atoms have them.",
    )


def test_forces_are_not_needed_without_derivatives(folder):
    add(folder, replace(structures()[1], forces=None))
    replace_in_ini(folder, "include_derivatives = True", "")
    assert calculate(folder) == 0
    assert {(one.forces, one.derivatives) for one in bins(folder)} == {(None, None)}


@pytest.mark.parametrize("now", ["sparse", None])
def test_another_kind_of_derivatives_needs_another_folder(folder, capsys, now):
    calculate(folder)
    if now is None:
        replace_in_ini(folder, "include_derivatives = True", "")
    replace_in_ini(folder, "sparse_derivatives = False", "sparse_derivatives = True")
    message = f"holds descriptors of other settings (derivatives: dense there, {now}"
    fails(calculate, folder, capsys, message)


def test_a_stopped_run_is_finished_by_the_next(folder, capsys):
    calculate(folder)
    before = {path.name: path.read_bytes() for path in (folder / "bin").iterdir()}
    (folder / "bin" / "s1.bin").unlink()
    cut = folder / "bin" / "s4.bin"
    cut.write_bytes(cut.read_bytes()[:-100])
    capsys.readouterr()
    assert calculate(folder) == 0
    assert "2 computed, 4 kept" in capsys.readouterr().out
    after = {path.name: path.read_bytes() for path in (folder / "bin").iterdir()}
    assert after == before


def test_a_changed_force_is_noticed(folder, capsys):
    calculate(folder)
    one = structures()[2]
    add(folder, replace(one, forces=one.forces + 0.5))
    assert calculate(folder) == 0
    told = capsys.readouterr().out
    assert "1 changed structure was computed again: s2.bin" in told
    expected = (one.forces + 0.5).astype(np.float32)
    np.testing.assert_array_equal(bins(folder)[2].forces, expected)


def test_few_derivatives_at_a_time_give_the_same_files(folder, monkeypatch):
    calculate(folder)
    before = [path.read_bytes() for path in sorted((folder / "bin").glob("*.bin"))]
    shutil.rmtree(folder / "bin")
    monkeypatch.setattr(descriptor_files, "BATCH_DERIVATIVES", 3 * G_SIZE * 5**2)
    calculate(folder)
    after = [path.read_bytes() for path in sorted((folder / "bin").glob("*.bin"))]
    assert after == before


def test_structures_at_a_kink_are_named(folder, capsys):
    line = np.array([[-1.2, 0, 0], [0, 0, 0], [1.3, 0, 0]])
    forces, energy = np.zeros((3, 3)), -1.0
    add(folder, Structure("straight", ("H", "O", "H"), line, energy=energy,
                          forces=forces))  # fmt: skip
    warning = "1 structures with exactly collinear neighbours (straight): this desc"
    calculate(folder)
    assert warning not in capsys.readouterr().out
    shutil.rmtree(folder / "bin")
    replace_in_ini(folder, "type = mBP", "type = mBP\nmbp_generation = 1")
    assert calculate(folder) == 0
    assert warning in capsys.readouterr().out
    central = bins(folder)[-1].derivatives.values[1]
    assert central[:, :, 0].any()
    assert not central[:, :, 1:].any()


def test_bins_without_derivatives_cannot_be_packed_with_them(folder, capsys):
    replace_in_ini(folder, "include_derivatives = True", "")
    calculate(folder)
    fails(
        pack,
        folder,
        capsys,
        "s0.bin: include_derivatives is True, but the file holds no derivatives with "
        "forces. Compute them with include_derivatives = True in [SYMMETRY_FUNCTION]",
    )
