"""Numbers that change from step to step, made beside the compiled program."""

from typing import NamedTuple

import numpy as np

from annpot.training.loss_costs import Costs, costs_at


class StepNumbers(NamedTuple):
    """What a step reads beside its batch; with a first axis, what some steps read.

    Attributes:
        rate: learning rate, float64.
        costs: Costs, () where they do not change.
    """

    rate: np.ndarray
    costs: Costs | tuple[()]


class PerStep:
    """StepNumbers of a run, functions of the number of the step alone.

    Args:
        settings: StepSettings.
        learning_rate: LearningRate.
    """

    def __init__(self, settings, learning_rate):
        self._settings, self._learning_rate = settings, learning_rate

    def of(self, first_step, n_steps):
        """StepNumbers of `n_steps` steps, `first_step` steps done before."""
        steps = np.arange(first_step, first_step + n_steps)
        return StepNumbers(
            np.asarray(self._learning_rate.at(steps), np.float64),
            costs_at(self._settings, steps),
        )
