"""TensorBoard files: what a run shows, each step once, whatever happened to it."""

import io
import math
from types import SimpleNamespace

import numpy as np
import pytest

from annpot.errors import InputError
from reference.small_training import train_ini

LOGS = {
    "loss": 0.5,
    "energy_loss": 0.4,
    "regularization": 0.1,
    "mae_per_atom": 0.02,
    "rmse_per_atom": 0.03,
    "rmse": 0.12,
}
VALIDATION = {f"val_{name}": 10 * value for name, value in LOGS.items()}
TRACE_ROW = {  # sums over a batch of two structures
    "loss": 3.0,
    "energy_loss": 2.0,
    "regularization": 1.0,
    "n_energies": 2.0,
    "sum_abs_per_atom": 0.2,
    "sum_square_per_atom": 0.18,
    "sum_square": 8.0,
}


def model_after(first_step, trace, networks=()):
    from annpot.training.callbacks import ChunkRecord

    record = ChunkRecord(first_step, np.asarray(trace, float))
    return SimpleNamespace(last_chunk=record, networks=networks)


def a_log(folder, history=None, every=3, steps_per_epoch=7):
    """TensorBoardLog of every third step, rate 0.01 halved every 10 steps."""
    from annpot.training.history import History
    from annpot.training.schedules import LearningRate
    from annpot.training.step_settings import LearningRateSettings
    from annpot.training.tensorboard_log import TensorBoardLog

    plan = SimpleNamespace(
        steps_per_epoch=steps_per_epoch,
        total_steps=3 * steps_per_epoch,
    )
    rate = LearningRate(LearningRateSettings(0.01, "exponential", 10, 0.5))
    return TensorBoardLog(folder, every, plan, 0, history or History(), rate)


@pytest.fixture
def log(tmp_path):
    """TensorBoardLog as above."""
    return a_log(tmp_path)


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


def runs_of(folder):
    """{name of a run as TensorBoard shows it: its events}."""
    from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer

    runs = EventMultiplexer().AddRunsFromDirectory(str(folder)).Reload()
    return {name: runs.GetAccumulator(name) for name in runs.Runs()}


def steps_of(events, tag="1. Losses/1. Total"):
    return [event.step for event in events.Scalars(tag)]


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


def test_measures_of_steps_are_those_of_an_epoch_of_one_step():
    from annpot.training.metrics import STEP_MEASURES, measures, step_measures
    from annpot.training.trace import TRACE, by_name

    trace = np.random.default_rng(1).random((3, len(TRACE)))
    trace[1, TRACE.index("n_force_components")] = 0.0
    for row, values in zip(trace, step_measures(trace), strict=True):
        found = dict(zip(STEP_MEASURES, values, strict=True))
        expected = measures(by_name(row), 1)
        for name, value in found.items():
            if name in expected:
                assert value == pytest.approx(expected[name], rel=1e-15)
            else:
                assert math.isnan(value)
                assert "force" in name
    assert {*STEP_MEASURES} < {*measures(by_name(trace[0]), 1)}


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


@pytest.mark.parametrize(
    ("steps_per_epoch", "expected"),
    [(4000, [4000, 12000, 16000]), (10_000, [10_000, 20_000, 30_000])],
)
def test_histograms_are_ten_thousand_steps_apart(tmp_path, steps_per_epoch, expected):
    log = a_log(tmp_path, steps_per_epoch=steps_per_epoch)
    log.set_model(model_after(0, [], networks=networks()))
    for epoch in range(4 if steps_per_epoch == 4000 else 3):
        steps = (epoch + 1) * steps_per_epoch
        log.on_epoch_end(epoch, {**LOGS, "steps": steps})
    log.on_train_end()
    found = [one.step for one in events_of(tmp_path / "train").Histograms("SH.0/W0")]
    assert sorted(found) == sorted(expected)  # the end of the run (3 epochs) included


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


def test_epochs_show_mse_mape_and_r2_and_their_time(tmp_path):
    from annpot.training.history import History
    from annpot.training.metrics import LABELS, measure_names
    from annpot.training.tensorboard_log import EPOCH_TAGS, STEP_TAGS

    assert {*STEP_TAGS, *EPOCH_TAGS, "rmse"} == {*measure_names(LABELS)}
    history = History()
    seconds = {"seconds": 9.0, "seconds_input": 1.0, "seconds_compute": 5.0}
    history.add({"epoch": 1, **seconds})
    log = a_log(tmp_path, history)
    log.set_model(model_after(0, [], networks=networks()))
    logs = LOGS | {"mse_per_atom": 0.25, "mape_force": 12.5, "r2_per_atom": math.nan}
    validation = {f"val_{name}": value for name, value in logs.items()}
    log.on_epoch_end(0, {**logs, **validation, "steps": 7})
    log.on_train_end()
    for folder in ("train", "validation"):
        events = events_of(tmp_path / folder)
        assert events.Scalars("2. Metrics/9. MSE/atom")[0].value == 0.25
        assert events.Scalars("2. Metrics/13. Force components MAPE")[0].value == 12.5
        assert "2. Metrics/11. R2/atom" not in events.Tags()["scalars"]
    training = events_of(tmp_path / "train")
    for tag, value in {"1. Epoch": 9, "2. Input": 1, "3. Compute": 5}.items():
        assert training.Scalars(f"3. Time/{tag}")[0].value == value


def event_file(folder, first_step=0):
    from annpot.training.event_file import EventFile

    return EventFile(folder, first_step)


def test_many_records_are_those_of_the_library(monkeypatch):
    from tensorboard.compat.proto import event_pb2, summary_pb2

    from annpot.data.tfrecord import framed
    from annpot.training.event_records import scalar_records

    monkeypatch.setattr("annpot.training.event_records.time.time", lambda: 1.25)
    steps = np.array([1, 2, 127, 128, 300, 16383, 16384, 5_000_000])
    tags = ("1. Losses/1. Total", "learning_rate", "a")
    values = np.random.default_rng(1).normal(size=(len(steps), 3)).astype(np.float32)
    values[2, 1] = values[4] = values[5, ::2] = np.nan
    values[6, 0] = np.inf
    expected = b""
    for step, row in zip(steps, values, strict=True):
        pairs = zip(tags, row, strict=True)
        summary = [
            summary_pb2.Summary.Value(tag=tag, simple_value=value)
            for tag, value in pairs
            if not np.isnan(value)
        ]
        if summary:
            event = event_pb2.Event(
                wall_time=1.25, step=step, summary=summary_pb2.Summary(value=summary)
            )
            expected += framed(event.SerializeToString())
    assert scalar_records(steps, tags, values) == expected


@pytest.mark.parametrize("size", [3e38, 1e25, 1e-45])
def test_weights_of_any_size_have_a_histogram(tmp_path, size):
    values = np.array([-size, 0.0, size], np.float32)
    log = event_file(tmp_path)
    log.histograms(1, {"w": values})
    log.close()
    found = events_of(tmp_path).Histograms("w")[0].histogram_value
    assert (found.min, found.max, sum(found.bucket)) == (values[0], values[2], 3)


def test_numbers_beyond_single_precision_are_infinite(tmp_path):
    log = event_file(tmp_path)
    log.series((1,), ("a",), np.array([[1e300]]))
    log.scalars(2, {"a": -1e300})
    log.close()
    found = [event.value for event in events_of(tmp_path).Scalars("a")]
    assert found == [math.inf, -math.inf]


def test_counts_between_borders_are_those_of_numpy(tmp_path):
    values = np.random.default_rng(1).normal(size=(50, 40))
    log = event_file(tmp_path)
    log.histograms(1, {"w": values})
    log.close()
    (found,) = events_of(tmp_path).Histograms("w")
    counts, borders = np.histogram(values, 30)
    assert found.histogram_value.bucket == counts.tolist()
    np.testing.assert_allclose(
        found.histogram_value.bucket_limit, borders[1:], rtol=0, atol=1e-14
    )
    assert found.histogram_value.sum == pytest.approx(values.sum(), rel=1e-12)
    assert found.histogram_value.sum_squares == pytest.approx((values**2).sum())


def test_constant_weights_have_a_histogram(tmp_path):
    log = event_file(tmp_path)
    log.histograms(1, {"b": np.zeros(5)})
    log.close()
    (histogram,) = events_of(tmp_path).Histograms("b")
    assert sum(histogram.histogram_value.bucket) == 5


def test_weights_that_are_not_finite_are_left_out(tmp_path):
    log = event_file(tmp_path)
    log.histograms(1, {"a": [np.nan, 1.0, np.inf], "b": [np.nan]})
    log.close()
    events = events_of(tmp_path)
    assert events.Tags()["histograms"] == ["a"]
    assert events.Histograms("a")[0].histogram_value.num == 1


def test_a_resumed_run_replaces_what_it_does_again(tmp_path):
    # TensorBoard forgets what an earlier file says about steps from a restart on.
    for first_step, steps, value in ((0, (2, 4, 6), 1.0), (4, (6, 8), 2.0)):
        log = event_file(tmp_path, first_step)
        for step in steps:
            log.scalars(step, {"loss": value})
            log.histograms(step, {"w": np.full(3, value)})
        log.close()
    events = events_of(tmp_path)
    found = [(event.step, event.value) for event in events.Scalars("loss")]
    assert found == [(2, 1.0), (4, 1.0), (6, 2.0), (8, 2.0)]
    found = [(h.step, h.histogram_value.max) for h in events.Histograms("w")]
    assert found == [(2, 1.0), (4, 1.0), (6, 2.0), (8, 2.0)]


def test_a_run_that_begins_again_replaces_all_of_the_one_before(tmp_path):
    # It was killed before its first checkpoint.
    for steps, value in (((1, 2, 3, 4), 1.0), ((1, 2), 2.0)):
        log = event_file(tmp_path)
        log.series(steps, ("loss",), np.full((len(steps), 1), value))
        log.close()
    scalars = events_of(tmp_path).Scalars("loss")
    assert [(event.step, event.value) for event in scalars] == [(1, 2.0), (2, 2.0)]


def test_a_record_that_a_kill_cut_short_hides_nothing_else(tmp_path):
    log = event_file(tmp_path)
    log.series((1, 2, 3), ("loss",), np.ones((3, 1)))
    log.close()
    (path,) = tmp_path.glob("events*")
    path.write_bytes(path.read_bytes()[:-7])
    log = event_file(tmp_path, first_step=2)
    log.series((3, 4), ("loss",), np.full((2, 1), 2.0))
    log.close()
    scalars = events_of(tmp_path).Scalars("loss")
    found = [(event.step, event.value) for event in scalars]
    assert found == [(1, 1.0), (2, 1.0), (3, 2.0), (4, 2.0)]


def test_written_events_survive_a_kill(tmp_path):
    log = event_file(tmp_path)
    log.scalars(3, {"loss": 1.5})  # neither flushed nor closed
    assert events_of(tmp_path).Scalars("loss")[0].value == 1.5
    log.close()


def test_a_full_disk_is_told(tmp_path):
    log = event_file(tmp_path)
    log.close()
    log._stream = open("/dev/full", "wb")  # noqa: SIM115
    with pytest.raises(InputError, match=r"events.out.tfevents.*: the disk is full"):
        log.scalars(1, {"loss": 1.0})
    with pytest.raises(InputError, match="the disk is full"):
        log.close()


class KilledError(Exception):
    """Stands for a process that is killed."""


def trained(folder, small_data, kill_at=None, train_dir="run", **io_keys):
    """Train three epochs of seven steps; kill_at: step after which all ends at once."""
    from annpot.apps.training_screen import Screen
    from annpot.config import load_train
    from annpot.networks.element_network import keras
    from annpot.training.trainer import train

    class Killer(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == kill_at:
                raise KilledError

    keys = {"train_dir": folder / train_dir, "save_checkpoint_steps": 2} | io_keys
    config = load_train(train_ini(folder, small_data, IO_INFORMATION=keys))
    train(config, Screen(io.StringIO()), extra_callbacks=[Killer()])


def test_a_killed_and_resumed_run_shows_each_step_once(tmp_path, small_data):
    for kill_at in (1, 8, 14, None):
        if kill_at == 1:
            with pytest.raises(KilledError):
                trained(tmp_path, small_data, kill_at, save_checkpoint_steps=1)
        elif kill_at:
            with pytest.raises(KilledError):
                trained(tmp_path, small_data, kill_at)
        else:
            trained(tmp_path, small_data)
    runs = runs_of(tmp_path / "run")
    assert {*runs} == {"train", "validation"}
    assert steps_of(runs["train"]) == list(range(1, 22))
    assert steps_of(runs["validation"]) == [7, 14, 21]
    assert steps_of(runs["train"], "3. Time/1. Epoch") == [7, 14, 21]


def test_a_run_that_starts_anew_stands_beside_the_old_one(tmp_path, small_data):
    trained(tmp_path, small_data)
    trained(tmp_path, small_data, restart_mode="force_default", log_frequency=7)
    runs = runs_of(tmp_path / "run")
    kinds = {"train", "validation"}
    assert {*runs} == kinds | {f"previous_1/{kind}" for kind in kinds}
    assert steps_of(runs["previous_1/train"]) == list(range(1, 22))
    assert steps_of(runs["train"]) == [7, 14, 21]


def test_stages_stand_beside_each_other_by_name(tmp_path, small_data):
    for name in ("a", "b"):
        trained(tmp_path, small_data, train_dir=f"plan/stages/{name}")
    runs = runs_of(tmp_path / "plan")
    assert {*runs} == {
        f"stages/{name}/{kind}"
        for name in ("a", "b")
        for kind in ("train", "validation")
    }
    assert {
        tuple(runs[name].Tags()["scalars"]) for name in runs if "train" in name
    } == {tuple(runs["stages/a/train"].Tags()["scalars"])}
