"""Runs whose validation and test data are carved from one folder."""

import csv
import shutil
from dataclasses import replace

import pytest

from annpot.apps.evaluate import main as evaluate
from annpot.apps.train import main as train
from annpot.data.split import SplitSettings, divide
from annpot.networks.checkpoint_reader import read_checkpoint
from reference.small_training import (
    SmallData,
    assert_same_run,
    finished,
    small_records,
    stored_records,
    train_ini,
    write_folder,
)

SPLIT = {"validation_split": 0.2, "test_split": 0.15, "split_seed": 4}
SETTINGS = SplitSettings(0.2, 0.15, 4)
N = 40  # 26 to train on, 8 to validate on, 6 for the test
RECORDS = [
    replace(record, name=f"molecule_{number:02}")
    for number, record in enumerate(small_records(N, seed=8))
]
NO_VALIDATION = {"data_dir": None}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Folder of all records."""
    return write_folder(tmp_path_factory.mktemp("split") / "all", RECORDS)


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory, folder):
    """{set: folder} of the records of each set, in the order of the whole folder."""
    records = stored_records(folder)
    division = divide([record.name for record in records], SETTINGS)
    parts = {}
    for name in ("train", "validation", "test"):
        chosen = [r for r, own in zip(records, division.of(name), strict=True) if own]
        path = tmp_path_factory.mktemp("by_hand") / name
        parts[name] = write_folder(path, chosen, n_files=1)
    return parts


@pytest.fixture(scope="module")
def split_run(tmp_path_factory, folder):
    """FinishedRun on the parts of one folder."""
    return run_of(tmp_path_factory.mktemp("run"), folder)


def run_of(path, folder, **sections):
    sections = {"DATA_INFORMATION": SPLIT, "VALIDATION_OPTIONS": None} | sections
    return finished(path, SmallData(folder, None), **sections)


def groups_of(path):
    """{name: set} of a split.csv."""
    with open(path, newline="") as stream:
        return {row["name"]: row["set"] for row in csv.DictReader(stream)}


@pytest.mark.parametrize("budget", [1000, 0.001])
def test_a_split_run_equals_one_on_folders_divided_by_hand(
    tmp_path, folder, by_hand, split_run, budget
):
    io = {"IO_INFORMATION": {"memory_budget_mb": budget}}
    data = SmallData(by_hand["train"], by_hand["validation"])
    hand = finished(tmp_path / "hand", data, **io)
    assert_same_run(hand, split_run)
    split = run_of(tmp_path / "split", folder, **io)
    assert_same_run(split, hand)
    assert ("26 structures (streamed)" in split.shown) == (budget < 1)


def test_neither_files_nor_their_order_nor_the_seed_decide_who_goes_where(
    tmp_path, split_run
):
    other = write_folder(tmp_path / "other", RECORDS[::-1], n_files=2)
    run = run_of(tmp_path / "run", other, TRAINING_PARAMETERS={"seed": 99})
    groups = groups_of(run.folder / "split.csv")
    assert groups == groups_of(split_run.folder / "split.csv")
    assert list(groups) == [record.name for record in stored_records(other)]
    counts = [list(groups.values()).count(s) for s in ("train", "validation", "test")]
    assert counts == [26, 8, 6]


def test_screen_and_checkpoint_tell_the_division(split_run):
    assert (
        "data        26 structures (descriptors in memory), 8 to validate, 6 kept"
        in (split_run.shown)
    )
    facts = split_run.state.run["data"]["division"]
    assert facts["counts"] == {"train": 26, "validation": 8, "test": 6}
    assert (facts["split_seed"], facts["test_split"]) == (4, 0.15)
    assert len(read_checkpoint(split_run.state.prefix).split) < 1000


def evaluate_ini(path, run, data_dir, options, name="evaluate"):
    ini = path / f"{name}.ini"
    ini.write_text(
        f"[IO_INFORMATION]\ndata_dir = {data_dir}\n"
        f"networks_dir = {run.folder / '_models'}\neval_dir = {path / name}\n"
        f"[VALIDATION_OPTIONS]\nsingle_step = True\n{options}\n"
    )
    return ["-c", str(ini)]


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_a_part_is_evaluated_like_a_folder_with_only_these(
    tmp_path, folder, by_hand, split_run, part, capsys
):
    options = f"split = {part}"
    assert evaluate(evaluate_ini(tmp_path, split_run, folder, options, "part")) == 0
    shown = capsys.readouterr().out
    assert evaluate(evaluate_ini(tmp_path, split_run, by_hand[part], "", "hand")) == 0
    found = (tmp_path / "part" / f"epoch_3_step_21_{part}.dat").read_text()
    assert found == (tmp_path / "hand" / "epoch_3_step_21.dat").read_text()
    assert f"epoch_3_step_21, {part} part, errors in meV/atom" in shown
    assert f"Energies of 1 checkpoint, {part} part: {tmp_path}/part" in shown


def test_a_part_that_nobody_divided_is_refused(
    tmp_path, folder, split_run, finished_run, capsys
):
    assert evaluate(evaluate_ini(tmp_path, finished_run, folder, "split = test")) == 2
    assert (
        "evaluate.ini:7: split = test, but the data of epoch_3_step_21 were not "
        "divided: it was trained without validation_split and test_split. Remove split"
    ) in capsys.readouterr().err
    run = run_of(tmp_path / "run", folder, DATA_INFORMATION={"test_split": 0.1})
    assert evaluate(evaluate_ini(tmp_path, run, folder, "split = validation")) == 2
    assert "epoch_3_step_21 was trained with validation_split = 0" in (
        capsys.readouterr().err
    )


def test_a_part_of_other_data_is_refused_and_of_more_data_is_told(
    tmp_path, by_hand, split_run, capsys
):
    ini = evaluate_ini(tmp_path, split_run, by_hand["train"], "split = test")
    assert evaluate(ini) == 2
    assert (
        f"{by_hand['train']}: is not the data that epoch_3_step_21 was trained on: 6 "
        "of the 6 structures of the test set are not there ("
    ) in capsys.readouterr().err
    more = write_folder(tmp_path / "more", [*RECORDS, replace(RECORDS[0], name="new")])
    assert evaluate(evaluate_ini(tmp_path, split_run, more, "split = test")) == 0
    assert (
        f"{more}: holds other structures than the data that were divided; the 6 "
        in (capsys.readouterr().out)
    )


def test_an_empty_set_is_refused_before_anything_is_written(tmp_path, folder, capsys):
    keys = {"test_split": 0.01}
    data = SmallData(folder, None)
    ini = train_ini(tmp_path, data, DATA_INFORMATION=keys, VALIDATION_OPTIONS=None)
    assert train(["-c", str(ini)]) == 2
    assert "test_split = 0.01 of 40 structures is none: expected at least 1. Raise" in (
        capsys.readouterr().err
    )
    assert not (tmp_path / "run" / "split.csv").exists()


def test_validation_on_the_folder_of_the_test_is_refused(tmp_path, folder, capsys):
    data = SmallData(folder, folder)
    ini = train_ini(tmp_path, data, DATA_INFORMATION={"test_split": 0.1})
    assert train(["-c", str(ini)]) == 2
    told = capsys.readouterr().err
    assert (
        f"{folder} is the folder of the training, so that validation would see" in told
    )
    assert "validation_split, or give another folder." in told


def test_a_resumed_run_refuses_another_division(tmp_path, folder, capsys):
    own = tmp_path / "data"
    shutil.copytree(folder, own)
    run_of(tmp_path, own, TRAINING_PARAMETERS={"max_epochs": 1})
    before = groups_of(tmp_path / "run" / "split.csv")
    renamed = [replace(record, name=f"new_{record.name}") for record in RECORDS]
    shutil.rmtree(own)
    write_folder(own, renamed)
    data, sections = SmallData(own, None), {"VALIDATION_OPTIONS": None}
    sections["DATA_INFORMATION"] = SPLIT
    ini = train_ini(tmp_path, data, **sections)
    assert train(["-c", str(ini)]) == 2
    told = capsys.readouterr().err
    assert (
        "epoch_1_step_7: the data were divided otherwise: 26 train, 8 validation, "
        in (told)
    )
    assert "Restore the data with the names of their structures" in told
    assert groups_of(tmp_path / "run" / "split.csv") == before
    io = {"restart_mode": "continue_from_last_ckpt"}
    ini = train_ini(tmp_path, data, IO_INFORMATION=io, **sections)
    assert train(["-c", str(ini)]) == 0
    told = capsys.readouterr().out
    assert (
        "may have been trained on 8 structures that are in the validation set" in told
    )
    assert "and on 6 of the test set: their errors are no test." in told


def test_names_that_are_missing_are_told(tmp_path):
    nameless = [replace(record, name="N.A.") for record in RECORDS]
    run = run_of(tmp_path / "run", write_folder(tmp_path / "data", nameless))
    assert "40 of 40 structures have no name, or that of an earlier one." in run.shown
    lines = (run.folder / "split.csv").read_text().splitlines()
    assert len(lines) == 41
    assert {line.split(",")[0] for line in lines[1:]} == {"N.A."}


def test_a_split_run_that_stopped_goes_on_to_the_same_end(tmp_path, folder, split_run):
    run_of(tmp_path, folder, TRAINING_PARAMETERS={"max_epochs": 1})
    resumed = run_of(tmp_path, folder)
    assert "Continuing from" in resumed.shown
    assert_same_run(resumed, split_run)


def test_app_ls_tells_how_many_went_where(split_run):
    from annpot.inspection.checkpoints import checkpoint_sheet

    newest = split_run.folder / "_models" / "epoch_3_step_21"
    told = checkpoint_sheet(newest).facts["data_division"]
    assert told == "train 26, validation 8, test 6 (split_seed 4)"
