"""app_tfr_packer straight from structures: contents, counts, going on, wrong input."""

import json
from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write as write_ase

from annpot.apps.tfr_packer import main
from annpot.apps.train import main as train
from annpot.data import packing
from annpot.data.structure_source import open_structures
from annpot.structures.example_json import write_example
from annpot.structures.structure import Structure

INI = """
[IO_INFORMATION]
input_dir = {source}
output_dir = {folder}/tfr
elements_per_file = 2
"""
ABSENT = {1: ("energy",), 2: ("forces", "virial"), 3: ("virial",)}


def structure(number):
    rng = np.random.default_rng(number)
    made = Structure(
        name=f"s{number}",
        symbols=("O", "H") if number != 4 else ("C", "H"),
        positions=rng.standard_normal((2, 3)),
        cell=np.diag([4.0, 5.0, 6.0]),
        pbc=np.ones(3, bool),
        energy=-1.0 / 3 - number,
        forces=rng.standard_normal((2, 3)) / 3,
        virial=rng.standard_normal(6) / 3,
    )
    return replace(made, **dict.fromkeys(ABSENT.get(number, ())))


@pytest.fixture
def folder(tmp_path):
    """Five `.example` files, some with fewer labels, and the INI file."""
    for number in range(5):
        path = tmp_path / "examples" / f"s{number}.example"
        path.parent.mkdir(exist_ok=True)
        write_example(path, structure(number))
    (tmp_path / "tfr.ini").write_text(
        INI.format(source=tmp_path / "examples", folder=tmp_path)
    )
    return tmp_path


def run(folder, *lines):
    if lines:
        text = "\n".join(lines) + "\n"
        (folder / "tfr.ini").write_text((folder / "tfr.ini").read_text() + text)
    return main(["-c", str(folder / "tfr.ini")])


def written(folder):
    source = open_structures(folder / "tfr", "structure", ("H", "C", "O"))
    return {one.name: one for one in source}


def test_structures_are_packed_with_the_labels_they_have(folder, capsys):
    assert run(folder) == 0
    out = capsys.readouterr().out
    assert "5 structures of H, C, O: 4 energies, 4 forces, 3 virials\n" in out
    assert "3 files written, 0 kept" in out
    read = written(folder)
    assert list(read) == ["s0", "s1", "s2", "s3", "s4"]
    for number in range(5):
        made, one = structure(number), read[f"s{number}"]
        assert (one.symbols, one.energy) == (made.symbols, made.energy)
        for label in ("positions", "cell", "forces", "virial"):
            found, expected = getattr(one, label), getattr(made, label)
            assert (found is None) == (expected is None)
            assert found is None or found.tobytes() == expected.tobytes()
    described = json.loads((folder / "tfr" / "dataset.json").read_text())
    assert described["species"] == ["H", "C", "O"]
    assert described["units"]["virial"] == "eV"
    assert described["labels"] == {"energy": 4, "forces": 4, "virial": 3}
    assert described["compositions"] == [[[1, 0, 1], 4], [[1, 1, 0], 1]]


def test_order_and_file_size_leave_the_fingerprint(folder):
    assert run(folder) == 0
    first = json.loads((folder / "tfr" / "dataset.json").read_text())["fingerprint"]
    text = INI.format(source=folder / "examples", folder=folder / "other")
    (folder / "tfr.ini").write_text(text.replace("= 2", "= 4") + "shuffle_seed = 3\n")
    assert run(folder) == 0
    other = folder / "other" / "tfr"
    assert json.loads((other / "dataset.json").read_text())["fingerprint"] == first
    source = open_structures(other, "structure", ("H", "C", "O"))
    names = [one.name for one in source]
    assert names != sorted(names)
    assert sorted(names) == ["s0", "s1", "s2", "s3", "s4"]


def test_a_stopped_packing_goes_on(folder, capsys, monkeypatch):
    whole = packing._pack_file

    def stopped(path, *arguments):
        if path.name.startswith("2-"):
            raise KeyboardInterrupt
        return whole(path, *arguments)

    monkeypatch.setattr(packing, "_pack_file", stopped)
    assert run(folder) == 75
    monkeypatch.undo()
    capsys.readouterr()
    assert run(folder) == 0
    assert "2 files written, 1 kept" in capsys.readouterr().out
    assert len(written(folder)) == 5
    (folder / "tfr" / "3-3.tfrecord").unlink()
    assert run(folder) == 0
    assert "1 files written, 2 kept" in capsys.readouterr().out
    assert run(folder) == 0
    assert "0 files written, 3 kept" in capsys.readouterr().out


def test_changed_structures_need_another_folder(folder, capsys):
    assert run(folder) == 0
    write_example(folder / "examples" / "s0.example", structure(9))
    assert run(folder) == 2
    assert "holds another packing: other input" in capsys.readouterr().err


def test_a_file_of_ase_is_packed(folder, capsys):
    frames = []
    for number in range(3):
        atoms = Atoms("HO", structure(number).positions, cell=[4, 5, 6], pbc=True)
        stress = np.arange(1.0, 7.0) / 100
        atoms.calc = SinglePointCalculator(atoms, energy=-1.0, stress=stress)
        frames.append(atoms)
    write_ase(folder / "set.xyz", frames, format="extxyz")
    text = INI.format(source=folder / "set.xyz", folder=folder)
    (folder / "tfr.ini").write_text(text + "shuffle_seed = 1\n")
    assert run(folder) == 0
    out = capsys.readouterr().out
    assert "3 structures of H, O: 3 energies, 0 forces, 3 virials" in out
    virial = written(folder)["set_1"].virial
    np.testing.assert_allclose(virial, -120 * np.arange(1.0, 7.0) / 100, rtol=1e-7)


def test_keys_of_descriptors_have_no_effect(folder, capsys):
    assert run(folder, "[CONTENT_INFORMATION]", "include_derivatives = True") == 0
    assert (
        "tfr.ini:7: [CONTENT_INFORMATION] include_derivatives has no effect: structures"
        in capsys.readouterr().out
    )


def test_structures_without_any_label_are_refused(folder, capsys):
    for number in (0, 3):
        bare = replace(structure(number), energy=None, forces=None, virial=None)
        write_example(folder / "examples" / f"s{number}.example", bare)
    assert run(folder) == 2
    told = capsys.readouterr().err
    assert "s0.example: the structure has neither energy nor forces nor virial" in told
    assert "s3.example: the structure has neither" in told
    assert "2 problems." in told
    assert not (folder / "tfr").exists()


def test_structures_that_cannot_be_read_are_all_counted(folder, capsys):
    for number in range(23):
        (folder / "examples" / f"z{number:02}.example").write_text("{")
    assert run(folder) == 2
    told = capsys.readouterr().err
    assert "z19.example: not valid JSON" in told
    assert "z20.example" not in told
    assert "23 problems; the first 20 are shown." in told


TRAIN = """
[IO_INFORMATION]
data_dir = {folder}/tfr
train_dir = {folder}/run
[DATA_INFORMATION]
atomic_sequence = H, C, O
[DEFAULT_NETWORK]
architecture = 4:1
[TRAINING_PARAMETERS]
batch_size = 1
steps_per_epoch = 1
max_epochs = 1
"""


def test_training_says_that_records_are_structures(folder, capsys):
    assert run(folder) == 0
    path = folder / "train.ini"
    path.write_text(TRAIN.format(folder=folder))
    capsys.readouterr()
    assert train(["-c", str(path)]) == 2
    assert (
        "dataset.json: the records are structures, expected descriptors. Set "
        "input_format = structure" in capsys.readouterr().err
    )
    (folder / "tfr" / "dataset.json").unlink()
    assert train(["-c", str(path)]) == 2
    assert (
        "1-3.tfrecord: record 1: a record of a structure, expected one of descriptors."
        in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda atoms: atoms[0].pop(), "s0.example: atoms, entry 1: no forces, but"),
        (lambda atoms: atoms[1][3].__setitem__(0, float("nan")), "not a finite number"),
    ],
)
def test_forces_are_those_of_all_atoms(folder, capsys, spoil, message):
    path = folder / "examples" / "s0.example"
    content = json.loads(path.read_text())
    spoil(content["atoms"])
    path.write_text(json.dumps(content))
    assert run(folder) == 2
    assert message in capsys.readouterr().err


def test_descriptors_are_taken_where_there_are_any(folder, capsys):
    (folder / "examples" / "s0.bin").write_bytes(b"")
    assert run(folder) == 2
    assert "s0.bin" in capsys.readouterr().err
    assert run(folder, "input_format = example") == 0


def test_an_empty_folder_is_told(folder, capsys):
    (folder / "empty").mkdir()
    (folder / "tfr.ini").write_text(INI.format(source=folder / "empty", folder=folder))
    assert run(folder) == 2
    told = capsys.readouterr().err
    assert "empty: no .bin file in this folder. Make them with" in told
    assert "Structures are packed from a folder of .example files or from one" in told
