"""All that the compiled step is made of, as numbers and names."""

from dataclasses import dataclass

import numpy as np

from annpot.training.loss_settings import (
    ForceLossSettings,
    LossSettings,
    VirialLossSettings,
)


@dataclass(frozen=True)
class RegularizationSettings:
    """Coefficients of `annpot.training.losses.regularization`."""

    kernel_l1: float
    kernel_l2: float
    bias_l1: float
    bias_l2: float

    @property
    def is_on(self):
        """Whether any coefficient is not zero."""
        return any(vars(self).values())


@dataclass(frozen=True)
class LearningRateSettings:
    """Choices of `annpot.training.schedules.RateSchedule`."""

    initial: float
    decay_step: float = 1.0
    decay_factor: float = 1.0
    staircase: bool = False


@dataclass(frozen=True)
class AdamSettings:
    """Coefficients of Adam; epsilon is not divided by the bias correction."""

    beta1: float
    beta2: float
    epsilon: float


@dataclass(frozen=True)
class StepSettings:
    """All that the compiled step is made of.

    Attributes:
        batch_size: structures per step.
        chunk_size: most steps per call of the program; never changes a result.
        columns: for each element the descriptor columns that are not zero everywhere,
            or None where all are kept.
        n_devices: devices that a batch is shared out to.
        shapes: what batches, or the share of each device, have room for, from small to
            large, see `batch_shapes`.
        form: "rows", "stored" or "computed", see `annpot.training.forms.prediction`.
        precision: "float32" or "float64" of the networks.
        xla: whether XLA compiles the program.
        loss, force_loss, virial_loss: LossSettings, ForceLossSettings and
            VirialLossSettings.
    """

    batch_size: int
    chunk_size: int
    columns: tuple[np.ndarray | None, ...]
    n_devices: int
    shapes: tuple[tuple[int, ...], ...]
    form: str
    precision: str
    xla: bool
    loss: LossSettings
    force_loss: ForceLossSettings
    virial_loss: VirialLossSettings
    regularization: RegularizationSettings
    learning_rate: LearningRateSettings
    adam: AdamSettings
