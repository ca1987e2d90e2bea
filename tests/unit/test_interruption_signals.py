"""Signals: a command ends at once with exit code 75, a run after its steps."""

import signal

import pytest

from annpot.apps.command import run_command
from annpot.errors import NotFinished
from annpot.training.interruption import SIGNALS, deferred_interruption, stopped_at_once

every_signal = pytest.mark.parametrize("number", SIGNALS)


@every_signal
def test_a_command_that_prepares_ends_at_once_with_75(number, capsys):
    handlers = [signal.getsignal(one) for one in SIGNALS]

    def run(path):
        signal.raise_signal(number)
        pytest.fail("goes on")

    assert run_command("app_x", "", run, ["-c", "x.ini"]) == 75
    shown = capsys.readouterr()
    assert shown.err == "app_x: interrupted; run it again to go on.\n"
    assert [signal.getsignal(one) for one in SIGNALS] == handlers


def test_a_run_that_is_not_finished_tells_it_with_75(capsys):
    def run(path):
        raise NotFinished("run: max_time is over. Run the same command to go on.")

    assert run_command("app_x", "", run, ["-c", "x.ini", "--debug"]) == 75
    assert "Run the same command to go on." in capsys.readouterr().err


@every_signal
def test_within_a_run_the_signal_waits_for_the_steps(number):
    with stopped_at_once(), deferred_interruption() as interruption:
        assert not interruption.is_requested
        signal.raise_signal(number)
        assert interruption.is_requested
        signal.raise_signal(signal.SIGTERM)  # told again, still saving
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    expected = {signal.SIGINT: "Ctrl-C"}.get(number, signal.Signals(number).name)
    assert interruption.name == expected


def test_a_signal_that_could_not_end_the_preparation_ends_the_run():
    with stopped_at_once():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)  # lost in a callback of a library
        with deferred_interruption() as interruption:
            assert interruption.is_requested
