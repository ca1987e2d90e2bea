"""What files and folders are, told without TensorFlow and without tracebacks."""

import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from annpot.apps.ls import main
from annpot.data.binary_format import write_bin
from annpot.data.dataset_description import DatasetDescription
from annpot.data.dataset_summary import summary_of
from annpot.data.descriptor_origin import DescriptorOrigin
from annpot.data.file_entry import FileEntry
from annpot.data.records import DenseDerivatives, DescriptorRecord
from annpot.data.structure_records import encode_structure
from annpot.data.tfrecord import encode_record, framed, write_tfrecord
from annpot.errors import InputError
from annpot.inspection.recognise import sheets
from annpot.networks.architecture import LayerSpec, LayerWeights, NetworkSpec
from annpot.networks.metadata import write_metadata
from annpot.structures.example_json import write_example
from annpot.structures.structure import Structure
from annpot.wire_format import FIXED64, LENGTH_DELIMITED, VARINT, varint
from reference.small_training import SPECIES, small_records

ROOT = Path(__file__).parents[2]
WATER = Structure(
    "water",
    ("O", "H", "H"),
    np.array([[0.0, 0, 0], [0.96, 0, 0], [0, 0.96, 0]]),
    energy=-2078.5,
    forces=np.ones((3, 3)),
)


def described(folder, records):
    """Write records and their dataset.json into a folder; return it."""
    folder.mkdir()
    written = write_tfrecord(folder / "a-1-1.tfrecord", map(encode_record, records))
    entry = FileEntry("a-1-1.tfrecord", *vars(written).values())
    origin = DescriptorOrigin(SPECIES, records[0].g_size, None, 3, "assumed")
    summary = summary_of(records)
    DatasetDescription.from_summary(origin, ".tfrecord", [entry], summary).write(folder)
    return folder


@pytest.fixture
def folder(tmp_path):
    """Folder of TFRecords with a dataset.json."""
    return described(tmp_path / "data", small_records(10, seed=1))


def only_sheet(path):
    (sheet,) = sheets(path)
    return sheet


def facts(path):
    return only_sheet(path).facts


def told(path):
    """What a path is refused with."""
    with pytest.raises(InputError) as error:
        sheets(path)
    return str(error.value)


def test_a_data_folder_tells_counts_settings_and_compositions(folder):
    sheet = only_sheet(folder)
    records = small_records(10, seed=1)
    assert sheet.kind == "data folder: descriptors (.tfrecord files)"
    assert sheet.facts["structures"] == 10
    assert sheet.facts["atoms"] == sum(record.n_atoms for record in records)
    assert sheet.facts["descriptor"] == "mBP (generation 3, assumed)"
    assert sheet.facts["species"] == list(SPECIES)
    assert dict(sheet.tables[0].rows)["CH4"] == 2
    assert sheets(folder / "dataset.json")[0].kind == sheet.kind


def test_missing_and_changed_files_of_a_data_folder_are_told(folder):
    path = folder / "a-1-1.tfrecord"
    path.write_bytes(path.read_bytes()[:-1])
    assert "bytes, but dataset.json recorded" in only_sheet(folder).notes[0]
    path.unlink()
    assert "not here: a-1-1.tfrecord" in only_sheet(folder).notes[0]


def test_a_tfrecord_of_descriptors_tells_ranges_of_its_energies(folder):
    records = small_records(10, seed=1)
    energies = [record.energy for record in records]
    found = facts(folder / "a-1-1.tfrecord")
    assert found["records"] == 10
    assert found["energy_eV"] == [min(energies), max(energies)]
    per_atom = [record.energy / record.n_atoms for record in records]
    assert found["energy_eV_per_atom"] == pytest.approx([min(per_atom), max(per_atom)])
    assert found["g_size"] == [24]
    assert found["labels"] == {"energy": 10}
    hydrogens = sum((record.species == 0).sum() for record in records)
    assert found["species"]["H"] == hydrogens


def test_of_a_large_file_evenly_spaced_records_are_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr("annpot.inspection.record_files.MOST_RECORDS", 3)
    path = tmp_path / "many.tfrecord"
    write_tfrecord(path, map(encode_record, small_records(9, seed=1)))
    sheet = only_sheet(path)
    assert sheet.facts["records"] == 9
    assert sheet.notes == ("Numbers are those of 3 of the 9 records.",)
    assert (sheet.facts["first_name"], sheet.facts["last_name"]) == ("m0", "m8")


def test_a_tfrecord_of_structures_tells_labels_and_atoms(tmp_path):
    path = tmp_path / "s.tfrecord"
    write_tfrecord(path, [encode_structure(WATER, ("H", "O"))])
    sheet = only_sheet(path)
    assert sheet.kind == "structures (TFRecord)"
    assert sheet.facts["species"] == {"species 1": 1, "species 0": 2}
    assert sheet.facts["labels"] == {"energy": 1, "forces": 1}


def test_a_bin_tells_energy_range_and_derivatives(tmp_path):
    g = np.array([[0.5, -2.0]], np.float32)
    dense = DenseDerivatives(np.ones((1, 2, 1, 3), np.float32))
    zeros = np.zeros((1, 3), np.float32)
    record = DescriptorRecord("x", np.array([1]), g, -3.25, zeros, dense)
    write_bin(tmp_path / "x.bin", record)
    found = facts(tmp_path / "x.bin")
    assert found["energy_eV"] == -3.25
    assert found["descriptor_range"] == [-2.0, 0.5]
    assert (found["derivatives"], found["forces"]) == ("dense", True)
    assert found["species"] == {"index 1": 1}


def test_structures_of_example_and_xyz_files(tmp_path):
    write_example(tmp_path / "water.example", WATER)
    found = facts(tmp_path / "water.example")
    assert (found["formula"], found["energy_eV"]) == ("H2O", -2078.5)
    frame = '2\nProperties=species:S:1:pos:R:3 energy=-1 name="a b"\nH 0 0 0\nO 1 0 0\n'
    (tmp_path / "two.xyz").write_text(frame * 2)
    found = facts(tmp_path / "two.xyz")
    assert (found["structures"], found["atoms"]) == (2, 4)
    assert found["keys_of_the_first"] == ["Properties", "energy", "name"]
    (tmp_path / "cut.xyz").write_text(frame + "3\n\nH 0 0 0\n")
    assert "ends inside a structure" in only_sheet(tmp_path / "cut.xyz").notes[0]


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("gvect.ini", "app_gvect_calculator"),
        ("tfr.ini", "app_tfr_packer"),
        ("train1.ini", "app_train"),
        ("validation1.ini", "app_evaluate"),
        ("extract_weights.ini", "app_extract_weights"),
    ],
)
def test_an_ini_file_tells_its_command(name, command):
    found = facts(ROOT / "input_files" / name)
    assert (found["command"], found["problems"]) == (command, 0)


def test_a_wrong_ini_file_tells_its_problems(tmp_path):
    text = (ROOT / "input_files" / "train1.ini").read_text()
    path = tmp_path / "wrong.ini"
    path.write_text(text.replace("batch_size", "batch_sice"))
    sheet = only_sheet(path)
    assert sheet.facts["command"] == "app_train"
    assert any("Did you mean 'batch_size'?" in note for note in sheet.notes)
    path.write_text("[other]\na = 1\n")
    assert only_sheet(path).kind == "INI file of another program"


def test_extracted_networks_are_checked_and_described(tmp_path):
    spec = NetworkSpec("H", 3, (LayerSpec(2, 1), LayerSpec(1, 0)), -13.5)
    layers = tuple(
        LayerWeights(np.ones(shape, np.float32), np.zeros(shape[1:], np.float32))
        for shape in spec.shapes
    )
    about = {"checkpoint": "epoch_1_step_2", "comment": "first"}
    write_metadata(tmp_path / "model", [spec], {"H": layers}, about, {"seed": 7})
    sheet = only_sheet(tmp_path / "model")
    assert sheet.tables[0].rows == (("H", "3:2:1", "gaussian:linear", -13.5),)
    assert (sheet.facts["seed"], sheet.facts["comment"]) == (7, "first")
    (tmp_path / "model" / "H_l0_w.npy").unlink()
    assert "H_l0_w.npy: no such file" in told(tmp_path / "model")


def test_metrics_tell_last_and_best_epoch(tmp_path):
    path = tmp_path / "metrics.dat"
    path.write_text("epoch MAE/at val_loss\n0 3.0 5\n1 2.0 4\n2 1.0 nan\n3 0.")
    sheet = only_sheet(path)
    assert (sheet.facts["epochs"], sheet.facts["best_epoch"]) == (3, 1)
    assert sheet.tables[0].rows == (("MAE/at", 1.0, 2.0), ("val_loss", None, 4.0))
    path.write_text("")
    assert "does not name the columns" in told(path)


def test_an_evaluation_tells_the_errors_in_its_files(tmp_path):
    rows = "a 2 -1.0 -1.5\nb 4 nan 3\nc 1 2.0 2.25\n"
    stem = tmp_path / "epoch_1_step_9"
    Path(f"{stem}.dat").write_text("#filename n_atoms e_ref e_nn\n" + rows)
    found = facts(f"{stem}.dat")
    assert found["MAE (eV/atom)"] == pytest.approx((0.25 + 0.25) / 2)
    assert found["without_label"] == 1
    sheet = only_sheet(tmp_path)
    assert sheet.tables[0].rows[0][:2] == ("epoch_1_step_9", 3)
    Path(f"{stem}.dat").write_text("#filename n_atoms e_ref e_nn\na 2 -1.0\n")
    assert "epoch_1_step_9.dat:2: expected 4 columns" in told(f"{stem}.dat")


def test_events_tell_tags_and_steps_and_may_end_in_the_middle(tmp_path):
    tag = varint(1 << 3 | LENGTH_DELIMITED) + varint(4) + b"loss"
    value = varint(1 << 3 | LENGTH_DELIMITED) + varint(len(tag)) + tag
    summary = varint(5 << 3 | LENGTH_DELIMITED) + varint(len(value)) + value
    time = varint(1 << 3 | FIXED64) + np.float64(0.0).tobytes()
    event = time + varint(2 << 3 | VARINT) + varint(300) + summary
    path = tmp_path / "events.out.tfevents.1.host"
    path.write_bytes(framed(event) + framed(event)[:-3])
    sheet = only_sheet(path)
    assert (sheet.facts["events"], sheet.facts["last_step"]) == (1, 300)
    assert (sheet.facts["tags"], sheet.facts["from"]) == (
        ["loss"],
        "1970-01-01T00:00:00Z",
    )
    assert "last event is not complete" in sheet.notes[0]


def test_arrays_tell_shape_and_range(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[1.5, -2.0]]))
    found = facts(tmp_path / "a.npy")
    assert (found["shape"], found["range"]) == ([1, 2], [-2.0, 1.5])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "an empty file"),
        (b"\x89PNG\r\n\x1a\n", "a picture (PNG)"),
        (b"\x1f\x8b\x08\x00", "a file compressed by gzip"),
        (bytes(range(256)), "binary data"),
        (b"hello\nworld\n", "a text"),
    ],
)
def test_what_is_unknown_says_what_it_looks_like(tmp_path, capsys, content, words):
    path = tmp_path / "what"
    path.write_bytes(content)
    assert facts(path)["looks_like"] == words
    assert main([str(path)]) == 2
    assert f"{path}: unknown file, none that annpot knows." in capsys.readouterr().err


def test_an_unknown_folder_tells_where_to_look(folder, tmp_path):
    sheet = only_sheet(tmp_path)
    assert sheet.kind == "unknown folder"
    assert sheet.facts["look_into"] == ["data"]


def test_missing_paths_broken_links_and_pipes_are_told(tmp_path):
    assert "there is no such file or folder" in told(tmp_path / "none")
    (tmp_path / "link").symlink_to("nowhere")
    assert "the link leads to nowhere, which does not exist" in told(tmp_path / "link")
    os.mkfifo(tmp_path / "pipe")
    assert "neither a file nor a folder" in told(tmp_path / "pipe")


def test_what_may_not_be_read_is_told(tmp_path, monkeypatch):
    path = tmp_path / "secret.npy"
    np.save(path, np.zeros(1))

    def refuses(*_, **__):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(np, "load", refuses)
    assert f"{path}: cannot be read (Permission denied)" in told(path)


def test_of_a_huge_folder_only_so_many_names_are_looked_at(tmp_path, monkeypatch):
    monkeypatch.setattr("annpot.inspection.recognise.MOST_NAMES", 5)
    for number in range(9):
        write_example(tmp_path / f"{number}.example", WATER)
    assert facts(tmp_path)["files"] == "more than 5"


def test_json_is_one_list_and_every_path_is_told(folder, tmp_path, capsys):
    assert main(["--json", str(folder), str(tmp_path / "none")]) == 2
    shown = capsys.readouterr()
    (sheet,) = json.loads(shown.out)
    assert sheet["facts"]["structures"] == 10
    assert {"composition": "CH4", "structures": 2} in sheet["tables"]["compositions"]
    assert "none: there is no such file" in shown.err


def test_settings_are_the_expanded_ini_alone(capsys):
    assert main(["--settings", str(ROOT / "input_files" / "train1.ini")]) == 0
    shown = capsys.readouterr().out
    assert "[TRAINING_PARAMETERS]" in shown
    assert "beta1 = 0.9" in shown


def test_no_damage_makes_a_traceback(folder, tmp_path):
    rng = random.Random(3)
    write_example(tmp_path / "water.example", WATER)
    np.save(tmp_path / "a.npy", np.zeros((2, 2)))
    write_bin(tmp_path / "m.bin", small_records(1, seed=1)[0])
    whole = [*folder.iterdir(), *(p for p in tmp_path.iterdir() if p.is_file())]
    bad = tmp_path / "bad"
    for _ in range(20):
        for path in whole:
            shutil.rmtree(bad, ignore_errors=True)
            bad.mkdir()
            content = bytearray(path.read_bytes())
            if rng.random() < 0.3:
                del content[rng.randrange(len(content)) :]
            for _ in range(rng.randrange(4)):
                if content:
                    content[rng.randrange(len(content))] = rng.randrange(256)
            (bad / path.name).write_bytes(content)
            for place in (bad, bad / path.name):
                with contextlib.suppress(InputError):
                    found = [sheet.to_dict() for sheet in sheets(place)]
                    json.dumps(found, allow_nan=False)


def test_no_tensorflow_is_imported(folder):
    code = (
        "import sys\nfrom annpot.apps.ls import main\n"
        f"assert main([{str(folder)!r}, {str(folder / 'a-1-1.tfrecord')!r}]) == 0\n"
        "assert not {'tensorflow', 'keras', 'ase', 'numba'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
