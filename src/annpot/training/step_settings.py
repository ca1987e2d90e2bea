"""All that the compiled step is made of, as numbers and names."""

from dataclasses import dataclass

import numpy as np

from annpot.training.gauss_newton.settings import GaussNewtonSettings
from annpot.training.kalman.settings import KalmanSettings
from annpot.training.loss_costs import Costs
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
    """Choices of `annpot.training.schedules`; lengths in steps.

    Attributes:
        schedule: name in `annpot.training.schedules.SCHEDULES`.
        initial, final: rates at the ends.
        decay_step, decay_factor, staircase: of exponential.
        length: steps from the first rate to the final one.
        warmup: steps in which the rate rises.
        hold: steps after these in which it stays before it falls.
        boundaries, rates: of piecewise: rate i holds from boundary i on.
        floor: least rate that a plateau leaves.
        last, last_from: constant rate from a step on, whatever the schedule; None for
            none.
    """

    initial: float
    schedule: str = "constant"
    decay_step: float = 1.0
    decay_factor: float = 1.0
    staircase: bool = False
    length: float = 1.0
    warmup: float = 1.0
    hold: float = 0.0
    final: float = 0.0
    boundaries: tuple[float, ...] = ()
    rates: tuple[float, ...] = ()
    floor: float = 0.0
    last: float | None = None
    last_from: int = 0


@dataclass(frozen=True)
class OptimizerSettings:
    """Choices of `annpot.training.optimizers`.

    Attributes:
        name: name in `annpot.training.update_rules.RULES`.
        beta1, beta2, epsilon: of the Adam family, epsilon of rmsprop too.
        momentum, nesterov: of sgd, momentum of rmsprop too.
        rho: decay of the mean square of rmsprop.
        weight_decay: of kernels, decoupled; 0 for none.
        accumulate: steps whose mean gradient makes one update.
        lbfgs_memory: pairs that lbfgs keeps.
        lbfgs_line_search: evaluations in a line search of lbfgs at most.
    """

    name: str = "adam"
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-7
    momentum: float = 0.0
    nesterov: bool = False
    rho: float = 0.9
    weight_decay: float = 0.0
    accumulate: int = 1
    lbfgs_memory: int = 10
    lbfgs_line_search: int = 20

    @property
    def described(self):
        """Optimizer in words."""
        if self.name == "lbfgs":
            return f"lbfgs, memory {self.lbfgs_memory}"
        decay = f", weight decay {self.weight_decay:g}" if self.weight_decay else ""
        steps = f", {self.accumulate} steps an update" if self.accumulate > 1 else ""
        return f"{self.name}{decay}{steps}"


@dataclass(frozen=True)
class ClippingSettings:
    """Bounds of the gradient, None for none; see `annpot.training.clipping`."""

    value: float | None = None
    norm: float | None = None
    global_norm: float | None = None


@dataclass(frozen=True)
class StepSettings:
    """All that the compiled step is made of.

    Attributes:
        batch_size: structures per step.
        chunk_size: most steps per call of the program; never changes a result.
        columns: for each element the descriptor columns that are not zero everywhere,
            or None where all are kept.
        n_devices: devices that a batch is shared out to.
        shapes: what batches, or the parts of each, have room for, from small to large,
            see `batch_shapes`.
        form: "rows", "stored" or "computed", see `annpot.training.forms.prediction`.
        precision: "float32" or "float64" of the networks.
        xla: whether XLA compiles the program.
        loss, force_loss, virial_loss: LossSettings, ForceLossSettings and
            VirialLossSettings.
        costs_end: Costs of the last step, where they change; those of the first step
            are in the settings of the losses.
        n_steps: steps of the whole run.
        kalman: KalmanSettings where a filter takes the place of the optimizer.
        gauss_newton: GaussNewtonSettings where that method does.
        mixed: type of the products of hidden layers: "bfloat16", "float16", or
            "none" for that of the networks.
        loss_scale: fixed factor of `annpot.training.loss_scale`, or None.
        n_in_turn: parts of a batch that a device works on one after the other.
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
    optimizer: OptimizerSettings
    clipping: ClippingSettings = ClippingSettings()
    costs_end: Costs | None = None
    n_steps: int = 1
    kalman: KalmanSettings | None = None
    gauss_newton: GaussNewtonSettings | None = None
    mixed: str = "none"
    loss_scale: float | None = None
    n_in_turn: int = 1

    @property
    def n_parts(self):
        """Parts of a batch: for the devices, and in turn."""
        return self.n_devices * self.n_in_turn
