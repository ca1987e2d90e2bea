"""What is written of a run does not depend on where it was stopped."""

import csv
import io

import pytest

from reference.small_training import train_ini


class KilledError(Exception):
    """Stands for a process that is killed."""


def trained(folder, small_data, kill_at=None, **io_keys):
    """Train three epochs of seven steps; all ends at once after a step."""
    from annpot.apps.training_screen import Screen
    from annpot.config import load_train
    from annpot.networks.element_network import keras
    from annpot.training.trainer import train

    class Killer(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == kill_at:
                raise KilledError

    path = train_ini(folder, small_data, IO_INFORMATION=io_keys)
    train(load_train(path), Screen(io.StringIO()), extra_callbacks=[Killer()])


def history(folder):
    """Lines of history.csv without times."""
    with open(folder / "history.csv", newline="") as stream:
        return [
            {k: v for k, v in row.items() if not k.startswith("seconds")}
            for row in csv.DictReader(stream)
        ]


def test_history_has_what_metrics_dat_has_and_more(finished_run):
    rows = history(finished_run.folder)
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert [row["step"] for row in rows] == ["7", "14", "21"]
    table = finished_run.metrics_table()
    for column, name in (
        ("MAE/at", "mae_per_atom"),
        ("RMSE", "rmse"),
        ("val_loss", "val_loss"),
    ):
        assert [float(row[name]) for row in rows] == table[column].tolist()
    for row in rows:
        mse = float(row["val_rmse_per_atom"]) ** 2
        assert float(row["val_mse_per_atom"]) == pytest.approx(mse, rel=1e-14)
        assert float(row["val_r2_per_atom"]) < 1
        assert float(row["val_mape_per_atom"]) > 0


def test_killed_and_resumed_runs_have_the_same_history(
    tmp_path, small_data, finished_run
):
    for kill_at in (2, 8, 14, 20):
        with pytest.raises(KilledError):
            trained(tmp_path, small_data, kill_at, save_checkpoint_steps=2)
    (tmp_path / "run/history.csv").unlink()  # comes back from the checkpoint
    trained(tmp_path, small_data, save_checkpoint_steps=2)
    assert history(tmp_path / "run") == history(finished_run.folder)
    metrics = (tmp_path / "run/metrics.dat").read_text()
    assert metrics == finished_run.metrics


def test_an_epoch_that_was_cut_short_is_told_once_it_is_whole(tmp_path, small_data):
    from annpot.apps.training_screen import Screen
    from annpot.config import load_train
    from annpot.training.trainer import train

    for max_steps in (10, 14):
        keys = {"max_epochs": None, "max_steps": max_steps}
        path = train_ini(tmp_path, small_data, TRAINING_PARAMETERS=keys)
        train(load_train(path), Screen(io.StringIO()))
        steps = [row["step"] for row in history(tmp_path / "run")]
        assert steps == ["7", str(max_steps)]


def test_results_set_aside_take_their_history_along(tmp_path, small_data):
    trained(tmp_path, small_data)
    before = history(tmp_path / "run")
    trained(tmp_path, small_data, restart_mode="force_default")
    assert history(tmp_path / "run/previous_1") == before
    assert history(tmp_path / "run") == before
