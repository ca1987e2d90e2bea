"""Keys of app_train: how gradients become updates, and the learning rate."""

from typing import Annotated, ClassVar, Literal

from annotated_types import Gt

from annpot.config.grammar import (
    BOOLEAN,
    INTEGER,
    METRIC,
    NUMBER,
    NUMBER_LIST,
    WORD,
)
from annpot.config.schema.keys import Section, stage_key

ADAMW_DECAY = 0.004  # of Keras


class OptimizerKeys(Section):
    """Keys of [TRAINING_PARAMETERS] on the optimizer and the learning rate."""

    name: ClassVar[str] = "TRAINING_PARAMETERS"

    optimizer: Literal[
        "adam", "adamw", "nadam", "rmsprop", "sgd", "lbfgs", "kalman", "gauss_newton"
    ] = stage_key(WORD, "adam", ours=True, help="how weights are moved, see Optimizers")
    weight_decay: float | None = stage_key(
        NUMBER,
        None,
        ge=0,
        ours=True,
        help="w falls by rate x weight_decay x w in each update, of kernels only; not "
        "with adam",
        default_text="0.004 with adamw, else 0",
    )
    momentum: float = stage_key(
        NUMBER, 0.0, ge=0, lt=1, ours=True, help="sgd, rmsprop: part of the step before"
    )
    nesterov: bool = stage_key(
        BOOLEAN, False, ours=True, help="sgd with momentum: look ahead by one step"
    )
    rho: float = stage_key(
        NUMBER, 0.9, ge=0, lt=1, ours=True, help="rmsprop: decay of the mean square"
    )
    accumulate_steps: int = stage_key(
        INTEGER,
        1,
        ge=1,
        le=10**6,
        unit="steps",
        ours=True,
        help="steps whose mean gradient makes one update; divides steps_per_epoch",
    )
    learning_rate: float = stage_key(
        NUMBER,
        1e-3,
        gt=0,
        help="learning rate at step 0; with gauss_newton the part of a whole step, 1",
    )
    schedule: (
        Literal[
            "constant",
            "exponential",
            "linear",
            "cosine",
            "warmup_cosine",
            "piecewise",
            "plateau",
        ]
        | None
    ) = stage_key(
        WORD,
        None,
        ours=True,
        help="how the learning rate changes, see Schedules",
        default_text="exponential with learning_rate_constant = False, else constant",
    )
    schedule_unit: Literal["steps", "epochs"] = stage_key(
        WORD,
        "steps",
        ours=True,
        help="unit of learning_rate_decay_step, schedule_length, warmup, "
        "schedule_hold and piecewise_boundaries",
    )
    schedule_length: float | None = stage_key(
        NUMBER,
        None,
        gt=0,
        ours=True,
        help="linear, cosine, warmup_cosine: when final_learning_rate is reached",
        default_text="the length of the run",
    )
    final_learning_rate: float = stage_key(
        NUMBER,
        0.0,
        ge=0,
        ours=True,
        help="linear, cosine, warmup_cosine: rate at the end; plateau: smallest rate",
    )
    warmup: float | None = stage_key(
        NUMBER,
        None,
        gt=0,
        ours=True,
        help="warmup_cosine: how long the rate rises from 0",
        default_text="needed with schedule = warmup_cosine",
    )
    schedule_hold: float = stage_key(
        NUMBER,
        0.0,
        ge=0,
        ours=True,
        help="linear, cosine, warmup_cosine: how long the rate stays at learning_rate "
        "before it falls",
    )
    piecewise_boundaries: tuple[float, ...] | None = stage_key(
        NUMBER_LIST,
        None,
        ours=True,
        help="piecewise: when each of piecewise_rates begins",
        default_text="needed with schedule = piecewise",
    )
    piecewise_rates: tuple[Annotated[float, Gt(0)], ...] | None = stage_key(
        NUMBER_LIST,
        None,
        ours=True,
        help="piecewise: rate from each boundary on",
        default_text="needed with schedule = piecewise",
    )
    plateau_factor: float = stage_key(
        NUMBER,
        0.5,
        gt=0,
        lt=1,
        ours=True,
        help="plateau: the rate is multiplied by it when the metric does not improve",
    )
    plateau_patience: int = stage_key(
        INTEGER,
        10,
        ge=1,
        le=10**9,
        unit="epochs",
        ours=True,
        help="plateau: epochs without improvement before the rate falls",
    )
    plateau_metric: str | None = stage_key(
        METRIC,
        None,
        ours=True,
        help="plateau: column of metrics.dat that has to improve",
        default_text="val_loss with validation data, else loss",
    )
    learning_rate_constant: bool = stage_key(
        BOOLEAN, True, help="False: rate = learning_rate x factor ^ (step / decay_step)"
    )
    learning_rate_decay_step: float | None = stage_key(
        NUMBER,
        None,
        gt=0,
        unit="steps",
        help="steps in which the rate falls by the factor",
        default_text="needed with learning_rate_constant = False",
    )
    learning_rate_decay_factor: float | None = stage_key(
        NUMBER,
        None,
        gt=0,
        help="factor of the decay",
        default_text="needed with learning_rate_constant = False",
    )
    staircase_decay_type: bool = stage_key(
        BOOLEAN, False, help="lower the rate in jumps: step / decay_step is floored"
    )
    beta1: float = stage_key(
        NUMBER, 0.9, ge=0, lt=1, help="Adam: decay of the first moment"
    )
    beta2: float = stage_key(
        NUMBER, 0.999, ge=0, lt=1, help="Adam: decay of the second moment"
    )
    adam_eps: float = stage_key(
        NUMBER, 1e-7, gt=0, help="Adam: added to the denominator"
    )
    clip_value: float = stage_key(
        NUMBER, 0.0, ge=0, help="largest component of the gradient; 0: no bound"
    )
    clip_norm: float = stage_key(
        NUMBER,
        0.0,
        ge=0,
        ours=True,
        help="largest norm of the gradient of each weight matrix and bias; 0: no bound",
    )
    clip_global_norm: float = stage_key(
        NUMBER,
        0.0,
        ge=0,
        ours=True,
        help="largest norm of the gradient of all weights together; 0: no bound",
    )

    @property
    def rate_schedule(self):
        """Name of the schedule, also where PANNA's key chooses it."""
        constant = "constant" if self.learning_rate_constant else "exponential"
        return self.schedule or constant

    @property
    def decoupled_decay(self):
        """Decoupled weight decay of the optimizer."""
        default = ADAMW_DECAY if self.optimizer == "adamw" else 0.0
        return default if self.weight_decay is None else self.weight_decay
