"""When a run stops before its end."""

from types import SimpleNamespace

import pytest

from annpot.training.interruption import Interruption
from annpot.training.limits import ROOM, Limits


class Clock:
    """A clock that is set by hand."""

    def __init__(self, time=0.0):
        self.time = time

    def __call__(self):
        return self.time


def limits(max_time=None, max_epochs=None, started=0.0, before=0):
    io = SimpleNamespace(max_time=max_time, max_epochs_per_run=max_epochs)
    clock = Clock(started)
    return Limits(io, Interruption(), started, before, clock), clock


def test_without_limits_only_a_signal_stops():
    rules, clock = limits()
    clock.time = 1e9
    assert rules.reason() is None
    rules.interruption.number = 15
    assert rules.reason() == "SIGTERM"


def test_a_run_stops_while_a_chunk_and_a_checkpoint_still_fit():
    rules, clock = limits(max_time=100.0, started=40.0)
    asked, reason = [], None
    while reason is None:
        clock.time += 7.0  # the longest stretch between two questions
        reason = rules.reason()
        asked.append(clock.time - 40.0)
    assert reason == "max_time = 100 s"
    assert 100.0 - 7.0 - ROOM - 7.0 < asked[-1] <= 100.0 - ROOM


def test_the_first_stretch_which_compiles_is_not_expected_again():
    rules, clock = limits(max_time=100.0)
    clock.time = 60.0
    assert rules.reason() is None
    clock.time = 61.0
    assert rules.reason() is None


def test_max_time_counts_from_the_start_of_the_command():
    rules, clock = limits(max_time=10.0, started=0.0)
    clock.time = 20.0  # reading the data took longer
    assert rules.reason() == "max_time = 10 s"


@pytest.mark.parametrize(("before", "expected"), [(0, 3), (2, 1)])
def test_epochs_of_the_command_are_counted(before, expected):
    rules, _ = limits(max_epochs=3, before=before)
    n_epochs = 0
    while rules.reason() is None:
        rules.count_epoch()
        n_epochs += 1
    assert n_epochs == expected
    assert rules.reason() == "max_epochs_per_run = 3"
