"""What a run may change and go on: by default its length, never its numbers."""

import numpy as np
import pytest

from annpot.errors import InputError
from reference.small_training import (
    SmallData,
    assert_same_run,
    finished,
    newest_state,
    prepared,
    small_records,
    train_ini,
    write_folder,
)

WITH_CHANGES = {"restart_mode": "continue_from_last_ckpt"}


@pytest.fixture(scope="module")
def one_epoch(tmp_path_factory, small_data):
    """Folder of a run that has done one of its epochs, copied by tests."""
    folder = tmp_path_factory.mktemp("one_epoch")
    return finished(folder, small_data, TRAINING_PARAMETERS={"max_epochs": 1})


def resumed(tmp_path, data, one_epoch, **sections):
    """Run of an INI file that goes on from that run."""
    io = {"train_dir": one_epoch.folder, **sections.pop("IO_INFORMATION", {})}
    return prepared(train_ini(tmp_path, data, IO_INFORMATION=io, **sections))


def refused(tmp_path, data, one_epoch, **sections):
    """The error that it ends with."""
    with pytest.raises(InputError) as error:
        resumed(tmp_path, data, one_epoch, **sections)
    return error.value


def test_another_learning_rate_is_another_run(tmp_path, small_data, one_epoch):
    keys = {"learning_rate": 0.002, "max_epochs": 5}
    error = refused(tmp_path, small_data, one_epoch, TRAINING_PARAMETERS=keys)
    prefix = one_epoch.folder / "_models" / "epoch_1_step_7"
    (problem,) = error.problems
    assert problem == (
        f"{tmp_path / 'train.ini'}:16: [TRAINING_PARAMETERS] learning_rate = 0.002, "
        f"but {prefix} was trained with 0.01."
    )
    assert str(error).endswith(
        "Restore what differs, or set restart_mode = continue_from_last_ckpt to go on "
        "all the same, force_default to start anew."
    )
    run = resumed(
        tmp_path,
        small_data,
        one_epoch,
        TRAINING_PARAMETERS=keys,
        IO_INFORMATION=WITH_CHANGES,
    )
    (note,) = [note for note in run.notes if "Settings changed" in note]
    assert "[TRAINING_PARAMETERS] learning_rate: 0.01 -> 0.002" in note
    assert "[TRAINING_PARAMETERS] max_epochs: 1 -> 5" in note


def test_all_that_differs_is_told_at_once(tmp_path, small_data, one_epoch):
    error = refused(
        tmp_path,
        small_data,
        one_epoch,
        TRAINING_PARAMETERS={"batch_size": 5, "seed": 6},
        O={"trainable": "0:1"},
    )
    shown = "\n".join(error.problems)
    assert len(error.problems) == 3
    for part in ("batch_size = 5", "seed = 6", "[O] trainable = 0:1"):
        assert part in shown


def test_what_touches_no_number_may_change(tmp_path, small_data, one_epoch):
    run = resumed(
        tmp_path,
        small_data,
        one_epoch,
        IO_INFORMATION={"keep_best": 3, "log_frequency": 2},
    )
    (note,) = [note for note in run.notes if "Settings changed" in note]
    assert "[IO_INFORMATION] keep_best: 1 -> 3" in note
    assert "[IO_INFORMATION] log_frequency" in note
    assert "max_epochs: 1 -> 3" in note


def test_the_same_data_may_lie_elsewhere(tmp_path, small_data, one_epoch):
    moved = SmallData.written(tmp_path / "moved")
    assert resumed(tmp_path, moved, one_epoch).start.step == 7


@pytest.mark.parametrize("part", ["training", "validation"])
def test_other_data_are_another_run(tmp_path, small_data, one_epoch, part):
    other = write_folder(tmp_path / "other", small_records(45, seed=9))
    folders = {"training": small_data.training, "validation": small_data.validation}
    data = SmallData(**folders | {part: other})
    error = refused(tmp_path, data, one_epoch)
    prefix = one_epoch.folder / "_models" / "epoch_1_step_7"
    assert error.problems == [f"{other}: the {part} data are not those of {prefix}."]
    run = resumed(tmp_path, data, one_epoch, IO_INFORMATION=WITH_CHANGES)
    assert f"{other}: the {part} data are not those of {prefix}." in run.notes


def with_facts(tmp_path, one_epoch, **changes):
    """A copy of the run whose newest checkpoint says other things."""
    import json
    import shutil

    from annpot.networks.bundle import open_bundle
    from annpot.networks.bundle_texts import replace_texts
    from reference.small_training import FinishedRun

    folder = tmp_path / "copy"
    shutil.copytree(one_epoch.folder, folder)
    bundle = open_bundle(folder / "_models" / "epoch_1_step_7")
    name = "_run/.ATTRIBUTES/VARIABLE_VALUE"
    facts = json.loads(bundle.value(name))
    facts = {key: value for key, value in (facts | changes).items() if value != "gone"}
    replace_texts(bundle, {name: json.dumps(facts).encode()})
    return FinishedRun(folder, "")


def test_another_version_of_the_program_is_another_run(tmp_path, small_data, one_epoch):
    copy = with_facts(tmp_path, one_epoch, program="annpot 0.0.9")
    (problem,) = refused(tmp_path, small_data, copy).problems
    assert (
        "epoch_1_step_7: was written by annpot 0.0.9, this is annpot 0.1.0" in problem
    )
    run = resumed(tmp_path, small_data, copy, IO_INFORMATION=WITH_CHANGES)
    assert problem in run.notes


def test_other_libraries_are_told(tmp_path, small_data, one_epoch):
    versions = {"tensorflow": "2.1.0", "numpy": np.__version__}
    copy = with_facts(tmp_path, one_epoch, versions=versions)
    (note,) = [
        n for n in resumed(tmp_path, small_data, copy).notes if "other libraries" in n
    ]
    assert "(tensorflow 2.1.0 -> " in note
    assert "numpy" not in note
    assert "its last bits may differ from those of an uninterrupted run" in note


def test_a_checkpoint_of_the_first_format_is_gone_on_with(
    tmp_path, small_data, one_epoch, finished_run
):
    gone = dict.fromkeys(
        ("history_columns", "best_metric", "data_sha256", "order_seed", "run_length",
         "stage", "memory", "ended", "platform"),
        "gone",
    )  # fmt: skip
    copy = with_facts(tmp_path, one_epoch, format_version=1, **gone)
    run = finished(tmp_path, small_data, IO_INFORMATION={"train_dir": copy.folder})
    state = newest_state(copy.folder)
    assert state.progress == finished_run.state.progress
    np.testing.assert_array_equal(
        state.layers["O"][0][0], finished_run.state.layers["O"][0][0]
    )
    assert state.history.column("epoch").tolist() == [2, 3]
    assert "Continuing from" in run.shown


def test_a_run_in_parts_remembers_its_history(tmp_path, small_data, finished_run):
    finished(tmp_path, small_data, TRAINING_PARAMETERS={"max_epochs": 2})
    run = finished(tmp_path, small_data)
    assert_same_run(run, finished_run)
    found, expected = run.state.history, finished_run.state.history
    assert found.columns == expected.columns
    for name in expected.columns:
        if not name.startswith("seconds"):
            np.testing.assert_array_equal(found.column(name), expected.column(name))
    lines = finished_run.metrics_table()
    np.testing.assert_array_equal(expected.column("step"), lines["tot_st"])
    np.testing.assert_array_equal(expected.column("mae_per_atom"), lines["MAE/at"])
