"""Learning rates: each schedule against its formula, written out by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest

from annpot.training.metrics import measure_names
from annpot.training.plateau import Plateau
from annpot.training.schedules import SCHEDULES, LearningRate, rate_at
from annpot.training.step_settings import LearningRateSettings

STEPS = (0, 1, 7, 99, 100, 101, 399, 400, 750, 999, 1000, 5000)


def by_hand(t, schedule):
    """Rate of step t with the settings of `settings_of`."""
    r, f, length, warmup = 0.02, 0.003, 1000, 100
    if schedule == "linear":
        return r + (f - r) * t / length if t < length else f
    if schedule == "cosine":
        return f + (r - f) * math.cos(math.pi * min(t, length) / length / 2) ** 2
    if schedule == "warmup_cosine":
        if t < warmup:
            return r * (t + 1) / warmup
        phase = math.pi * (min(t, length) - warmup) / (length - warmup)
        return f + (r - f) * (1 + math.cos(phase)) / 2
    if schedule == "piecewise":
        return 0.02 if t < 100 else 0.01 if t < 400 else 0.001
    if schedule == "exponential":
        return r * 0.7 ** (t / 250)
    return r


def settings_of(schedule):
    return LearningRateSettings(
        0.02, schedule, decay_step=250.0, decay_factor=0.7, length=1000, warmup=100,
        final=0.003, boundaries=(100, 400), rates=(0.01, 0.001),
    )  # fmt: skip


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_rate_is_that_of_the_formula(schedule):
    settings = settings_of(schedule)
    for step in STEPS:
        expected = by_hand(step, schedule)
        assert rate_at(settings, step) == pytest.approx(expected, rel=1e-13)
    together = rate_at(settings, np.array(STEPS))
    assert together.tolist() == [rate_at(settings, step) for step in STEPS]


def test_a_staircase_stays_between_its_steps():
    settings = LearningRateSettings(0.02, "exponential", 250.0, 0.7, staircase=True)
    for step in STEPS:
        expected = 0.02 * 0.7 ** (step // 250)
        assert rate_at(settings, step) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("schedule", ["linear", "cosine", "warmup_cosine"])
def test_the_rate_stays_before_it_falls(schedule):
    warmup = 100 if schedule == "warmup_cosine" else 0
    held = replace(settings_of(schedule), hold=300)
    shorter = replace(settings_of(schedule), length=700)
    assert rate_at(held, 50) == rate_at(shorter, 50) if warmup else 0.02
    for step in (warmup, warmup + 150, warmup + 299):
        assert rate_at(held, step) == 0.02
    for step in (350, 550, 700, 900):
        later = rate_at(held, step + 300)
        assert later == pytest.approx(rate_at(shorter, step), rel=1e-13)


def a_plateau(metric="val_loss", floor=0.0):
    rate = LearningRate(LearningRateSettings(0.01, "plateau", floor=floor))
    return rate, Plateau(rate, 0.5, 2, metric)


def rates(values, metric="val_loss", floor=0.0):
    """Rate after each epoch with such metrics."""
    rate, callback = a_plateau(metric, floor)
    found = []
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {metric: value})
        found.append(rate.at(0))
    return found


def test_the_rate_falls_after_epochs_without_improvement():
    found = rates([3.0, 2.0, 2.0, 2.5, 2.5, 2.1, 1.0, math.nan, 1.0])
    # Two epochs after 2.0 not below it, two more, then two after 1.0.
    expected = [0.01] * 3 + [0.005] * 2 + [0.0025] * 3 + [0.00125]
    assert found == expected


def test_some_metrics_are_better_when_larger():
    assert "val_r2_per_atom".removeprefix("val_") in measure_names({"energy"})
    assert rates([0.5, 0.6, 0.7], "val_r2_per_atom") == [0.01] * 3
    assert rates([0.7, 0.6, 0.5], "val_r2_per_atom")[-1] == 0.005


def test_the_rate_does_not_fall_below_the_floor():
    assert rates([1.0] * 7, floor=0.004)[-1] == 0.004


def test_a_plateau_goes_on_with_what_it_remembers():
    values = [3.0, 2.0, 2.0, 2.5, 2.5, 2.1, 1.0, 1.2, 1.0]
    for cut in range(len(values)):
        _, first = a_plateau()
        for value in values[:cut]:
            first.on_epoch_end(0, {"val_loss": value})
        rate, second = a_plateau()
        second.restore(first.state())
        found = []
        for value in values[cut:]:
            second.on_epoch_end(0, {"val_loss": value})
            found.append(rate.at(0))
        assert found == rates(values)[cut:]


def test_a_plateau_does_not_change_the_rate_of_swa():
    settings = LearningRateSettings(0.01, "plateau", last=0.004, last_from=100)
    rate = LearningRate(settings)
    rate.factor = 0.25
    assert [rate.at(step) for step in (0, 99, 100)] == [0.0025, 0.0025, 0.004]
    assert rate.at(np.array([99, 100])).tolist() == [0.0025, 0.004]


@pytest.mark.parametrize("warmup", [0.5, 2.5])
def test_a_warm_up_of_part_of_a_step_does_not_pass_the_rate(warmup):
    settings = LearningRateSettings(0.01, "warmup_cosine", length=10, warmup=warmup)
    rates = rate_at(settings, np.arange(10))
    assert rates.max() <= 0.01
    assert rates[0] == 0.01 * min(1 / warmup, 1)
