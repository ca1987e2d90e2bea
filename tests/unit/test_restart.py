"""Restart modes: which of them starts where, and what each refuses."""

import json
import re

import numpy as np
import pytest

from annpot.errors import InputError
from annpot.training.trace import TRACE
from reference.small_training import SmallData, train_ini

ELEMENTS = ("H", "O")
N_SUMS = len(TRACE)


def config_of(folder, mode="default", **io):
    from annpot.config import load_train

    path = train_ini(
        folder,
        SmallData(folder / "train", folder / "validate"),
        IO_INFORMATION={"restart_mode": mode, **io},
        DATA_INFORMATION={
            "atomic_sequence": ", ".join(ELEMENTS),
            "output_offset": None,
        },
        **(
            {"DEFAULT_NETWORK": {"networks_metadata": "x"}}
            if mode == "metadata"
            else {}
        ),
    )
    return load_train(path)


def find(folder, mode, **io):
    from annpot.training.restart import find_start

    return find_start(config_of(folder, mode, **io))


def write_checkpoint(folder, name, run=True, latest=True, n_sums=N_SUMS):
    """A checkpoint with weights equal to its step; PANNA's kind without `run`."""
    import tensorflow as tf

    folder.mkdir(parents=True, exist_ok=True)
    epoch, step = (int(word) for word in name.split("_")[1::2])
    networks = {
        element: {
            "_layers": [
                {
                    "kernel": tf.Variable(np.full(shape, step, np.float32)),
                    "bias": tf.Variable(np.full(shape[1], step, np.float32)),
                }
                for shape in ((3, 2), (2, 1))
            ]
        }
        for element in ELEMENTS
    }
    extra = {}
    if run:
        progress = {
            "step": step,
            "epoch": epoch - 1,
            "steps_in_epoch": 2,
            "sums": [1.0] * n_sums,
        }
        facts = {"species": ELEMENTS, "seed": 4, "progress": progress}
        extra = {"_run": tf.Variable(json.dumps(facts))}
    tf.train.Checkpoint(_networks=networks, **extra).write(str(folder / name))
    if latest:
        (folder / "checkpoint").write_text(f'model_checkpoint_path: "{name}"\n')


def models(folder):
    return folder / "run" / "_models"


@pytest.fixture
def two_checkpoints(tmp_path):
    """A train_dir with checkpoints of steps 10 and 20."""
    write_checkpoint(models(tmp_path), "epoch_1_step_10")
    write_checkpoint(models(tmp_path), "epoch_2_step_20")
    return tmp_path


@pytest.mark.parametrize(
    "mode", ["default", "force_default", "continue_from_last_ckpt", "metadata", "no"]
)
def test_without_results_every_mode_starts_from_nothing(tmp_path, mode):
    start = find(tmp_path, mode)
    assert start.state is None
    assert (start.progress.step, start.progress.epoch) == (0, 0)


def test_starting_instead_of_continuing_is_told(tmp_path):
    (note,) = find(tmp_path, "continue_from_last_ckpt").notes
    assert note == f"No checkpoint in {models(tmp_path)}: training starts from nothing."
    assert find(tmp_path, "default").notes == ()


@pytest.mark.parametrize("mode", ["default", "continue_from_last_ckpt"])
def test_the_newest_checkpoint_is_continued(two_checkpoints, mode):
    start = find(two_checkpoints, mode)
    assert start.state.prefix == models(two_checkpoints) / "epoch_2_step_20"
    assert start.state.layers["O"][0][0][0, 0] == 20.0
    progress = start.progress
    assert (progress.step, progress.epoch, progress.steps_in_epoch) == (20, 1, 2)
    assert progress.sums == (1.0,) * N_SUMS
    assert start.notes == (f"Continuing from {start.state.prefix} (epoch 1, step 20).",)


def test_sums_of_another_version_are_not_mistaken_for_ours(tmp_path):
    write_checkpoint(models(tmp_path), "epoch_2_step_20", n_sums=N_SUMS - 1)
    progress = find(tmp_path, "default").progress
    assert (progress.step, progress.steps_in_epoch) == (20, 2)
    assert progress.sums == (0.0,) * N_SUMS
    assert progress.n_summed == 0  # averages are over the steps that follow


def test_default_does_not_touch_checkpoints_of_another_program(tmp_path):
    write_checkpoint(models(tmp_path), "epoch_3_step_300", run=False)
    with pytest.raises(InputError) as raised:
        find(tmp_path, "default")
    text = str(raised.value)
    assert "epoch_3_step_300 was written by another program." in text
    assert "restart_mode = continue_from_last_ckpt" in text


def test_a_checkpoint_of_panna_can_be_continued(tmp_path):
    write_checkpoint(models(tmp_path), "epoch_3_step_300", run=False)
    start = find(tmp_path, "continue_from_last_ckpt")
    progress = start.progress
    assert (progress.step, progress.epoch, progress.steps_in_epoch) == (300, 3, 0)
    assert (
        "It holds no optimizer state of annpot; the optimizer starts afresh."
        in start.notes[0]
    )
    assert start.state.layers["H"][1][1].tolist() == [300.0]


def set_aside(run, paths):
    from annpot.training import restart

    return restart.set_aside(run, paths)


def test_force_default_sets_everything_aside_when_all_is_ready(two_checkpoints):
    run = two_checkpoints / "run"
    (run / "metrics.dat").write_text("epoch\n")
    (run / "train").mkdir()
    start = find(two_checkpoints, "force_default")
    assert start.state is None
    assert (run / "metrics.dat").exists()  # deciding moves nothing
    assert set_aside(run, start.moved) == [
        f"Earlier results were set aside in {run / 'previous_1'}."
    ]
    assert [path.name for path in run.iterdir()] == ["previous_1"]
    aside = sorted(path.name for path in (run / "previous_1").iterdir())
    assert aside == ["_models", "metrics.dat", "train"]
    assert (run / "previous_1" / "_models" / "epoch_2_step_20.index").exists()


def test_a_second_setting_aside_gets_a_folder_of_its_own(tmp_path):
    for number in (1, 2):
        (tmp_path / "metrics.dat").write_text("epoch\n")
        set_aside(tmp_path, ("metrics.dat",))
        assert (tmp_path / f"previous_{number}" / "metrics.dat").exists()
    assert set_aside(tmp_path, ("metrics.dat",)) == []


def test_going_back_sets_the_later_checkpoints_aside(two_checkpoints):
    run = two_checkpoints / "run"
    (run / "metrics.dat").write_text("epoch\n0\n1\n")
    file = models(two_checkpoints) / "epoch_1_step_10"
    start = find(two_checkpoints, "specific_ckpt", restart_file=file)
    set_aside(run, start.moved)
    assert (models(two_checkpoints) / "epoch_1_step_10.index").exists()
    assert not (models(two_checkpoints) / "epoch_2_step_20.index").exists()
    aside = run / "previous_1"
    assert (aside / "_models" / "epoch_2_step_20.index").exists()
    assert (aside / "metrics.dat").read_text() == "epoch\n0\n1\n"
    assert (run / "metrics.dat").exists()


@pytest.mark.parametrize("ending", ["", ".index"])
def test_a_specific_checkpoint(two_checkpoints, ending):
    file = models(two_checkpoints) / f"epoch_1_step_10{ending}"
    start = find(two_checkpoints, "specific_ckpt", restart_file=file)
    assert start.state.layers["H"][0][0][0, 0] == 10.0
    assert (start.progress.step, start.progress.epoch) == (10, 0)
    assert start.progress.steps_in_epoch == 2


def test_a_checkpoint_that_knows_its_epoch_and_step_is_believed(two_checkpoints):
    start = find(
        two_checkpoints,
        "specific_ckpt",
        restart_file=models(two_checkpoints) / "epoch_1_step_10",
        restart_epoch=0,
        restart_step=0,
    )
    assert (start.progress.step, start.progress.steps_in_epoch) == (10, 2)
    assert start.notes[1] == (
        "restart_epoch and restart_step have no effect: the checkpoint knows."
    )


@pytest.mark.parametrize(
    ("name", "keys", "expected"),
    [  # epochs have 7 steps
        ("epoch_3_step_21", {}, (21, 3)),
        ("epoch_3_step_20", {}, (20, 2)),  # epoch 3 is done again
        ("epoch_3_step_20", {"restart_epoch": 0, "restart_step": 0}, (0, 0)),
    ],
)
def test_progress_of_a_foreign_checkpoint(tmp_path, name, keys, expected):
    write_checkpoint(tmp_path / "panna", name, run=False)
    file = tmp_path / "panna" / name
    progress = find(tmp_path, "specific_ckpt", restart_file=file, **keys).progress
    assert (progress.step, progress.epoch) == expected


def test_a_missing_specific_checkpoint_names_those_there_are(two_checkpoints):
    file = models(two_checkpoints) / "epoch_9_step_90"
    with pytest.raises(InputError) as raised:
        find(two_checkpoints, "specific_ckpt", restart_file=file)
    text = str(raised.value)
    assert re.search(r"train.ini:\d+: no checkpoint .*epoch_9_step_90: expected", text)
    assert "There: epoch_1_step_10, epoch_2_step_20." in text


@pytest.mark.parametrize("mode", ["metadata", "no"])
def test_starting_anew_refuses_a_used_folder(two_checkpoints, mode):
    with pytest.raises(InputError) as raised:
        find(two_checkpoints, mode)
    text = str(raised.value)
    assert f"restart_mode = {mode} starts from nothing, but" in text
    assert "holds epoch_2_step_20. Choose another train_dir, default to go on" in text


@pytest.mark.parametrize("mode", ["default", "continue_from_last_ckpt"])
def test_damaged_checkpoints_are_set_aside_and_the_newest_whole_one_is_taken(
    two_checkpoints, mode
):
    folder = models(two_checkpoints)
    write_checkpoint(folder, "epoch_3_step_30")
    (folder / "epoch_3_step_30.index").write_bytes(b"")
    data = folder / "epoch_2_step_20.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:40])
    start = find(two_checkpoints, mode)
    assert start.state.prefix == folder / "epoch_1_step_10"
    for note, name in zip(
        start.notes, ("epoch_3_step_30", "epoch_2_step_20"), strict=False
    ):
        assert f"{name}: this checkpoint is truncated, corrupt or incomplete" in note
        assert "It is set aside; the run goes on from epoch_1_step_10." in note
    set_aside(two_checkpoints / "run", start.moved)
    assert sorted(path.name for path in folder.glob("*.index")) == [
        "epoch_1_step_10.index"
    ]
    aside = two_checkpoints / "run" / "previous_1" / "_models"
    assert len(list(aside.iterdir())) == 4  # nothing is lost


def test_no_whole_checkpoint_is_one_message_for_each(two_checkpoints):
    folder = models(two_checkpoints)
    for path in folder.glob("*.index"):
        path.write_bytes(b"")
    with pytest.raises(InputError) as error:
        find(two_checkpoints, "default")
    assert len(error.value.problems) == 2
    assert str(error.value).endswith(
        f"{folder}: none of its checkpoints is whole. Set restart_mode = force_default "
        "to start anew; it sets them aside."
    )


def test_a_changed_tensor_is_seen_by_the_checksum_of_all(two_checkpoints):
    from annpot.networks.bundle import CHECKSUM, checksum_of, open_bundle
    from annpot.networks.bundle_texts import replace_texts

    run = "_run/.ATTRIBUTES/VARIABLE_VALUE"
    prefix = models(two_checkpoints) / "epoch_2_step_20"
    bundle = open_bundle(prefix)
    first = checksum_of(bundle.entries).encode()
    replace_texts(bundle, {CHECKSUM: first})
    facts = json.loads(bundle.value(run)) | {"seed": 5}
    replace_texts(open_bundle(prefix), {run: json.dumps(facts).encode()})
    assert find(two_checkpoints, "default").progress.step == 20
    replace_texts(open_bundle(prefix), {CHECKSUM: first})
    start = find(two_checkpoints, "default")
    assert start.progress.step == 10
    assert "this checkpoint is corrupt: its checksum is" in start.notes[0]


def test_a_checkpoint_of_a_newer_version_is_not_taken_for_a_damaged_one(
    two_checkpoints,
):
    from annpot.networks.bundle import open_bundle
    from annpot.networks.bundle_texts import replace_texts

    prefix = models(two_checkpoints) / "epoch_2_step_20"
    name = "_run/.ATTRIBUTES/VARIABLE_VALUE"
    run = json.loads(open_bundle(prefix).value(name))
    run |= {"format_version": 99, "program": "annpot 9.0"}
    replace_texts(open_bundle(prefix), {name: json.dumps(run).encode()})
    with pytest.raises(InputError) as error:
        find(two_checkpoints, "default")
    assert str(error.value) == (
        f"{prefix}: was written by a newer program (annpot 9.0, format 99), expected "
        "format 2 or older. Install that version of annpot."
    )


def state_with(slots):
    from annpot.training.saved_state import SavedState

    return SavedState("x", {}, slots, None)


def test_columns_with_a_history_stay_in_use():
    from annpot.training.restore import stored_columns

    velocity = np.zeros((5, 2))
    velocity[[1, 4]] = 1e-12
    state = state_with(
        {
            ("O", 0, "kernel", "velocity"): velocity,
            ("O", 1, "kernel", "velocity"): np.ones((5, 1)),
            ("S", 0, "kernel", "velocity"): np.ones((5, 1)),  # no longer asked for
        }
    )
    found = stored_columns(state, ELEMENTS, 5)
    assert np.flatnonzero(found[1]).tolist() == [1, 4]
    assert not found[0].any()
    assert not stored_columns(None, ELEMENTS, 5).any()
    # Checked later and told then: descriptors of another length.
    assert stored_columns(state, ELEMENTS, 3).shape == (2, 3)
