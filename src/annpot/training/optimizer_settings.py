"""Optimizer, learning rate and clipping of [TRAINING_PARAMETERS], as numbers."""

from annpot.training.kalman.choice import KALMAN
from annpot.training.step_settings import (
    ClippingSettings,
    LearningRateSettings,
    OptimizerSettings,
)


def optimizer_settings(training):
    """OptimizerSettings of the [TRAINING_PARAMETERS] section."""
    return OptimizerSettings(
        name=training.optimizer,
        beta1=training.beta1,
        beta2=training.beta2,
        epsilon=training.adam_eps,
        momentum=training.momentum,
        nesterov=training.nesterov,
        rho=training.rho,
        weight_decay=training.decoupled_decay,
        accumulate=training.accumulate_steps,
        lbfgs_memory=training.lbfgs_memory,
        lbfgs_line_search=training.lbfgs_line_search,
    )


def clipping_settings(training):
    """ClippingSettings of the section; 0 is no bound."""
    return ClippingSettings(
        training.clip_value or None,
        training.clip_norm or None,
        training.clip_global_norm or None,
    )


def learning_rate_settings(training, steps_per_epoch, total_steps):
    """LearningRateSettings of the section, lengths in steps.

    Args:
        training: the section.
        steps_per_epoch: steps of an epoch, for lengths in epochs.
        total_steps: steps of the whole run, the length unless told.
    """
    if training.optimizer == KALMAN:
        return LearningRateSettings(initial=1.0)
    unit = steps_per_epoch if training.schedule_unit == "epochs" else 1
    length = training.schedule_length
    final = training.final_learning_rate
    is_plateau = training.rate_schedule == "plateau"
    return LearningRateSettings(
        initial=training.learning_rate,
        schedule=training.rate_schedule,
        decay_step=(training.learning_rate_decay_step or 1.0) * unit,
        decay_factor=training.learning_rate_decay_factor or 1.0,
        staircase=training.staircase_decay_type,
        length=max(total_steps, 1) if length is None else length * unit,
        warmup=(training.warmup or 1.0) * unit,
        hold=training.schedule_hold * unit,
        final=final,
        boundaries=tuple(b * unit for b in training.piecewise_boundaries or ()),
        rates=tuple(training.piecewise_rates or ()),
        floor=final if is_plateau else 0.0,
        last=training.swa_rate if training.average == "swa" else None,
        last_from=((training.swa_start or 1) - 1) * steps_per_epoch,
    )
