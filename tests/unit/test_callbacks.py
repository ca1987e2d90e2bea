"""metrics.dat, TensorBoard files and the end of a run that goes wrong."""

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


TRACE_ROW = {  # sums over a batch of two structures
    "loss": 3.0,
    "energy_loss": 2.0,
    "regularization": 1.0,
    "n_energies": 2.0,
    "sum_abs_per_atom": 0.2,
    "sum_square_per_atom": 0.18,
    "sum_square": 8.0,
}


@pytest.fixture
def log(tmp_path):
    """TensorBoardLog of every third step, rate 0.01 halved every 10 steps."""
    from annpot.training.callbacks import TensorBoardLog
    from annpot.training.step_settings import LearningRateSettings

    return TensorBoardLog(tmp_path, 3, LearningRateSettings(0.01, 10, 0.5), 0)


def networks():
    def variable(values):
        return SimpleNamespace(numpy=lambda: np.asarray(values, np.float32))

    layers = [
        SimpleNamespace(kernel=variable([[1, 2], [3, 4]]), bias=variable([0.5, -0.5])),
        SimpleNamespace(kernel=variable([[7], [8]]), bias=variable([1])),
    ]
    return (SimpleNamespace(name="H", atomic_layers=layers),)


def events_of(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(
        str(folder), size_guidance={"scalars": 0, "histograms": 0}
    )
    return events.Reload()


def test_scalars_of_every_third_step(log, tmp_path):
    from annpot.training.trace import TRACE

    rows = [
        [TRACE_ROW.get(name, 0.0) * step for name in TRACE] for step in range(1, 12)
    ]
    for row in rows:
        row[TRACE.index("n_energies")] = 2.0
    log.set_model(model_after(0, rows[:5]))
    log.on_train_batch_end(5)
    log.set_model(model_after(5, rows[5:]))
    log.on_train_batch_end(11)
    log.on_train_end()
    events = events_of(tmp_path / "train")
    expected = {
        "1. Losses/1. Total": [9, 18, 27],
        "1. Losses/2. Energy": [6, 12, 18],
        "1. Losses/4. Regularization": [3, 6, 9],
        "2. Metrics/1. RMSE/atom": [0.3 * step**0.5 for step in (3, 6, 9)],
        "2. Metrics/2. MAE/atom": [0.3, 0.6, 0.9],
        # of the update itself: steps count from 0 in the formula
        "learning_rate": [0.01 * 0.5 ** ((step - 1) / 10) for step in (3, 6, 9)],
    }
    assert set(events.Tags()["scalars"]) == set(expected)
    for tag, values in expected.items():
        scalars = events.Scalars(tag)
        assert [event.step for event in scalars] == [3, 6, 9]
        assert [event.value for event in scalars] == pytest.approx(values, rel=1e-6)


def test_validation_and_histograms_at_the_end_of_an_epoch(log, tmp_path):
    log.set_model(model_after(0, [], networks=networks()))
    log.on_epoch_end(0, {**LOGS, **VALIDATION, "steps": 7})
    log.on_train_end()
    validation = events_of(tmp_path / "validation")
    (total,) = validation.Scalars("1. Losses/1. Total")
    assert (total.step, total.value) == (7, 5.0)
    (mae,) = validation.Scalars("2. Metrics/2. MAE/atom")
    assert mae.value == pytest.approx(0.2)
    training = events_of(tmp_path / "train")
    tags = ["SH.0/W0", "SH.0/B0", "SH.0/W1", "SH.0/B1"]
    assert sorted(training.Tags()["histograms"]) == sorted(tags)
    (histogram,) = training.Histograms("SH.0/W0")
    assert histogram.step == 7
    found = histogram.histogram_value
    assert (found.min, found.max, found.num) == (1, 4, 4)
    assert (found.sum, found.sum_squares) == (10, 30)
    assert sum(found.bucket) == 4


def test_forces_and_virials_have_tags_beside_those_of_the_energy(log, tmp_path):
    log.set_model(model_after(0, [], networks=networks()))
    values = {
        "force_loss": (1, "1. Losses/3. Forces"),
        "virial_loss": (2, "1. Losses/6. Virials"),
        "rmse_force": (3, "2. Metrics/3. Force components RMSE"),
        "mae_force": (4, "2. Metrics/4. Force components MAE"),
        "rmse_virial_per_atom": (5, "2. Metrics/7. Virial components RMSE/atom"),
        "mae_virial_per_atom": (6, "2. Metrics/8. Virial components MAE/atom"),
    }
    logs = {f"val_{name}": value for name, (value, _) in values.items()}
    log.on_epoch_end(0, {**LOGS, **VALIDATION, **logs, "steps": 7})
    log.on_train_end()
    validation = events_of(tmp_path / "validation")
    for value, tag in values.values():
        assert validation.Scalars(tag)[0].value == value


def test_constant_weights_have_a_histogram(tmp_path):
    from annpot.training.tensorboard_log import EventLog

    log = EventLog(tmp_path, 0)
    log.histograms(1, {"b": np.zeros(5)})
    log.close()
    (histogram,) = events_of(tmp_path).Histograms("b")
    assert sum(histogram.histogram_value.bucket) == 5


def test_a_resumed_run_replaces_what_it_does_again(tmp_path):
    # TensorBoard forgets what an earlier file says about steps from a restart on.
    from annpot.training.tensorboard_log import EventLog

    for first_step, steps, value in ((0, (2, 4, 6), 1.0), (4, (6, 8), 2.0)):
        log = EventLog(tmp_path, first_step)
        for step in steps:
            log.scalars(step, {"loss": value})
        log.close()
    scalars = events_of(tmp_path).Scalars("loss")
    found = [(event.step, event.value) for event in scalars]
    assert found == [(2, 1.0), (4, 1.0), (6, 2.0), (8, 2.0)]


def test_written_events_are_seen_without_waiting_for_the_end(tmp_path):
    from annpot.training.tensorboard_log import EventLog

    log = EventLog(tmp_path, 0)
    log.scalars(3, {"loss": 1.5})
    log.flush()
    assert events_of(tmp_path).Scalars("loss")[0].value == 1.5
    log.close()


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    from annpot.training.tensorboard_log import EventLog

    log = EventLog(tmp_path, 0)
    log.close()
    log._stream = open("/dev/full", "wb")  # noqa: SIM115
    log.scalars(1, {"loss": 1.0})
    with pytest.raises(InputError, match=r"events.out.tfevents.*: the disk is full"):
        log.flush()
    with pytest.raises(InputError, match="the disk is full"):
        log.close()
