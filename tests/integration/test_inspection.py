"""Checkpoints, runs, stages and networks: what app_ls and app_set do with them."""

import fcntl
import io
import shutil
import subprocess
import sys

import numpy as np
import pytest

from annpot.apps import extract_weights
from annpot.apps.ls import main as ls
from annpot.apps.set import main as set_value
from annpot.inspection.recognise import sheets
from annpot.networks.bundle import open_bundle
from annpot.networks.metadata import read_metadata
from annpot.networks.provenance import read_provenance
from annpot.networks.stored_run import read_stored_run
from annpot.training.best_checkpoint import best_checkpoint
from annpot.training.saved_state import load_state
from reference.small_training import OFFSETS, assert_same_state, finished

NAME = "epoch_3_step_21"
DATA = ".data-00000-of-00001"


@pytest.fixture
def run(finished_run, tmp_path):
    """A copy of a finished run of three epochs of seven steps."""
    return shutil.copytree(finished_run.folder, tmp_path / "run")


def only_sheet(path):
    (sheet,) = sheets(path)
    return sheet


def change(capsys, *arguments, code=0):
    """Run app_set --yes; return what it says."""
    assert set_value([*map(str, arguments), "--yes"]) == code
    shown = capsys.readouterr()
    return shown.err if code else shown.out


def stored(run, name=NAME):
    return read_stored_run(run / "_models" / name)


def history(run):
    """{column: (n_epochs,) values} of history.csv."""
    header, *lines = (run / "history.csv").read_text().splitlines()
    rows = np.array([list(map(float, line.split(","))) for line in lines])
    return dict(zip(header.split(","), rows.T, strict=True))


def test_a_checkpoint_tells_its_run(run):
    sheet = only_sheet(run / "_models" / NAME)
    assert sheet.kind == "checkpoint"
    told = sheet.facts
    assert (told["step"], told["epochs_done"], told["seed"]) == (21, 3, 5)
    assert told["checksum"] == "verified"
    assert told["species"] == ["H", "C", "O", "N"]
    assert told["epochs_of_history"] == 3
    losses = history(run)["val_loss"]
    assert told["best_value"] == losses.min()
    assert told["best_epoch"] == losses.argmin() + 1
    assert set(told["training_atoms"]) == {"H", "C", "O", "N"}
    assert [one.split()[1] for one in told["golden_structures"]] == [
        "(lowest)", "(median)", "(highest)",
    ]  # fmt: skip
    networks = next(table for table in sheet.tables if table.title == "networks")
    assert [row[-1] for row in networks.rows] == list(OFFSETS)
    assert "[TRAINING_PARAMETERS]" in sheet.settings


@pytest.mark.parametrize("ending", ["", ".index", DATA])
def test_any_file_of_a_checkpoint_stands_for_it(run, ending):
    assert only_sheet(f"{run / '_models' / NAME}{ending}").facts["step"] == 21


def test_a_run_lists_its_checkpoints_with_the_metric_that_chooses(run):
    sheet = only_sheet(run)
    assert (sheet.kind, sheet.facts["state"]) == ("training run", "done")
    losses = history(run)["val_loss"]
    rows = sheet.tables[0].rows
    assert [row[:4] for row in rows] == [
        (f"epoch_{e}_step_{7 * e}", e, 7 * e, losses[e - 1]) for e in (1, 2, 3)
    ]
    assert "best" in rows[losses.argmin()][4]
    assert "newest" in rows[2][4]
    assert sheets(run / "_models")[0].tables == sheet.tables


def test_a_damaged_checkpoint_is_told_and_the_run_shown_by_the_one_before(run, capsys):
    path = run / "_models" / f"{NAME}.index"
    path.write_bytes(path.read_bytes()[:-9])
    assert ls([str(path)]) == 2
    assert "truncated, corrupt or not the index" in capsys.readouterr().err
    sheet = only_sheet(run / "_models")
    assert sheet.facts["newest"] == "epoch_2_step_14"
    assert "epoch_3_step_21.index: truncated" in sheet.notes[0]


def test_a_folder_of_stages_tells_each_of_them(run, tmp_path):
    base = tmp_path / "plan"
    shutil.copytree(run, base / "stages" / "first")
    text = "[TRAINING_PARAMETERS]\nstages = first, second\n[STAGE:first]\n"
    text += "[STAGE:second]\n[STAGE:branch]\n"
    (base / "stages" / "plan.ini").write_text(text)
    sheet = only_sheet(base)
    losses = history(run)["val_loss"]
    assert sheet.kind == "training in stages"
    assert [row[:4] for row in sheet.tables[0].rows] == [
        ("first", None, "done", 3),
        ("second", "first", "planned", 0),
        ("branch", None, "planned", 0),
    ]
    assert sheet.tables[0].rows[0][5:] == ("val_loss", losses.min())


def test_no_tensorflow_is_needed(run):
    paths = [str(run), str(run / "_models" / NAME)]
    code = (
        "import sys\nfrom annpot.apps.ls import main\n"
        f"assert main({paths!r}) == 0\n"
        "from annpot.apps.set import main\n"
        f"assert main([{paths[1]!r}, 'comment', 'x', '--yes']) == 0\n"
        "assert not {'tensorflow', 'keras', 'ase', 'numba'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_checkpoints_of_panna_are_known_by_their_tensors(small_run, capsys):
    small_run.checkpoint(1, 100)
    sheet = only_sheet(small_run.models / "epoch_1_step_100")
    assert sheet.kind == "checkpoint of PANNA 2"
    assert sheet.tables[0].rows == (("H", "6:4:1"), ("O", "6:3:2:1"))
    assert set_value([str(small_run.models), "comment", "x", "--yes"]) == 2
    assert "a checkpoint of another program" in capsys.readouterr().err


def test_the_best_checkpoint_is_extracted_with_its_provenance(run, tmp_path):
    losses = history(run)["val_loss"]
    best = f"epoch_{losses.argmin() + 1}_step_{7 * (losses.argmin() + 1)}"
    assert best_checkpoint(run / "_models").name == best
    ini = tmp_path / "extract.ini"
    ini.write_text(
        f"[IO_INFORMATION]\nnetwork_dir = {run}/_models\noutput_type = PANNA\n"
        f"checkpoint = best\noutput_dir = {tmp_path}/model\n"
    )
    assert extract_weights.main(["-c", str(ini)]) == 0
    told, known = read_provenance(tmp_path / "model"), stored(run, best)
    assert told["checkpoint"] == best
    assert told["checkpoint_checksum"] == known.stored_checksum()
    assert told["ini"] == known.facts["ini"]
    assert told["versions"] == known.facts["versions"]
    values = [
        row[told["history"]["columns"].index("val_loss")]
        for row in (told["history"]["rows"])
    ]
    assert values == losses[: losses.argmin() + 1].tolist()
    facts = only_sheet(tmp_path / "model").facts
    assert (facts["checkpoint"], facts["seed"]) == (best, 5)


def test_a_comment_changes_nothing_else_in_a_checkpoint(run, capsys):
    prefix = run / "_models" / NAME
    before, bundle = load_state(prefix), open_bundle(prefix)
    values = {name: bundle.stored(name) for name in bundle.entries}
    assert "comment: not set -> first try" in change(
        capsys, prefix, "comment", "first try"
    )
    changed = open_bundle(prefix)
    texts = {name for name in values if changed.stored(name) != values[name]}
    assert {name.split("/")[0] for name in texts} == {"_run", "_checksum"}
    assert_same_state(load_state(prefix), before)  # TensorFlow and checksum agree
    assert "comment is first try already; nothing changed" in change(
        capsys, prefix, "comment", "first try"
    )
    change(capsys, prefix, "comment", "second")
    log = stored(run).facts["changes"]
    assert [(one["key"], one["old"], one["new"]) for one in log] == [
        ("comment", None, "first try"),
        ("comment", "first try", "second"),
    ]
    assert all(one["time"].endswith("Z") for one in log)
    assert all(one["program"].startswith("annpot ") for one in log)


def test_settings_of_a_checkpoint_are_read_back_before_they_are_stored(run, capsys):
    before = stored(run).facts["ini"]
    change(capsys, run, "IO_INFORMATION.data_dir", "/elsewhere/train")
    changed = stored(run).facts["ini"]
    lines = zip(before.splitlines(), changed.splitlines(), strict=True)
    differing = [pair for pair in lines if pair[0] != pair[1]]
    assert [now for _, now in differing] == ["data_dir = /elsewhere/train"]
    change(capsys, run, "max_epochs", "7")
    assert "max_epochs = 7\n" in stored(run).facts["ini"]
    refused = change(capsys, run, "IO_INFORMATION.log_frequency", "often", code=2)
    assert "log_frequency = often: expected an integer" in refused
    refused = change(capsys, run, "TRAINING_PARAMETERS.max_epochs", "0", code=2)
    assert "max_epochs" in refused


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("coment", "Did you mean comment? Those that can:\n  comment"),
        ("learning_rate", "[TRAINING_PARAMETERS] learning_rate says what was trained"),
        ("H.architecture", "[H] architecture says what was trained"),
        ("IO_INFORMATION.data_dirs", "Did you mean IO_INFORMATION.data_dir?"),
    ],
)
def test_what_cannot_be_set_is_told_with_what_can(run, capsys, key, words):
    before = (run / "_models" / f"{NAME}{DATA}").read_bytes()
    assert words in change(capsys, run, key, "1", code=2)
    assert (run / "_models" / f"{NAME}{DATA}").read_bytes() == before


def test_without_a_key_all_are_listed(run, capsys):
    assert set_value([str(run)]) == 0
    shown = capsys.readouterr().out
    assert "  comment " in shown
    assert "IO_INFORMATION.data_dir" in shown
    assert set_value([str(run), "comment"]) == 2
    assert "comment = not set: expected a new value" in capsys.readouterr().err


class Terminal(io.StringIO):
    """Standard input that is a terminal."""

    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (io.StringIO("y\n"), 2, "There is no terminal to ask on: give --yes."),
        (Terminal("n\n"), 2, "Nothing was changed."),
        (Terminal("y\n"), 0, ""),
    ],
)
def test_nothing_changes_unasked_for(run, capsys, monkeypatch, answer, code, words):
    monkeypatch.setattr("sys.stdin", answer)
    assert set_value([str(run), "comment", "x"]) == code
    assert words in capsys.readouterr().err
    assert ("comment" in stored(run).facts) == (code == 0)


def test_a_folder_in_use_is_not_written(run, capsys):
    with open(run / ".in_use", "w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        assert "another app_train is writing there" in change(
            capsys, run, "comment", "x", code=2
        )
        assert only_sheet(run).facts["state"] == "running"


def test_an_assumed_generation_of_a_checkpoint_can_be_stated_once(run, capsys):
    change(capsys, run, "mbp_generation", "2")
    data = stored(run).facts["data"]
    assert (data["mbp_generation"], data["mbp_generation_source"]) == (2, "stated")
    refused = change(capsys, run, "data.mbp_generation", "1", code=2)
    assert "2 is stated by those who made the descriptors" in refused


def test_what_was_said_of_a_checkpoint_goes_on_with_the_run(
    tmp_path, small_data, capsys
):
    first = {"TRAINING_PARAMETERS": {"max_epochs": 1}}
    run = finished(tmp_path, small_data, **first).folder
    change(capsys, run, "comment", "kept")
    state = finished(tmp_path, small_data).state
    assert state.run["comment"] == "kept"
    assert state.run["changes"][0]["new"] == "kept"


def test_networks_of_a_changed_checkpoint_are_those_of_the_unchanged(
    run, tmp_path, capsys
):
    model = tmp_path / "model"
    ini = tmp_path / "extract.ini"
    ini.write_text(
        f"[IO_INFORMATION]\nnetwork_dir = {run}/_models\noutput_type = PANNA\n"
        f"output_dir = {model}\n"
    )
    assert extract_weights.main(["-c", str(ini)]) == 0
    sha = read_metadata(model).about["weights_sha256"]
    change(capsys, model, "mbp_generation", "1")
    change(capsys, model, "comment", "for water")
    about = read_metadata(model).about
    assert about["data"]["mbp_generation"] == 1
    assert [one["key"] for one in about["changes"]] == ["mbp_generation", "comment"]
    refused = change(capsys, model, "mbp_generation", "0", code=2)
    assert "1 is stated by those who made the descriptors" in refused
    change(capsys, run, "comment", "for water")
    assert extract_weights.main(["-c", str(ini)]) == 0
    assert read_metadata(model).about["weights_sha256"] == sha
    assert read_provenance(model)["comment"] == "for water"
