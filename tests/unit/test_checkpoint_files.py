"""Choosing checkpoints by name; no checkpoint is opened here."""

import pytest

from annpot.errors import InputError
from annpot.networks.checkpoint_files import (
    find_checkpoint,
    latest_checkpoint,
    list_checkpoints,
)


@pytest.fixture
def models(tmp_path):
    """Folder with checkpoints of steps 100, 1000 and 1100, and one unfinished."""
    folder = tmp_path / "_models"
    folder.mkdir()
    for name in ("epoch_1_step_100", "epoch_10_step_1000", "epoch_11_step_1100"):
        (folder / f"{name}.index").touch()
        (folder / f"{name}.data-00000-of-00001").touch()
    (folder / "epoch_12_step_1200.data-00000-of-00001").touch()  # its index is to come
    (folder / "checkpoint").write_text(
        'model_checkpoint_path: "epoch_10_step_1000"\n'
        'all_model_checkpoint_paths: "epoch_1_step_100"\n'
    )
    return folder


def test_checkpoints_are_in_numeric_order_and_exist_when_their_index_does(models):
    (models / "epoch_2_step_50.index").touch()
    names = [checkpoint.name for checkpoint in list_checkpoints(models)]
    assert names == [
        "epoch_1_step_100",
        "epoch_2_step_50",
        "epoch_10_step_1000",
        "epoch_11_step_1100",
    ]


def test_the_latest_is_what_the_checkpoint_file_says(models):
    assert latest_checkpoint(models).prefix == models / "epoch_10_step_1000"


def test_a_path_from_another_machine_is_followed_by_its_name(models):
    (models / "checkpoint").write_text(
        'model_checkpoint_path: "/scratch/run/_models/epoch_1_step_100"\n'
    )
    assert latest_checkpoint(models).step == 100


def test_a_step_is_exact(models):
    assert find_checkpoint(models, step=100).name == "epoch_1_step_100"


def test_a_missing_step_lists_what_there_is(models):
    with pytest.raises(InputError) as caught:
        find_checkpoint(models, step=10)
    assert str(caught.value) == (
        f"{models}: no checkpoint of step 10: there are epoch_1_step_100, "
        "epoch_10_step_1000, epoch_11_step_1100."
    )


def test_one_step_in_two_epochs_needs_the_epoch(models):
    (models / "epoch_2_step_100.index").touch()
    with pytest.raises(InputError, match=r"several checkpoints of step 100.*both the"):
        find_checkpoint(models, step=100)
    assert find_checkpoint(models, epoch=2, step=100).epoch == 2


def test_long_lists_are_shortened(models):
    for step in range(2000, 2050):
        (models / f"epoch_20_step_{step}.index").touch()
    with pytest.raises(InputError, match=r"\.\.\. \(53 in all\)") as caught:
        find_checkpoint(models, step=7)
    assert len(str(caught.value)) < len(str(models)) + 300


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('model_checkpoint_path: "epoch_9_step_900"', "names epoch_9_step_900, which"),
        ("", "names no checkpoint"),
    ],
)
def test_a_wrong_checkpoint_file_is_told(models, content, message):
    (models / "checkpoint").write_text(content)
    with pytest.raises(InputError, match=message) as caught:
        latest_checkpoint(models)
    assert "there are epoch_1_step_100" in str(caught.value)


def test_without_the_checkpoint_file_the_last_step_is_the_latest(models):
    (models / "checkpoint").unlink()  # killed between the index and this file
    assert latest_checkpoint(models).name == "epoch_11_step_1100"


def test_missing_and_empty_folders_are_told(tmp_path):
    with pytest.raises(InputError, match=r"nowhere: no such folder"):
        list_checkpoints(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"no checkpoint: expected files epoch_\*"):
        list_checkpoints(tmp_path)
