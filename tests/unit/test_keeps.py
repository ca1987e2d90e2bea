"""Which checkpoints stay: a function of the history of a run."""

from pathlib import Path

import pytest

from annpot.networks.checkpoint_files import CheckpointFile
from annpot.training.history import History
from annpot.training.keeps import Keeps, keeps_of
from reference.small_training import finished, newest_state

FOLDER = Path("_models")


def history_of(*losses, steps_per_epoch=10):
    history = History()
    for epoch, loss in enumerate(losses, start=1):
        step = epoch * steps_per_epoch
        history.add(
            {"epoch": epoch, "step": step, "val_loss": loss, "val_r2_force": loss}
        )
    return history


def keeps(newest=1000, every=None, best=1, metric="val_loss", save_every=None):
    return Keeps(newest, every, best, metric, save_every)


def epochs(names):
    return sorted(int(name.split("_")[1]) for name in names)


def test_the_smallest_loss_is_best_and_of_equal_ones_the_earlier():
    history = history_of(3.0, 1.0, 2.0, 1.0, 5.0)
    assert epochs(keeps(best=1).names(history)) == [2]
    assert epochs(keeps(best=2).names(history)) == [2, 4]
    assert epochs(keeps(best=3).names(history)) == [2, 3, 4]
    assert keeps(best=0).names(history) == set()
    assert keeps(best=1).names(history_of()) == set()


def test_the_largest_r2_is_best():
    history = history_of(0.3, 0.9, 0.5)
    assert epochs(keeps(metric="val_r2_force").names(history)) == [2]


def test_an_epoch_without_a_number_is_never_best():
    nan, inf = float("nan"), float("inf")
    assert epochs(keeps(best=3).names(history_of(nan, 2.0, inf, 1.0))) == [2, 4]
    assert keeps(metric="val_mae_force").names(history_of(1.0)) == set()


def test_every_k_th_epoch_stays():
    history = history_of(*range(7))
    assert epochs(keeps(every=3, best=0).names(history)) == [3, 6]


def test_an_epoch_to_keep_is_saved_when_no_checkpoint_is_due():
    rules = keeps(best=1, every=4)
    wanted = [rules.wants(history_of(*[3.0, 1.0, 2.0, 2.5, 0.5][:n])) for n in range(6)]
    assert wanted == [False, True, True, False, True, True]


def removed(rules, history, *names):
    existing = [CheckpointFile(epoch, step, FOLDER) for epoch, step in sorted(names)]
    return [(one.epoch, one.step) for one in rules.removable(existing, history)]


def test_old_checkpoints_go_but_the_best_and_every_k_th_stay():
    history = history_of(5.0, 1.0, 4.0, 3.0, 2.0, 6.0)
    present = [(epoch, 10 * epoch) for epoch in range(1, 6)]  # 6 was just written
    assert removed(keeps(newest=2, best=1), history, *present) == [
        (1, 10), (3, 30), (4, 40)
    ]  # fmt: skip
    assert removed(keeps(newest=1, best=2, every=4), history, *present) == [
        (1, 10), (3, 30)
    ]  # fmt: skip


def test_what_was_saved_as_the_best_goes_when_it_is_no_more():
    # Checkpoints every 25 steps; epochs of 10 steps end in between.
    history = history_of(3.0, 2.0, 1.0)
    present = [(1, 10), (2, 20), (3, 25)]
    assert removed(keeps(save_every=25), history, *present) == [(1, 10), (2, 20)]
    assert removed(keeps(save_every=10), history, *present) == []


@pytest.mark.parametrize(
    ("column", "has_validation", "expected"),
    [
        (None, True, "val_loss"),
        (None, False, "loss"),
        ("val_MAE/at", True, "val_mae_per_atom"),
        ("F_RMSE", False, "rmse_force"),
        ("val_V_R2/at", True, "val_r2_virial_per_atom"),
    ],
)
def test_the_metric_is_a_column_of_metrics_dat(column, has_validation, expected):
    from types import SimpleNamespace

    io = SimpleNamespace(
        best_metric=column,
        max_ckpt_to_keep=3,
        keep_every_epochs=None,
        keep_best=1,
        save_checkpoint_steps=None,
    )
    assert keeps_of(io, has_validation).metric == expected


def names_of(run):
    return {path.stem for path in (run.folder / "_models").glob("*.index")}


def test_a_run_keeps_what_it_should_also_when_it_is_done_in_parts(tmp_path, small_data):
    io = {
        "max_ckpt_to_keep": 1,
        "keep_best": 2,
        "keep_every_epochs": 4,
        "best_metric": "RMSE/at",
        "save_checkpoint_steps": 1000,
    }
    keys = {"max_epochs": 9, "learning_rate": 0.03}
    run = finished(
        tmp_path / "at_once", small_data, IO_INFORMATION=io, TRAINING_PARAMETERS=keys
    )
    errors = run.metrics_table()["RMSE/at"]
    best = {int(epoch) + 1 for epoch in errors.argsort(kind="stable")[:2]}
    expected = {f"epoch_{e}_step_{7 * e}" for e in best | {4, 8, 9}}
    assert names_of(run) == expected
    for n_epochs in (2, 3, 6, 9):
        parts = finished(
            tmp_path / "parts",
            small_data,
            IO_INFORMATION=io,
            TRAINING_PARAMETERS=keys | {"max_epochs": n_epochs},
        )
        assert f"epoch_{n_epochs}_step_{7 * n_epochs}" in names_of(parts)
    assert names_of(parts) == expected
    assert newest_state(parts.folder).run["best_metric"] == {
        "column": "rmse_per_atom", "larger_is_better": False, "keep_best": 2
    }  # fmt: skip
