"""Callbacks of the user: found, refused with reasons, and never fatal to a run."""

import io
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from annpot.errors import InputError, TrainingError
from reference.small_training import newest_state, train_ini

MODULE = '''
import keras

SEEN = []

class Printer(keras.callbacks.Callback):
    """Remembers what it is told."""

    def on_epoch_end(self, epoch, logs=None):
        SEEN.append((epoch, logs, [w.shape for w in self.model.weights]))

class Counter(keras.callbacks.Callback):
    name = "counter"
    n = 0

    def on_epoch_end(self, epoch, logs=None):
        self.n += 1

    def state(self):
        return {"n": self.n}

    def restore(self, state):
        self.n = state["n"]

class Picky(keras.callbacks.Callback):
    def __init__(self, monitor):
        super().__init__()

class Failing(keras.callbacks.Callback):
    at = "on_epoch_end"

    def __getattribute__(self, name):
        if name == type(self).at:
            return self.fail
        return super().__getattribute__(name)

    def fail(self, *arguments):
        if arguments[0] not in (0, 1):
            raise ZeroDivisionError("no such luck")

class FailingBatch(Failing):
    at = "on_train_batch_end"

class FailingEnd(Failing):
    at = "on_train_end"

class Meddler(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        weight = self.model.weights[0]
        weight.assign(2 * weight)

class Patience(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            self.model.stop_training = True

class Nothing:
    pass
'''


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Folder with my_callbacks.py and broken.py, the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "my_callbacks.py").write_text(MODULE)
    (tmp_path / "broken.py").write_text("1 / 0\n")
    (tmp_path / "lacking.py").write_text("import no_such_package_anywhere\n")
    yield tmp_path
    for name in ("my_callbacks", "broken", "lacking"):
        sys.modules.pop(name, None)


def load(*names):
    from annpot.training.user_callbacks import load_callbacks

    return load_callbacks(names)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Printer", "--callback Printer: expected package.module:Class"),
        (
            "my_callbacks:",
            "expected package.module:Class, such as my_callbacks:Printer",
        ),
        (
            "my_callback:Printer",
            "there is no module my_callback, neither installed nor in {here}. Check "
            "its name, or run from the folder of my_callback.py.",
        ),
        (
            "my_callbacks:Print",
            "my_callbacks ({here}/my_callbacks.py) has no Print. Callbacks there: "
            "Printer, Counter, Picky, ",
        ),
        (
            "my_callbacks:Nothing",
            "Nothing of my_callbacks ({here}/my_callbacks.py) is no subclass of "
            "keras.callbacks.Callback. Derive it from that class.",
        ),
        ("my_callbacks:SEEN", "is no subclass of keras.callbacks.Callback."),
        (
            "my_callbacks:Picky",
            "cannot be made without arguments (TypeError: Picky.__init__() missing 1 "
            "required positional argument: 'monitor'). Give all arguments",
        ),
        (
            "broken:Printer",
            "importing broken failed (ZeroDivisionError: division by zero). Correct",
        ),
        ("lacking:Printer", "importing lacking failed (ModuleNotFoundError: No module"),
    ],
)
def test_what_is_no_callback_is_told(here, name, told):
    with pytest.raises(InputError) as raised:
        load(name)
    assert str(raised.value).startswith(f"--callback {name}: ")
    assert told.format(here=here) in str(raised.value)


def test_all_problems_are_told_at_once(here):
    with pytest.raises(InputError) as raised:
        load("my_callbacks:Printer", "no_such:A", "my_callbacks:B")
    assert len(raised.value.problems) == 2


def test_callbacks_that_keras_brings_are_found():
    (callback,) = load("keras.callbacks:EarlyStopping")
    assert callback.title == "keras.callbacks:EarlyStopping"


def run(folder, small_data, *names, **training):
    """Train three epochs with callbacks of the user; return what the screen shows."""
    from annpot.apps.training_screen import Screen
    from annpot.config import load_train
    from annpot.training.trainer import train

    shown = io.StringIO()
    config = load_train(train_ini(folder, small_data, TRAINING_PARAMETERS=training))
    train(config, Screen(shown), extra_callbacks=load(*names))
    return shown.getvalue()


def test_a_callback_sees_what_is_measured_and_changes_nothing(
    here, small_data, finished_run
):
    run(here, small_data, "my_callbacks:Printer")
    seen = sys.modules["my_callbacks"].SEEN
    assert [epoch for epoch, _, _ in seen] == [0, 1, 2]
    table = finished_run.metrics_table()
    for epoch, logs, shapes in seen:
        assert logs["mae_per_atom"] == table["MAE/at"][epoch]
        assert logs["val_rmse_per_atom"] == table["val_RMSE/at"][epoch]
        assert logs["steps"] == 7 * (epoch + 1)
        assert shapes[:2] == [(24, 6), (6,)]
    assert (here / "run/metrics.dat").read_text() == finished_run.metrics


def test_what_a_callback_remembers_comes_back(here, small_data):
    for max_epochs in (2, 5):
        (callback,) = load("my_callbacks:Counter")
        from annpot.apps.training_screen import Screen
        from annpot.config import load_train
        from annpot.training.trainer import train

        keys = {"max_epochs": max_epochs}
        config = load_train(train_ini(here, small_data, TRAINING_PARAMETERS=keys))
        train(config, Screen(io.StringIO()), extra_callbacks=[callback])
        assert callback.callback.n == max_epochs


def test_a_callback_ends_the_run(here, small_data):
    run(here, small_data, "my_callbacks:Patience")
    assert newest_state(here / "run").progress.epoch == 2


@pytest.mark.parametrize(
    ("name", "event", "epochs"),
    [
        ("my_callbacks:Failing", "on_epoch_end", 3),
        ("my_callbacks:FailingBatch", "on_train_batch_end", 0),
        ("my_callbacks:FailingEnd", "on_train_end", 3),
    ],
)
def test_a_failure_is_told_and_no_epoch_lost(here, small_data, name, event, epochs):
    from annpot.training.saved_state import newest_prefix

    with pytest.raises(TrainingError) as raised:
        run(here, small_data, name)
    assert str(raised.value) == (
        f"--callback {name}: failed in {event} (ZeroDivisionError: no such luck). "
        "Checkpoints are untouched: correct it, or leave it out, and run the same "
        "command to go on. --debug shows where it failed."
    )
    assert raised.value.exit_code == 1
    prefix = newest_prefix(here / "run/_models")
    assert (prefix is None) == (epochs == 0)
    if epochs:
        assert newest_state(here / "run").progress.epoch == epochs


def test_an_epoch_that_needs_no_checkpoint_has_one_before_a_failure(here, small_data):
    from annpot.training.user_callbacks import Failures

    saved = []
    failures = Failures([SimpleNamespace(failure=None)], saved.append)
    failures.set_model(SimpleNamespace(save_is_due=False, progress="now"))
    failures.on_epoch_end(0)
    assert saved == []
    failures.callbacks = [SimpleNamespace(failure=TrainingError("broken"))]
    with pytest.raises(TrainingError, match="broken"):
        failures.on_epoch_end(1)
    assert saved == ["now"]


def test_weights_are_for_reading_only(here, small_data):
    with pytest.raises(TrainingError) as raised:
        run(here, small_data, "my_callbacks:Meddler")
    assert str(raised.value).startswith(
        "--callback my_callbacks:Meddler: changed the weights of the model"
    )
    assert not list((here / "run/_models").glob("epoch*"))


def test_a_callback_without_memory_has_none(here):
    plain, counter = load("my_callbacks:Printer", "my_callbacks:Counter")
    assert not hasattr(plain, "state")
    assert counter.state() == {"n": 0}
    assert (plain.name, counter.name) == ("my_callbacks:Printer", "counter")
    assert np.isscalar(counter.state()["n"])
