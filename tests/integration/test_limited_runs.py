"""Runs that stop before their end, and the commands that go on with them."""

import pytest

from annpot.apps.train import main
from annpot.networks.element_network import keras
from reference.small_training import (
    FinishedRun,
    assert_same_run,
    newest_state,
    train_ini,
)


@pytest.fixture
def command(tmp_path, capsys):
    """Function: run app_train on an INI file; (exit code, output, messages)."""

    def run(path, *flags):
        code = main(["-c", str(path), *flags])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


def test_a_run_in_single_epochs_is_the_run_in_one_go(
    tmp_path, small_data, command, finished_run
):
    io = {"max_epochs_per_run": 1, "save_checkpoint_steps": 1000, "keep_best": 0}
    path = train_ini(tmp_path, small_data, IO_INFORMATION=io)
    codes = []
    for epoch in (1, 2):
        code, _, message = command(path)
        codes.append(code)
        assert message == (
            f"{tmp_path / 'run'}: stopped by max_epochs_per_run = 1 at epoch {epoch}, "
            f"step {7 * epoch} of 21; saved as epoch_{epoch}_step_{7 * epoch}. Run the "
            "same command to go on.\n"
        )
    assert [*codes, command(path)[0], command(path)[0]] == [75, 75, 0, 0]
    assert_same_run(FinishedRun(tmp_path / "run", ""), finished_run)


def test_a_time_that_is_over_stops_after_the_first_chunk(
    tmp_path, small_data, command, finished_run
):
    short = {"max_time": "1s", "dataset_cache": False}
    path = train_ini(tmp_path, small_data, IO_INFORMATION=short)
    code, _, message = command(path)
    assert code == 75
    assert "stopped by max_time = 1 s at epoch 1, step " in message
    assert newest_state(tmp_path / "run").progress.step >= 1
    path = train_ini(tmp_path, small_data, IO_INFORMATION=short | {"max_time": "8h"})
    assert command(path)[0] == 0
    assert_same_run(FinishedRun(tmp_path / "run", ""), finished_run)


class Stopping(keras.callbacks.Callback):
    """Ends training after the second epoch, and remembers how often it was asked."""

    name = "stopping"

    def __init__(self):
        super().__init__()
        self.asked = 0

    def on_epoch_end(self, epoch, logs=None):
        """Ask to stop."""
        self.asked += 1
        if epoch == 1:
            self.model.stop_training = True
            self.model.stop_reason = "two epochs are enough"

    def state(self):
        """What is remembered."""
        return {"asked": self.asked}

    def restore(self, state):
        """Remember again."""
        self.asked = state["asked"]


def train_with(path, callback):
    from annpot.apps.training_screen import Screen
    from annpot.config import load_train
    from annpot.training.trainer import train

    return train(load_train(path), Screen(), extra_callbacks=[callback])


def test_a_run_that_a_callback_ends_is_finished(tmp_path, small_data, capsys):
    from annpot.config import load_train
    from annpot.training.progress import is_finished

    io = {"save_checkpoint_steps": 1000, "keep_best": 0}
    path = train_ini(tmp_path, small_data, IO_INFORMATION=io)
    outcome = train_with(path, Stopping())
    assert outcome.ended == "two epochs are enough"
    state = newest_state(tmp_path / "run")
    assert state.progress.step == 14
    assert state.run["ended"] == "two epochs are enough"
    assert is_finished(state, load_train(path))
    capsys.readouterr()
    assert train_with(path, Stopping()).logs is None
    assert "Nothing to do" in capsys.readouterr().out
    longer = train_ini(
        tmp_path, small_data, IO_INFORMATION=io, TRAINING_PARAMETERS={"max_epochs": 4}
    )
    assert not is_finished(state, load_train(longer))
    assert train_with(longer, Stopping()).logs["steps"] == 28


def test_what_a_callback_remembers_goes_on_with_the_run(tmp_path, small_data):
    first, second = Stopping(), Stopping()
    short = {"TRAINING_PARAMETERS": {"max_epochs": 1}}
    train_with(train_ini(tmp_path, small_data, **short), first)
    assert newest_state(tmp_path / "run").run["memory"]["stopping"] == {"asked": 1}
    train_with(train_ini(tmp_path, small_data), second)
    assert second.asked == 2
