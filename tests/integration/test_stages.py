"""app_train and app_stages with an INI file of several stages."""

import io
import shutil
import time
from types import SimpleNamespace

import numpy as np
import pytest

from annpot import files
from annpot.apps import stages as app_stages
from annpot.apps import train as app_train
from reference.small_training import (
    FinishedRun,
    assert_same_run,
    assert_same_state,
    newest_state,
    train_ini,
)

PLAN = {
    "TRAINING_PARAMETERS": {"stages": "first, second", "max_epochs": 2},
    "STAGE:first": {"learning_rate": 0.02},
    "STAGE:second": {"H.trainable": "0:0", "loss_function": "quad_atom"},
    "STAGE:branch": {"batch_size": 5},
    "STAGE:child": {"parent": "branch", "parent_network": "best", "max_epochs": 1},
}


def plan_ini(folder, data, **sections):
    folder.mkdir(exist_ok=True)
    content = {name: PLAN.get(name, {}) | keys for name, keys in sections.items()}
    return str(train_ini(folder, data, **(PLAN | content)))


def stage_folder(folder, name):
    return folder / "run" / "stages" / name


def run_of(folder, name):
    return FinishedRun(stage_folder(folder, name), "")


@pytest.fixture(scope="module")
def trained_plan(tmp_path_factory, small_data):
    """Folder in which the sequence, then branch and child were trained."""
    folder = tmp_path_factory.mktemp("plan")
    path = plan_ini(folder, small_data)
    assert app_train.main(["-c", path]) == 0
    assert app_train.main(["-c", path, "--stage", "branch"]) == 0
    assert app_train.main(["-c", path, "--stage", "child"]) == 0
    return folder


@pytest.fixture
def plan_copy(tmp_path, small_data, trained_plan):
    """(path of the INI file, folder) of a copy that a test may change."""
    shutil.copytree(trained_plan / "run", tmp_path / "run")
    return plan_ini(tmp_path, small_data), tmp_path


def test_each_stage_starts_where_its_plan_says(trained_plan):
    first, second, branch, child = (
        newest_state(stage_folder(trained_plan, name))
        for name in ("first", "second", "branch", "child")
    )
    # The frozen element still has the weights of the stage before, the others not.
    np.testing.assert_array_equal(second.layers["H"][0][0], first.layers["H"][0][0])
    assert (second.layers["O"][0][0] != first.layers["O"][0][0]).any()
    stage = second.run["stage"]
    assert stage["parent_checkpoint"].endswith("stages/first/_models/epoch_2_step_14")
    assert stage["parent_checksum"] == first.checksum
    assert branch.run["stage"]["parent_checkpoint"] is None
    metrics = run_of(trained_plan, "branch").metrics_table()
    best = np.argmin(metrics["val_loss"]) + 1
    name = f"epoch_{best}_step_{7 * best}"
    assert child.run["stage"]["parent_checkpoint"].endswith(f"branch/_models/{name}")


def test_a_sequence_equals_its_stages_one_by_one(tmp_path, small_data, trained_plan):
    path = plan_ini(tmp_path, small_data)
    for name in ("first", "second"):
        assert app_train.main(["-c", path, "--stage", name]) == 0
        assert_same_state(
            newest_state(stage_folder(tmp_path, name)),
            newest_state(stage_folder(trained_plan, name)),
        )


def test_a_branch_knows_nothing_of_other_stages(tmp_path, small_data, trained_plan):
    path = plan_ini(tmp_path, small_data)
    assert app_train.main(["-c", path, "--stage", "branch"]) == 0
    assert_same_run(run_of(tmp_path, "branch"), run_of(trained_plan, "branch"))


def test_a_drawn_seed_is_that_of_all_stages(tmp_path, small_data):
    seedless = {"TRAINING_PARAMETERS": {"seed": None, "max_epochs": 1}}
    path = plan_ini(tmp_path, small_data, **seedless)
    for name in ("first", "branch"):
        assert app_train.main(["-c", path, "--stage", name]) == 0
    first, branch = (
        newest_state(stage_folder(tmp_path, n)) for n in ("first", "branch")
    )
    assert first.run["seed"] == branch.run["seed"]


def test_a_sequence_goes_on_where_it_was_stopped(
    tmp_path, small_data, trained_plan, capsys
):
    # One epoch per command: the sequence of four epochs takes four commands.
    one = {"IO_INFORMATION": {"max_epochs_per_run": 1}}
    path = plan_ini(tmp_path, small_data, **one)
    codes = [app_train.main(["-c", path]) for _ in range(4)]
    assert codes == [75, 75, 75, 0]
    assert "Run the same command to go on." in capsys.readouterr().err
    for name in ("first", "second"):
        assert_same_run(run_of(tmp_path, name), run_of(trained_plan, name))


def test_a_stage_goes_on_from_its_checkpoint_alone(
    tmp_path, small_data, trained_plan, capsys
):
    path = plan_ini(tmp_path, small_data, IO_INFORMATION={"max_epochs_per_run": 1})
    assert app_train.main(["-c", path, "--stage", "branch"]) == 75
    (tmp_path / "train.ini").unlink()
    moved = tmp_path / "elsewhere"
    stage_folder(tmp_path, "branch").rename(moved)
    assert app_train.main(["--checkpoint", str(moved)]) == 0
    assert_same_run(FinishedRun(moved, ""), run_of(trained_plan, "branch"))
    assert app_train.main(["--checkpoint", str(moved), "--stage", "a"]) == 2
    assert app_train.main(["--checkpoint", str(tmp_path / "nothing")]) == 2
    shown = capsys.readouterr().err
    assert "--stage needs -c INI: a checkpoint is of one stage already." in shown
    assert "nothing: no such folder or checkpoint: expected a train_dir" in shown


def refusal(capsys, *arguments, command=app_train):
    """What a command that is refused writes to the error stream."""
    capsys.readouterr()
    assert command.main(list(arguments)) == 2
    return capsys.readouterr().err


def test_a_child_needs_a_finished_parent(tmp_path, small_data, capsys):
    path = plan_ini(tmp_path, small_data, IO_INFORMATION={"max_epochs_per_run": 1})
    assert (
        "stage child starts from stage branch, which has not been trained. Train it "
        "first: app_train --stage branch."
    ) in refusal(capsys, "-c", path, "--stage", "child")
    assert app_train.main(["-c", path, "--stage", "branch"]) == 75
    assert (
        "stage child starts from stage branch, which ends after epoch 2 and is at "
        "epoch 1. Go on with it first: app_train --stage branch."
    ) in refusal(capsys, "-c", path, "--stage", "child")
    assert not stage_folder(tmp_path, "child").exists()


def test_a_stage_that_has_begun_keeps_its_settings(plan_copy, small_data, capsys):
    path, folder = plan_copy
    changed = {"STAGE:branch": {"learning_rate": 0.5}}
    path = plan_ini(folder, small_data, **changed)
    before = newest_state(stage_folder(folder, "branch"))
    shown = refusal(capsys, "-c", path, "--stage", "branch")
    assert "learning_rate" in shown
    assert "0.5" in shown
    assert "continue_from_last_ckpt" in shown
    assert_same_state(newest_state(stage_folder(folder, "branch")), before)


def test_a_done_stage_does_nothing_again(plan_copy, capsys):
    path, folder = plan_copy
    before = newest_state(stage_folder(folder, "second"))
    assert app_train.main(["-c", path]) == 0
    shown = capsys.readouterr().out
    assert "stage first (1 of 2) is done: epoch 2, step 14\n" in shown
    assert shown.count("Nothing to do:") == 1
    assert "or delete its results with app_stages clean --stage second." in shown
    assert shown.count("reading ") == 2  # training and validation data of the second
    assert_same_state(newest_state(stage_folder(folder, "second")), before)


def test_two_processes_in_one_stage(plan_copy, capsys):
    path, folder = plan_copy
    with files.only_one_in(stage_folder(folder, "branch"), "app_train"):
        shown = refusal(capsys, "-c", path, "--stage", "branch")
        assert "another app_train is writing there. Wait until it ends" in shown
        shown = refusal(
            capsys, "clean", "-c", path, "--stage", "branch", "--yes",
            command=app_stages,
        )  # fmt: skip
        assert "app_train is running stage branch. Stop it" in shown
        assert app_stages.main(["show", "-c", path]) == 0
        assert "running" in capsys.readouterr().out
    assert newest_state(stage_folder(folder, "branch")).progress.step == 14


def test_show_tells_descent_settings_and_progress(plan_copy, capsys):
    path, folder = plan_copy
    for given in (path, str(folder / "run")):
        assert app_stages.main(["show", "-c", given]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[1].split()[:3] == ["first", "done", "2/2"]
        assert lines[2].split()[:4] == ["└─", "second", "done", "2/2"]
        shown = "\n".join(lines)
        assert "learning_rate: 0.01 -> 0.02" in shown
        assert "H.trainable: not set -> 0:0" in shown
        assert "starts from the best network of branch" in shown
        assert "Sequence: first, second." in shown


def test_clean_deletes_results_and_keeps_settings(plan_copy, capsys, monkeypatch):
    path, folder = plan_copy
    branch = stage_folder(folder, "branch")
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    shown = refusal(capsys, "clean", "-c", path, command=app_stages)
    assert "There is no terminal to ask on: give --yes." in shown
    assert (branch / "_models").exists()
    arguments = ["clean", "-c", path, "--stage", "branch", "--yes"]
    assert app_stages.main(arguments) == 0
    shown = capsys.readouterr().out
    assert "Deleted the results of branch (" in shown
    assert "Results that started from them are still there: child." in shown
    assert [one.name for one in branch.iterdir()] == ["train.expanded.ini"]
    assert (stage_folder(folder, "first") / "_models").exists()
    assert (folder / "run" / "stages" / "plan.ini").exists()
    assert app_stages.main(arguments) == 0
    assert "Nothing to delete: no results." in capsys.readouterr().out
    # The child has begun: it goes on without its parent.
    assert app_train.main(["-c", path, "--stage", "child"]) == 0


def test_append_adds_a_stage_to_the_stored_plan(plan_copy, capsys):
    path, folder = plan_copy
    more = folder / "more.ini"
    more.write_text("[STAGE:later]\nparent = second\nmax_epochs = 1\n")
    arguments = ["append", "-c", path, "--stage-ini", str(more)]
    assert app_stages.main(arguments) == 0
    assert "app_train -c" in capsys.readouterr().out
    assert app_train.main(["-c", path, "--stage", "later"]) == 0
    stage = newest_state(stage_folder(folder, "later")).run["stage"]
    assert stage["parent"] == "second"
    more.write_text("[STAGE:later]\nparent = second\nlearning_rate = 0.1\n")
    assert "Choose another name, or --replace it." in refusal(
        capsys, *arguments, command=app_stages
    )
    shown = refusal(capsys, *arguments, "--replace", command=app_stages)
    assert (
        "[STAGE:later] has begun (done, epoch 1). Give the new stage another" in shown
    )
    assert app_stages.main(["clean", "-c", path, "--stage", "later", "--yes"]) == 0
    assert app_stages.main([*arguments, "--replace"]) == 0
    assert "learning_rate = 0.1" in (folder / "run/stages/plan.ini").read_text()


def test_plot_draws_all_stages(plan_copy, capsys):
    path, folder = plan_copy
    assert app_stages.main(["plot", "-c", path]) == 0
    picture = folder / "run" / "stages" / "convergence.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    shown = capsys.readouterr().out
    assert "val_MAE/at (meV/atom) of first, second, branch, child:" in shown
    shown = refusal(
        capsys, "plot", "-c", path, "--metric", "nonsense", command=app_stages
    )
    assert "--metric nonsense: no such column: expected one of metrics.dat" in shown


def test_a_file_without_stages_has_none_to_show(tmp_path, small_data, capsys):
    path = str(train_ini(tmp_path, small_data))
    shown = refusal(capsys, "show", "-c", path, command=app_stages)
    assert "no section [STAGE:name] in this file." in shown
    shown = refusal(capsys, "show", "-c", str(tmp_path), command=app_stages)
    assert "no stages/plan.ini in this folder: expected the train_dir" in shown
    shown = refusal(capsys, "-c", path, "--stage", "first")
    assert "there is no stage 'first', as the file has no section" in shown


def test_an_anew_begun_stage_needs_its_parent(plan_copy, small_data, capsys):
    # restart_mode = force_default must not take the base network in its place.
    path, folder = plan_copy
    before = newest_state(stage_folder(folder, "child"))
    assert app_stages.main(["clean", "-c", path, "--stage", "branch", "--yes"]) == 0
    anew = {"restart_mode": "force_default"}
    path = plan_ini(folder, small_data, IO_INFORMATION=anew)
    assert (
        "stage child starts from stage branch, which has not been trained."
    ) in refusal(capsys, "-c", path, "--stage", "child")
    assert_same_state(newest_state(stage_folder(folder, "child")), before)


def test_a_begun_stage_does_not_need_a_whole_parent(plan_copy, small_data, capsys):
    path, folder = plan_copy
    for data in (stage_folder(folder, "branch") / "_models").glob("*.data*"):
        data.write_bytes(data.read_bytes()[:100])
    path = plan_ini(folder, small_data, **{"STAGE:child": {"max_epochs": 2}})
    assert app_train.main(["-c", path, "--stage", "child"]) == 0
    assert newest_state(stage_folder(folder, "child")).progress.epoch == 2


def test_a_refused_command_leaves_the_stored_plan(plan_copy, small_data, capsys):
    _, folder = plan_copy
    stored = folder / "run" / "stages" / "plan.ini"
    before = stored.read_text()
    changed = {"seed": 7, "beta1": 0.8}
    path = plan_ini(folder, small_data, TRAINING_PARAMETERS=changed)
    assert "seed = 7, but" in refusal(capsys, "-c", path)
    assert stored.read_text() == before
    more = folder / "more.ini"
    more.write_text("[STAGE:later]\nparent = nobody\n")
    arguments = ["append", "-c", path, "--stage-ini", str(more)]
    shown = refusal(capsys, *arguments, command=app_stages)
    assert "[STAGE:later] parent = nobody: there is no section" in shown
    assert shown.endswith(f"1 problem in {more}. Keywords: doc/keywords.md\n")
    assert stored.read_text() == before


def test_the_drawn_seed_outlives_the_stored_plan(tmp_path, small_data):
    seedless = {"TRAINING_PARAMETERS": {"seed": None, "max_epochs": 1}}
    path = plan_ini(tmp_path, small_data, **seedless)
    assert app_train.main(["-c", path, "--stage", "first"]) == 0
    (tmp_path / "run" / "stages" / "plan.ini").unlink()
    assert app_train.main(["-c", path, "--stage", "branch"]) == 0
    first, branch = (
        newest_state(stage_folder(tmp_path, n)) for n in ("first", "branch")
    )
    assert first.run["seed"] == branch.run["seed"]


def test_a_stored_plan_is_that_of_the_folder_it_lies_in(plan_copy, small_data):
    # Its text still names the folder that was copied.
    _, folder = plan_copy
    copied = folder / "copied"
    (folder / "run").rename(copied)
    stored = copied / "stages" / "plan.ini"
    text = stored.read_text().replace("max_epochs = 1\n", "max_epochs = 2\n")
    stored.write_text(text)
    assert app_train.main(["-c", str(stored), "--stage", "child"]) == 0
    child = copied / "stages" / "child"
    assert newest_state(child).progress.epoch == 2
    assert not (folder / "run").exists()


def test_stages_that_only_the_stored_plan_has(plan_copy, small_data, capsys):
    _, folder = plan_copy
    path = str(train_ini(folder, small_data, **(PLAN | {"STAGE:child": None})))
    capsys.readouterr()
    assert app_stages.main(["show", "-c", path]) == 0
    shown = capsys.readouterr().out
    assert f"Not in {path}, but in {folder}/run/stages/plan.ini: child." in shown
    # A file without any stage does not say what is meant.
    path = str(train_ini(folder, small_data))
    assert (
        f"train.ini: has no section [STAGE:name], but the plan of {folder}/run, "
        f"{folder}/run/stages/plan.ini, has: first, second, branch, child. Name one "
        "with --stage"
    ) in refusal(capsys, "-c", path)
    (folder / "run" / "stages" / "plan.ini").write_text("half a li")
    assert (
        "this is the stored plan of the train_dir. Restore it, or delete it: results "
        "stay"
    ) in refusal(capsys, "-c", path)


def test_a_limit_of_time_counts_between_stages(
    tmp_path, small_data, capsys, monkeypatch
):
    # When the first stage has ended, more than max_time is over.
    late = SimpleNamespace(monotonic=lambda: time.monotonic() + 1000.0)
    monkeypatch.setattr("annpot.stages.run.time", late)
    path = plan_ini(tmp_path, small_data, IO_INFORMATION={"max_time": 900})
    assert app_train.main(["-c", path]) == 75
    assert (
        "stopped by max_time = 900 s: stage first is done, stage second is not. Run "
        "the same command to go on."
    ) in capsys.readouterr().err
    assert not stage_folder(tmp_path, "second").exists()


def test_the_folder_of_a_plan_is_no_checkpoint(plan_copy, capsys):
    _, folder = plan_copy
    stages = folder / "run" / "stages"
    shown = refusal(capsys, "--checkpoint", str(folder / "run"))
    assert "run: a run of several stages. Give the folder of one: " in shown
    assert f"{stages / 'second'}; or go on with all of them: app_train -c " in shown


def test_r2_and_stages_without_validation_are_drawn(
    tmp_path, small_data, capsys, recwarn
):
    # R2 of first epochs is far below 0: log axes show 1 - R2.
    path = plan_ini(
        tmp_path,
        small_data,
        IO_INFORMATION={"metrics": "MAE, R2, loss"},
        TRAINING_PARAMETERS={"max_epochs": None, "max_steps": 10},
        **{"STAGE:second": {"VALIDATION_OPTIONS.data_dir": "None"}},
    )
    assert app_train.main(["-c", path]) == 0
    capsys.readouterr()
    assert app_stages.main(["plot", "-c", path, "--metric", "R2/at"]) == 0
    assert capsys.readouterr().out.startswith("1 - R2/at of first, second: ")
    assert app_stages.main(["plot", "-c", path]) == 0  # of what both have
    assert capsys.readouterr().out.startswith("MAE/at (meV/atom) of first, second: ")
    assert app_stages.main(["plot", "-c", path, "--metric", "val_loss"]) == 0
    shown = capsys.readouterr().out
    assert "Not drawn, as they have no such values: second." in shown
    assert not [one for one in recwarn if "log-scaled" in str(one.message)]
    assert "reg_loss above 0. Train one, or choose another" in refusal(
        capsys, "plot", "-c", path, "--metric", "reg_loss", command=app_stages
    )
    # 10 steps are one epoch of 7 and one of 3.
    assert app_stages.main(["show", "-c", path]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[:3] == [
        "first",
        "done",
        "2/2",
    ]


def test_a_checkpoint_alone_does_not_hold_local_keys(tmp_path, small_data, capsys):
    path = plan_ini(
        tmp_path,
        small_data,
        VALIDATION_OPTIONS={"data_dir": None},
        LOCAL={"VALIDATION_OPTIONS.data_dir": small_data.validation},
    )
    assert app_train.main(["-c", path, "--stage", "branch"]) == 0
    branch = stage_folder(tmp_path, "branch")
    assert (
        "epoch_2_step_14: was validated on data whose folder stood in [LOCAL], which "
        "checkpoints do not hold. Go on with the INI file"
    ) in refusal(capsys, "--checkpoint", str(branch))
