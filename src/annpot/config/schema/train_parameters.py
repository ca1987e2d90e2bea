"""Keys of app_train: loss and length of the run."""

from typing import ClassVar, Literal

from annpot.config.grammar import INTEGER, NUMBER, WORD, WORD_LIST
from annpot.config.schema.keys import REQUIRED, key, stage_key
from annpot.config.schema.train_averaging import Averaging
from annpot.config.schema.train_gauss_newton import GaussNewtonKeys
from annpot.config.schema.train_kalman import KalmanKeys
from annpot.config.schema.train_lbfgs import LBFGSKeys
from annpot.config.schema.train_optimizer import OptimizerKeys
from annpot.config.schema.train_precision import MixedPrecision

NO_CHARGES = "charges are not trained in this version"


OPTIMIZERS = (GaussNewtonKeys, KalmanKeys, LBFGSKeys, OptimizerKeys)


class Training(Averaging, MixedPrecision, *OPTIMIZERS):
    """Loss, optimizer, learning rate and length of the run."""

    name: ClassVar[str] = "TRAINING_PARAMETERS"
    about: ClassVar[str] = "Loss, optimizer, learning rate, length of the run."

    batch_size: int = stage_key(
        INTEGER, REQUIRED, ge=1, le=10**7, unit="structures", help="structures per step"
    )
    max_epochs: int | None = stage_key(
        INTEGER,
        None,
        ge=1,
        le=10**9,
        unit="epochs",
        help="epoch at which training ends, counted from the first start",
        default_text="needed unless max_steps is given",
    )
    steps_per_epoch: int | None = stage_key(
        INTEGER,
        None,
        ge=1,
        le=10**9,
        unit="steps",
        help="steps of an epoch; validation and a line of metrics.dat end it",
        default_text="needed, or max(1, max_steps // 10) when max_steps is given",
    )
    max_steps: int | None = stage_key(
        INTEGER,
        None,
        ge=1,
        le=10**12,
        unit="steps",
        help="step at which training ends exactly, instead of max_epochs",
        default_text="max_epochs x steps_per_epoch",
    )
    seed: int | None = key(
        INTEGER,
        None,
        ge=0,
        le=10**18,
        ours=True,
        help="seed of the initial weights and of the order of the records",
        default_text="drawn, printed and stored in the checkpoints",
    )
    precision: Literal["float32", "float64"] = key(
        WORD,
        "float32",
        ours=True,
        help="precision of the networks (energies are summed in float64)",
    )
    stages: tuple[str, ...] | None = key(
        WORD_LIST,
        None,
        ours=True,
        help="names of the [STAGE:name] sections that are run one after the other, "
        "each from the one before, see Stages",
        default_text="one stage is run: that of --stage, else the first",
    )
    energy_cost_end: float | None = stage_key(
        NUMBER,
        None,
        ge=0,
        ours=True,
        help="energy_cost at the last step, reached linearly over the run",
        default_text="energy_cost does not change",
    )
    forces_cost_end: float | None = stage_key(
        NUMBER,
        None,
        ge=0,
        ours=True,
        help="forces_cost at the last step, reached linearly over the run",
        default_text="forces_cost does not change",
    )
    virial_cost_end: float | None = stage_key(
        NUMBER,
        None,
        ge=0,
        ours=True,
        help="virial_cost at the last step, reached linearly over the run",
        default_text="virial_cost does not change",
    )
    loss_function: Literal[
        "quad", "exp_quad", "quad_atom", "quad_std_atom", "exp_quad_atom"
    ] = stage_key(WORD, "quad", help="energy loss of a structure, see Losses")
    energy_cost: float = stage_key(
        NUMBER,
        1.0,
        ge=0,
        ours=True,
        help="factor of the energy loss in the total loss; 0: energies are not trained",
    )
    energy_weight: Literal["n_atoms", "n_atoms2"] | None = stage_key(
        WORD,
        None,
        help="divide each structure's loss by its atoms or their square",
        default_text="no weight",
    )
    energy_reduction: Literal["mean", "sum"] = stage_key(
        WORD, "mean", help="how the losses of a batch are joined"
    )
    energy_prefactor: float | None = stage_key(
        NUMBER,
        None,
        gt=0,
        unit="1/eV^2",
        help="p of the exponential losses exp(p x^2)",
        default_text="1",
    )
    wscale_l1: float = stage_key(
        NUMBER, 0.0, ge=0, help="adds wscale_l1 sum |W| to the loss"
    )
    wscale_l2: float = stage_key(
        NUMBER, 0.0, ge=0, help="adds wscale_l2 sum W^2 to the loss"
    )
    bscale_l1: float = stage_key(
        NUMBER, 0.0, ge=0, help="adds bscale_l1 sum |b| to the loss"
    )
    bscale_l2: float = stage_key(
        NUMBER, 0.0, ge=0, help="adds bscale_l2 sum b^2 to the loss"
    )
    forces_cost: float = stage_key(
        NUMBER,
        0.0,
        ge=0,
        help="factor of the force loss in the total loss; 0: forces are not trained",
    )
    floss_function: Literal["quad", "exp_quad", "quad_atom", "quad_percomp"] = (
        stage_key(WORD, "quad", help="force loss of a structure, see Losses")
    )
    force_weights: Literal["n_atoms", "n_atoms2", "3n_atoms", "3n_atoms2"] | None = (
        stage_key(
            WORD,
            None,
            help="divide each structure's force loss by n, n^2, 3n or (3n)^2",
            default_text="no weight",
        )
    )
    force_reduction: Literal["mean", "sum"] = stage_key(
        WORD, "mean", help="how the force losses of a batch are joined"
    )
    virial_cost: float = stage_key(
        NUMBER,
        0.0,
        ge=0,
        ours=True,
        help="factor of the virial loss in the total loss; 0: virials are not trained",
    )
    vloss_function: Literal["quad", "quad_atom", "quad_std_atom", "quad_percomp"] = (
        stage_key(
            WORD, "quad_atom", ours=True, help="virial loss of a structure, see Losses"
        )
    )
    virial_weights: Literal["n_atoms", "n_atoms2"] | None = stage_key(
        WORD,
        None,
        ours=True,
        help="divide each structure's virial loss by its atoms or their square",
        default_text="no weight",
    )
    virial_reduction: Literal["mean", "sum"] = stage_key(
        WORD, "mean", ours=True, help="how the virial losses of a batch are joined"
    )
    charge_cost: float = stage_key(
        NUMBER,
        0.0,
        ge=0,
        help="weight of the charges in the loss",
        instead="Set charge_cost = 0 to train without charges.",
    )
    qloss_function: Literal["quad", "exp_quad", "quad_atom"] = stage_key(
        WORD, "quad", help="charge loss", without_effect=NO_CHARGES
    )
    charge_weights: Literal["n_atoms", "n_atoms2"] | None = stage_key(
        WORD, None, help="weight of the charge loss", without_effect=NO_CHARGES
    )
    charge_reduction: Literal["mean", "sum"] = stage_key(
        WORD, "mean", help="how charge losses are joined", without_effect=NO_CHARGES
    )

    @property
    def needs_derivatives(self):
        """Whether the loss has forces or virials."""
        return bool(self.forces_cost or self.virial_cost)

    @property
    def total_steps(self):
        """Optimizer steps of the whole run."""
        return self.max_steps or self.max_epochs * self.steps_per_epoch
