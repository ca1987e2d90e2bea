"""Learning rates as functions of the step, in float64.

With t the step (from 0), r the learning_rate, f the final_learning_rate, and in steps
T the length of the schedule, W the warm-up (0 without) and H the time that the rate
stays at r before it falls:

    constant        r, also of plateau, which multiplies it (`LearningRate.factor`)
    exponential     r c^(t / decay_step); staircase: the exponent is rounded down
    linear          r + (f - r) x,   x = (t - W - H) / (T - W - H) within 0 and 1
    cosine          f + (r - f) (1 + cos(pi x)) / 2
    warmup_cosine   r min((t + 1) / W, 1) for t < W; then the cosine
    piecewise       r, from boundary i on rate i

With swa_rate that is the rate from the first step of epoch swa_start on, whatever a
plateau has done before.

Source of the cosine: I. Loshchilov, F. Hutter, arXiv:1608.03983 (2016), eq. 5, without
restarts.
"""

import numpy as np


def rate_at(settings, step):
    """Learning rate of one or more steps.

    Args:
        settings: LearningRateSettings.
        step: optimizer step from 0, a number or an array.
    """
    found = SCHEDULES[settings.schedule](settings, np.asarray(step, np.float64))
    if settings.last is not None:
        found = np.where(np.asarray(step) < settings.last_from, found, settings.last)
    return found if np.ndim(found) else float(found)


class LearningRate:
    """Rate of the steps of a run.

    Args:
        settings: LearningRateSettings.

    Attributes:
        factor: what a plateau has lowered it by; never changes within an epoch.
    """

    def __init__(self, settings):
        self.settings, self.factor = settings, 1.0

    def at(self, step):
        """Rate of one or more steps, see `rate_at`; not below the floor."""
        settings = self.settings
        rate = rate_at(settings, step)
        if self.factor == 1.0:
            return rate
        lowered = np.maximum(rate * self.factor, settings.floor)
        if settings.last is None:
            return lowered
        found = np.where(np.asarray(step) < settings.last_from, lowered, rate)
        return found if np.ndim(found) else float(found)


def _constant(settings, step):
    return np.full(np.shape(step), settings.initial)


def _exponential(settings, step):
    exponent = step / settings.decay_step
    exponent = np.floor(exponent) if settings.staircase else exponent
    return settings.initial * settings.decay_factor**exponent


def _fallen(settings, step, warmup=0.0):
    """Part of the way from the first rate to the final one."""
    start = warmup + settings.hold
    return np.clip((step - start) / (settings.length - start), 0.0, 1.0)


def _linear(settings, step):
    x = _fallen(settings, step)
    return settings.initial + (settings.final - settings.initial) * x


def _cosine(settings, step, warmup=0.0):
    x = _fallen(settings, step, warmup)
    falling = 0.5 * (1.0 + np.cos(np.pi * x))
    return settings.final + (settings.initial - settings.final) * falling


def _warmup_cosine(settings, step):
    rising = settings.initial * np.minimum((step + 1.0) / settings.warmup, 1.0)
    falling = _cosine(settings, step, settings.warmup)
    return np.where(step < settings.warmup, rising, falling)


def _piecewise(settings, step):
    rates = np.array([settings.initial, *settings.rates])
    return rates[np.searchsorted(settings.boundaries, step, side="right")]


SCHEDULES = {
    "constant": _constant,
    "exponential": _exponential,
    "linear": _linear,
    "cosine": _cosine,
    "warmup_cosine": _warmup_cosine,
    "piecewise": _piecewise,
    "plateau": _constant,
}
