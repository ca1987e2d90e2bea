"""metrics.dat, and the end of a run that goes wrong."""

from types import SimpleNamespace

import numpy as np
import pytest

from annpot.errors import InputError, TrainingError

LOGS = {
    "loss": 0.5,
    "energy_loss": 0.4,
    "regularization": 0.1,
    "mae_per_atom": 0.02,
    "rmse_per_atom": 0.03,
    "rmse": 0.12,
}
VALIDATION = {f"val_{name}": 10 * value for name, value in LOGS.items()}


def metrics_file(path, chosen, first_epoch=0):
    from annpot.training.metrics_file import MetricsFile

    callback = MetricsFile(path, chosen, first_epoch)
    callback.on_train_begin()
    return callback


def test_metrics_are_in_alphabetical_columns_after_the_epoch(tmp_path):
    path = tmp_path / "metrics.dat"
    callback = metrics_file(path, ("MAE", "RMSE", "loss"))
    callback.on_epoch_end(0, {**LOGS, **VALIDATION, "steps": 100})
    callback.on_epoch_end(1, {**LOGS, **VALIDATION, "steps": 200})
    header, first, second = path.read_text().splitlines()
    assert header == (
        "epoch MAE/at RMSE RMSE/at e_loss loss reg_loss tot_st "
        "val_MAE/at val_RMSE val_RMSE/at val_e_loss val_loss val_reg_loss"
    )
    assert first == "0 0.02 0.12 0.03 0.4 0.5 0.1 100 0.2 1.2 0.3 4.0 5.0 1.0"
    assert second.split()[0] == "1"
    assert second.split()[7] == "200"


def test_the_default_is_panna_s_layout(tmp_path):
    callback = metrics_file(tmp_path / "metrics.dat", ("MAE",))
    callback.on_epoch_end(0, {**LOGS, **VALIDATION, "steps": 7})
    lines = (tmp_path / "metrics.dat").read_text()
    assert lines == "epoch MAE/at tot_st val_MAE/at\n0 0.02 7 0.2\n"


def test_columns_of_forces_stand_where_panna_has_them(tmp_path):
    forces = {"mae_force": 0.04, "rmse_force": 0.06}
    validation = VALIDATION | {"val_mae_force": 0.4}
    callback = metrics_file(tmp_path / "metrics.dat", ("MAE",))
    callback.on_epoch_end(0, {**LOGS, **forces, **validation, "steps": 7})
    callback.on_epoch_end(1, {**LOGS, **VALIDATION, "steps": 14})  # none in this epoch
    assert (tmp_path / "metrics.dat").read_text() == (
        "epoch F_MAE MAE/at tot_st val_F_MAE val_MAE/at\n"
        "0 0.04 0.02 7 0.4 0.2\n"
        "1 nan 0.02 14 nan 0.2\n"
    )


def test_forces_after_a_restart_widen_the_file(tmp_path):
    path = tmp_path / "metrics.dat"
    path.write_text("epoch MAE/at tot_st\n0 0.3 7\n")
    callback = metrics_file(path, ("MAE",), first_epoch=1)
    callback.on_epoch_end(1, LOGS | {"mae_force": 0.04, "steps": 14})
    assert path.read_text() == (
        "epoch F_MAE MAE/at tot_st\n0 nan 0.3 7\n1 0.04 0.02 14\n"
    )


def test_without_validation_there_are_no_such_columns(tmp_path):
    metrics_file(tmp_path / "metrics.dat", ("MAE",)).on_epoch_end(
        0, LOGS | {"steps": 7}
    )
    assert (tmp_path / "metrics.dat").read_text() == "epoch MAE/at tot_st\n0 0.02 7\n"


def test_a_restart_appends_and_drops_what_it_will_do_again(tmp_path):
    path = tmp_path / "metrics.dat"
    path.write_text("epoch MAE/at tot_st\n0 0.3 7\n1 0.2 14\n2 0.1 21\n")
    callback = metrics_file(path, ("MAE",), first_epoch=2)
    callback.on_epoch_end(2, LOGS | {"steps": 21})
    assert path.read_text() == "epoch MAE/at tot_st\n0 0.3 7\n1 0.2 14\n2 0.02 21\n"


def test_other_metrics_after_a_restart_widen_the_file(tmp_path):
    path = tmp_path / "metrics.dat"
    path.write_text("epoch MAE/at tot_st\n0 0.3 7\n")
    callback = metrics_file(path, ("RMSE",), first_epoch=1)
    callback.on_epoch_end(1, LOGS | {"steps": 14})
    assert path.read_text() == (
        "epoch MAE/at RMSE RMSE/at tot_st\n0 0.3 nan nan 7\n1 nan 0.12 0.03 14\n"
    )


def test_values_can_be_read_back_exactly(tmp_path):
    value = 0.1 + 1e-17 + 1 / 3
    callback = metrics_file(tmp_path / "metrics.dat", ("MAE",))
    callback.on_epoch_end(0, {**LOGS, "mae_per_atom": value, "steps": 7})
    word = (tmp_path / "metrics.dat").read_text().splitlines()[1].split()[1]
    assert float(word) == value


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    callback = metrics_file(tmp_path / "file" / "metrics.dat", ("MAE",))
    with pytest.raises(InputError, match=r"metrics.dat: cannot be written .Not a dir"):
        callback.on_epoch_end(0, LOGS | {"steps": 7})


def model_after(first_step, trace, networks=()):
    from annpot.training.callbacks import ChunkRecord

    record = ChunkRecord(first_step, np.asarray(trace, float))
    return SimpleNamespace(last_chunk=record, networks=networks)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_ends_the_run(bad):
    from annpot.training.callbacks import StopOnNaN

    callback = StopOnNaN("run")
    callback.set_model(model_after(40, [[1.0] * 6, [2.0] * 6]))
    callback.on_train_batch_end(42)
    callback.set_model(model_after(42, [[1.0] * 6, [bad] * 6, [np.nan] * 6]))
    with pytest.raises(TrainingError) as raised:
        callback.on_train_batch_end(45)
    text = str(raised.value)
    assert text.startswith("run: the loss of step 44 is not a finite number.")
    for advice in ("smaller learning_rate", "output_offset", "quad instead"):
        assert advice in text
    assert raised.value.exit_code == 1
