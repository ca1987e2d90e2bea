"""app_gvect_calculator: what it writes, how it goes on after a stop, wrong input."""

import errno
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from annpot import files
from annpot.apps.gvect_calculator import main
from annpot.config import load_gvect
from annpot.data import descriptor_files
from annpot.data.binary_format import read_bin
from annpot.data.dataset_description import DatasetDescription
from annpot.data.descriptor_task import Described, descriptor_task
from annpot.descriptors.calculator import descriptors
from annpot.descriptors.settings import descriptor_settings
from annpot.structures.example_json import write_example
from annpot.structures.readers import iter_structures
from annpot.structures.structure import Structure

INI = """
[IO_INFORMATION]
input_json_dir = {folder}/structures
output_gvect_dir = {folder}/bin
log_dir = {folder}/log
[SYMMETRY_FUNCTION]
type = mBP
species = H, O
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
WATER = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.96], [0.93, 0.0, -0.24]])


def water(number, **changes):
    """A distorted water molecule; each number gives another one."""
    moved = 0.05 * np.random.default_rng(number).standard_normal((3, 3))
    values = {
        "name": f"water_{number:03d}",
        "symbols": ("O", "H", "H"),
        "positions": WATER + moved,
        "energy": -2080.0 - number / 7,
    }
    return Structure(**values | changes)


@pytest.fixture
def folder(tmp_path):
    """Ten molecules and the INI file that describes their descriptors."""
    (tmp_path / "structures").mkdir()
    for number in range(10):
        add(tmp_path, water(number))
    (tmp_path / "gvect.ini").write_text(INI.format(folder=tmp_path))
    return tmp_path


def add(folder, structure):
    write_example(folder / "structures" / f"{structure.name}.example", structure)


def extend_ini(folder, *lines):
    with open(folder / "gvect.ini", "a") as stream:
        stream.write("\n".join(lines) + "\n")


def run(folder):
    return main(["-c", str(folder / "gvect.ini")])


def content(folder, pattern="*"):
    """Name -> bytes of the files in the output folder."""
    return {path.name: path.read_bytes() for path in (folder / "bin").glob(pattern)}


def fails(folder, capsys, *messages):
    """It ends with code 2, these words and no traceback; all that it tells."""
    assert run(folder) == 2
    told = capsys.readouterr().err
    assert "Traceback" not in told
    for message in messages:
        assert message in told
    return told


def test_one_file_for_each_structure(folder, capsys):
    assert run(folder) == 0
    settings = descriptor_settings(load_gvect(folder / "gvect.ini"))
    structures = list(iter_structures(folder / "structures"))
    for structure, g in zip(structures, descriptors(structures, settings), strict=True):
        read = read_bin(folder / "bin" / f"{structure.name}.bin")
        np.testing.assert_array_equal(read.g, g.astype(np.float32))
        assert read.energy == structure.energy
        assert read.species.tolist() == [1, 0, 0]  # species = H, O
    told = capsys.readouterr().out
    assert "mBP (generation 3), 18 components, species H, O" in told
    assert "10 computed, 0 kept from earlier runs" in told
    log = (folder / "log" / "gvect_already_computed.dat").read_text()
    assert log.split(",")[:2] == ["water_000", "water_001"]


def test_the_description_says_what_later_tools_need(folder):
    run(folder)
    described = DatasetDescription.read(folder / "bin")
    assert described.species == ("H", "O")
    assert described.g_size == 18
    assert described.origin.mbp_generation_source == "stated"
    assert described.origin.descriptor["epsilon"] == 1e-3
    assert described.compositions == (((2, 1), 10),)
    assert described.labels == {"energy": 10}
    assert len(described.files) == 10
    g = np.concatenate([read_bin(p).g for p in sorted((folder / "bin").glob("*.bin"))])
    hydrogen = np.arange(len(g)) % 3 > 0
    statistics = described.statistics[0]
    assert statistics.n_atoms == 20
    np.testing.assert_array_equal(statistics.maximum, g[hydrogen].max(axis=0))
    # 1e-6: the reference sums float32 numbers in float64 in another order.
    reference = g[hydrogen].astype(float)
    np.testing.assert_allclose(statistics.std, reference.std(axis=0), rtol=1e-6)


def test_a_second_run_computes_nothing(folder, capsys, monkeypatch):
    run(folder)
    before = content(folder)

    def no_kernel(*_, **__):
        raise AssertionError("descriptors were computed again")

    monkeypatch.setattr("annpot.descriptors.calculator.descriptors", no_kernel)
    assert run(folder) == 0
    assert content(folder) == before
    assert "0 computed, 10 kept from earlier runs" in capsys.readouterr().out


def test_missing_and_damaged_files_are_computed_again(folder, capsys):
    run(folder)
    before = content(folder)
    (folder / "bin" / "water_003.bin").unlink()
    cut = folder / "bin" / "water_005.bin"
    cut.write_bytes(cut.read_bytes()[:50])
    changed = folder / "bin" / "water_007.bin"
    changed.write_bytes(changed.read_bytes()[:-9] + b"\x01" + changed.read_bytes()[-8:])
    capsys.readouterr()
    assert run(folder) == 0
    assert content(folder) == before
    told = capsys.readouterr().out
    assert "3 computed, 7 kept from earlier runs" in told
    assert "2 damaged files were computed again: water_005.bin, water_007.bin" in told


KILLED = """
import os, signal, sys
from dataclasses import replace
from annpot.config import load_gvect
from annpot.data import descriptor_files
from annpot.data.descriptor_task import descriptor_task
from annpot.structures.readers import structure_sources

descriptor_files.BATCH_STRUCTURES = 3
task = descriptor_task(load_gvect(sys.argv[1]))
calls = 0

def describe(structures):
    global calls
    calls += 1
    if calls == 3:
        (task.folder / f".water_009.bin.{os.getpid()}.tmp").write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGKILL)
    return task.describe(structures)

descriptor_files.compute_descriptor_files(
    structure_sources(sys.argv[2]), replace(task, describe=describe))
"""


def test_a_killed_run_is_finished_by_the_next(folder, capsys, monkeypatch):
    ini, structures = str(folder / "gvect.ini"), str(folder / "structures")
    done = subprocess.run([sys.executable, "-c", KILLED, ini, structures])
    assert done.returncode == -signal.SIGKILL
    assert len(content(folder, "*.bin")) == 6
    with pytest.raises(files.InputError, match="files of this folder are not finished"):
        DatasetDescription.read(folder / "bin")
    monkeypatch.setattr(descriptor_files, "BATCH_STRUCTURES", 3)
    assert run(folder) == 0
    assert "4 computed, 6 kept from earlier runs" in capsys.readouterr().out
    resumed = content(folder) | content(folder, ".*")
    # The same files as without a stop, and no temporary one left.
    for path in (folder / "bin").iterdir():
        path.unlink()
    assert run(folder) == 0
    assert content(folder) == resumed


def test_a_changed_structure_is_computed_again(folder, capsys):
    """Other positions with the same energy, and another energy."""
    run(folder)
    before = content(folder)
    moved = water(3)
    add(folder, replace(moved, positions=moved.positions * 1.01))
    add(folder, replace(water(5), energy=-2081.0))
    capsys.readouterr()
    assert run(folder) == 0
    told = capsys.readouterr().out
    assert "2 changed structures were computed again: water_003.bin, water_005" in told
    assert "2 computed, 8 kept from earlier runs" in told
    after = content(folder, "*.bin")
    differing = [name for name in after if after[name] != before[name]]
    assert sorted(differing) == ["water_003.bin", "water_005.bin"]
    assert read_bin(folder / "bin" / "water_005.bin").energy == -2081.0
    run(folder)
    assert "0 computed, 10 kept" in capsys.readouterr().out


def test_a_change_after_a_killed_run_is_seen(folder, capsys):
    ini, structures = str(folder / "gvect.ini"), str(folder / "structures")
    subprocess.run([sys.executable, "-c", KILLED, ini, structures])
    assert len(content(folder, "*.bin")) == 6
    add(folder, replace(water(2), positions=water(2).positions * 1.01))
    assert run(folder) == 0
    told = capsys.readouterr().out
    assert "1 changed structure was computed again: water_002.bin" in told
    assert "5 computed, 5 kept from earlier runs" in told


def test_a_folder_without_hashes_of_structures_is_used(folder, capsys):
    """As earlier versions wrote it; then energies and elements are compared."""
    run(folder)
    before = content(folder)
    path = folder / "bin" / "dataset.json"
    described = json.loads(path.read_text())
    for entry in described["files"]:
        del entry["structure"]
    path.write_text(json.dumps(described))
    capsys.readouterr()
    assert run(folder) == 0
    assert "0 computed, 10 kept" in capsys.readouterr().out
    assert content(folder) == before
    path.write_text(json.dumps(described))
    add(folder, replace(water(5), energy=-2081.0))
    assert run(folder) == 0
    assert (
        "1 changed structure was computed again: water_005" in capsys.readouterr().out
    )


def test_numbers_beyond_float32_are_named(folder, capsys):
    add(folder, water(2, energy=-1e39))
    add(folder, water(7, energy=1e300))
    fails(
        folder,
        capsys,
        "water_002: energy: found -1e+39, expected numbers that are finite in float32",
        "water_007: energy: found 1e+300",
    )
    assert len(content(folder, "*.bin")) == 8


def test_an_energy_under_another_key_is_explained(folder, capsys):
    frame = '1\nProperties=species:S:1:pos:R:3 REF_energy=-13.6 pbc="F F F"\nH 0 0 0\n'
    (folder / "set.xyz").write_text(frame)
    ini = folder / "gvect.ini"
    ini.write_text(ini.read_text().replace("/structures", "/set.xyz"))
    fails(
        folder,
        capsys,
        "set.xyz: frame 1: the structure has no energy.",
        "the key that is read is 'energy' (of ASE's calculator or of info, in eV); "
        "keys of this frame: REF_energy",
    )


def test_a_broken_description_is_named(folder, capsys):
    run(folder)
    path = folder / "bin" / "dataset.json"
    described = json.loads(path.read_text())
    path.write_text(json.dumps(described | {"descriptor": 3}))
    fails(folder, capsys, "dataset.json: cannot be read (ValueError: descriptor = 3)")
    described["files"][0]["sha256"] = 5
    path.write_text(json.dumps(described))
    fails(folder, capsys, "dataset.json: cannot be read (ValueError: files: {'name'")


def test_structures_may_be_added_and_removed_later(folder, capsys):
    run(folder)
    add(folder, water(10))
    (folder / "structures" / "water_000.example").unlink()
    assert run(folder) == 0
    assert "1 computed, 10 kept" in capsys.readouterr().out
    described = DatasetDescription.read(folder / "bin")
    assert len(described.files) == described.n_structures == 11


def test_a_damaged_file_without_its_structure_is_named(folder, capsys):
    run(folder)
    (folder / "structures" / "water_000.example").unlink()
    (folder / "bin" / "water_000.bin").write_bytes(b"short")
    fails(folder, capsys, "water_000.bin: the file is damaged and its structure is not")


def test_a_mistake_in_the_settings_can_be_corrected(folder, capsys):
    ini = folder / "gvect.ini"
    right = ini.read_text()
    ini.write_text(right.replace("species = H, O", "species = H, N"))
    fails(folder, capsys, "element O found")
    ini.write_text(right)
    assert run(folder) == 0


def test_other_settings_need_another_folder(folder, capsys):
    run(folder)
    before = content(folder)
    ini = folder / "gvect.ini"
    ini.write_text(ini.read_text().replace("zeta = 8", "zeta = 9"))
    fails(
        folder,
        capsys,
        f"{folder / 'bin'}: holds descriptors of other settings (zetas: [8.0, 8.0] "
        "there, [9.0, 9.0] now). Choose another output_gvect_dir",
    )
    assert content(folder) == before


def test_files_of_unknown_settings_need_another_folder(folder, capsys):
    (folder / "bin").mkdir()
    (folder / "bin" / "old.bin").write_bytes(b"from elsewhere")
    fails(folder, capsys, "holds 1 .bin files but no dataset.json that says how they")
    assert list(content(folder)) == ["old.bin"]


def test_extended_xyz_gives_the_same_files(folder):
    from ase import Atoms
    from ase.calculators.singlepoint import SinglePointCalculator
    from ase.io import write as write_ase

    structures = []
    for number in range(10):
        rounded = np.round(water(number).positions, 8)  # what the format keeps
        structures.append(replace(water(number), positions=rounded))
        add(folder, structures[-1])
    run(folder)
    before = content(folder, "*.bin")
    frames = []
    for structure in structures:
        frames.append(Atoms(structure.symbols, structure.positions))
        frames[-1].info["name"] = structure.name
        frames[-1].calc = SinglePointCalculator(frames[-1], energy=structure.energy)
    write_ase(folder / "set.xyz", frames, format="extxyz")
    text = INI.format(folder=folder).replace("/structures", "/set.xyz")
    (folder / "gvect.ini").write_text(text.replace("/bin", "/other"))
    assert run(folder) == 0
    other = {path.name: path.read_bytes() for path in (folder / "other").glob("*.bin")}
    assert other == before


def test_periodicity_of_the_ini_replaces_that_of_the_structure(folder):
    cell = np.diag([4.0, 4.0, 4.0])
    periodic = np.ones(3, bool)
    for number in range(10):
        add(folder, water(number, cell=cell, pbc=periodic))
    extend_ini(folder, "[PBC]", "use_pbc = False, False, False")
    run(folder)
    settings = descriptor_settings(load_gvect(folder / "gvect.ini"))
    free, repeated = descriptors(
        [water(0), water(0, cell=cell, pbc=periodic)], settings
    )
    assert not np.allclose(free, repeated)
    read = read_bin(folder / "bin" / "water_000.bin")
    np.testing.assert_array_equal(read.g, free.astype(np.float32))
    assert DatasetDescription.read(folder / "bin").origin.pbc_override == (False,) * 3


def test_a_periodic_direction_needs_a_lattice_vector(folder, capsys):
    extend_ini(folder, "[PBC]", "use_pbc = False, False, True")
    fails(
        folder,
        capsys,
        "water_000.example: use_pbc = [False, False, True], but a periodic direction",
        "10 problems.",
    )


def test_energies_of_single_atoms_are_stored(folder, capsys):
    extend_ini(folder, "[MISC]", "per_atom_energy = True")
    fails(folder, capsys, "water_000.example: per_atom_energy is True in [MISC], but")
    for number in range(10):
        add(folder, water(number, per_atom_energy=np.array([1.5, -2.0, 0.25])))
    assert run(folder) == 0
    read = read_bin(folder / "bin" / "water_000.bin")
    assert read.per_atom_quantity.tolist() == [1.5, -2.0, 0.25]
    described = DatasetDescription.read(folder / "bin")
    assert described.labels == {"energy": 10, "per_atom_quantity": 10}


def test_assumed_units_are_told_once(folder, capsys):
    for path in sorted((folder / "structures").iterdir())[:4]:
        values = json.loads(path.read_text())
        del values["unit_of_length"]
        path.write_text(json.dumps(values))
    run(folder)
    told = capsys.readouterr().out
    assert "in 4 structures unit_of_length is missing: angstrom was assumed." in told


def test_a_missing_folder_is_named(folder, capsys):
    os.rename(folder / "structures", folder / "moved")
    fails(folder, capsys, f"{folder / 'structures'}: no such folder or file.")
    assert not (folder / "bin").exists()


def test_an_empty_folder_is_named(folder, capsys):
    for path in (folder / "structures").iterdir():
        path.unlink()
    fails(folder, capsys, "structures: no .example file in this folder.")
    assert not (folder / "bin").exists()


def test_an_unknown_species_is_named(folder, capsys):
    add(folder, water(4, symbols=("O", "H", "Si")))
    fails(folder, capsys, "water_004: element Si found, expected only H, O.")


def test_all_wrong_structures_are_told_at_once(folder, capsys):
    add(folder, water(2, energy=None))
    (folder / "structures" / "water_004.example").write_text('{"atoms": [')
    add(folder, water(6, positions=WATER * np.nan))
    fails(
        folder,
        capsys,
        "water_002.example: the structure has no energy.",
        "water_004.example: not valid JSON",
        "water_006.example: atoms, positions: holds a value that is not a finite",
        "3 problems.",
    )


def test_many_wrong_structures_are_counted_and_the_first_are_told(folder, capsys):
    for number in range(25):
        (folder / "structures" / f"z_{number:02}.example").write_text("{")
    told = fails(folder, capsys, "z_19.example", "25 problems; the first 20 are shown.")
    assert "z_20.example" not in told


def test_a_full_disk_leaves_what_is_finished(folder, capsys, monkeypatch):
    replaced = os.replace
    count = 0

    def full_after_four(source, target):
        nonlocal count
        count += str(target).endswith(".bin")
        if count > 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        replaced(source, target)

    monkeypatch.setattr(os, "replace", full_after_four)
    fails(folder, capsys, "water_004.bin: the disk is full (No space left on device).")
    assert len(content(folder, "*.bin")) == 4
    assert not content(folder, ".*")
    monkeypatch.undo()
    assert run(folder) == 0
    assert "6 computed, 4 kept from earlier runs" in capsys.readouterr().out


def test_wrong_keys_are_told_before_anything_is_made(folder, capsys):
    ini = folder / "gvect.ini"
    ini.write_text(ini.read_text().replace("zeta = 8", "zetta = 8"))
    fails(folder, capsys, "zetta")
    assert not (folder / "bin").exists()


def test_memory_does_not_grow_with_the_number_of_structures(folder, monkeypatch):
    """Ten times the structures in batches of 32: the same peak but for the names."""
    import tracemalloc

    from annpot.structures.readers import NamedSource

    monkeypatch.setattr(descriptor_files, "BATCH_STRUCTURES", 32)
    task = descriptor_task(load_gvect(folder / "gvect.ini"))
    origin = replace(task.origin, g_size=384)

    def peak(n, name):
        sources = (
            NamedSource(f"s{k}", f"s{k}", lambda k=k: water(k, name=f"s{k}"))
            for k in range(n)
        )
        fast = replace(
            task,
            folder=folder / name,
            origin=origin,
            describe=lambda group: [Described(np.full((3, 384), 0.5)) for _ in group],
        )
        tracemalloc.start()
        descriptor_files.compute_descriptor_files(sources, fast)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    peak(40, "warm")  # imports and caches
    small, large = peak(64, "small"), peak(640, "large")
    per_structure = (large - small) / 576
    assert per_structure < 2500  # bytes; a record of descriptors alone has 4608


def test_the_folder_flag_stands_for_three_folders(folder, capsys):
    (folder / "structures").rename(folder / "examples")
    assert main(["-c", str(folder / "gvect.ini"), "-f", str(folder)]) == 0
    assert "10 computed" in capsys.readouterr().out
    assert len(list((folder / "bin").glob("*.bin"))) == 10
    assert (folder / "gvect_already_computed.dat").is_file()
    assert not (folder / "log").exists()
