"""Factors of the parts of the loss, where they change from step to step.

cost(t) = first + (last - first) t / (n_steps - 1), t from 0: linear over the run.
"""

from typing import Any, NamedTuple

import numpy as np


class Costs(NamedTuple):
    """Factors of the energy, force and virial loss: numbers, arrays or tensors."""

    energy: Any
    forces: Any
    virial: Any


def constant_costs(settings):
    """Costs of StepSettings at the first step."""
    return Costs(
        settings.loss.cost, settings.force_loss.cost, settings.virial_loss.cost
    )


def costs_end(training):
    """Costs of the last step by [TRAINING_PARAMETERS], None where all stay."""
    first = training.energy_cost, training.forces_cost, training.virial_cost
    last = training.energy_cost_end, training.forces_cost_end, training.virial_cost_end
    if all(cost is None for cost in last):
        return None
    return Costs(*(b if e is None else e for b, e in zip(first, last, strict=True)))


def costs_at(settings, steps):
    """Costs of some steps, (n_steps,) float64 each; () where they stay.

    Args:
        settings: StepSettings.
        steps: (n_steps,) numbers of steps.
    """
    if settings.costs_end is None:
        return ()
    x = np.minimum(np.asarray(steps) / max(settings.n_steps - 1, 1), 1.0)
    pairs = zip(constant_costs(settings), settings.costs_end, strict=True)
    return Costs(*(first + (last - first) * x for first, last in pairs))
