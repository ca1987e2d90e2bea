"""Seconds of a run are counted for one part each, and none is lost."""

import pytest

from annpot.training.clock import PARTS, Clock


class Watch:
    """Gives the time; seconds."""

    time = 5.0

    def __call__(self):
        return self.time


@pytest.fixture
def watch():
    """Watch that a test moves on."""
    return Watch()


def test_what_no_part_claims_is_other(watch):
    clock = Clock(watch)
    watch.time += 1.0
    with clock.part("compute"):
        watch.time += 2.0
    watch.time += 4.0
    assert clock.total() == dict.fromkeys(PARTS, 0.0) | {"compute": 2.0, "other": 5.0}


def test_an_inner_part_stops_the_outer_one(watch):
    clock = Clock(watch)
    with clock.part("validation"):
        watch.time += 1.0
        with clock.part("checkpoint"):
            watch.time += 2.0
        watch.time += 4.0
    total = clock.total()
    assert (total["validation"], total["checkpoint"], total["other"]) == (5.0, 2.0, 0.0)


def test_laps_add_up_to_the_total(watch):
    clock = Clock(watch)
    laps = []
    for seconds in (1.0, 2.0, 4.0):
        with clock.part("input"):
            watch.time += seconds
        watch.time += 0.5
        laps.append(clock.lap())
    assert [lap["input"] for lap in laps] == [1.0, 2.0, 4.0]
    total = clock.total()
    assert (total["input"], total["other"]) == (7.0, 1.5)
    assert sum(total.values()) == watch.time - 5.0


def test_a_part_that_fails_is_counted_and_left(watch):
    clock = Clock(watch)
    with pytest.raises(KeyError), clock.part("compute"):
        _two_seconds_and_an_error(watch)
    watch.time += 1.0
    assert clock.total()["compute"] == 2.0
    assert clock.total()["other"] == 1.0


def _two_seconds_and_an_error(watch):
    watch.time += 2.0
    raise KeyError
