"""The choices of `annpot.training.losses`, from the INI section to frozen objects."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LossSettings:
    """Choices of `annpot.training.losses.energy_loss`.

    Attributes:
        cost: factor of the energy loss in the total loss; 0: energies are not trained.
    """

    function: str
    weight: str | None
    reduction: str
    prefactor: float
    cost: float = 1.0


@dataclass(frozen=True)
class ForceLossSettings:
    """Choices of `annpot.training.losses.force_loss`.

    Attributes:
        cost: factor of the force loss in the total loss; 0: forces are not trained.
    """

    cost: float = 0.0
    function: str = "quad"
    weight: str | None = None
    reduction: str = "mean"

    @property
    def is_on(self):
        """Whether forces are trained."""
        return self.cost > 0


@dataclass(frozen=True)
class VirialLossSettings:
    """Choices of `annpot.training.losses.virial_loss`.

    Attributes:
        cost: factor of the virial loss in the total loss; 0: virials are not trained.
    """

    cost: float = 0.0
    function: str = "quad_atom"
    weight: str | None = None
    reduction: str = "mean"

    @property
    def is_on(self):
        """Whether virials are trained."""
        return self.cost > 0


def energy_loss_settings(training):
    """LossSettings of the [TRAINING_PARAMETERS] section."""
    return LossSettings(
        function=training.loss_function,
        weight=training.energy_weight,
        reduction=training.energy_reduction,
        prefactor=training.energy_prefactor or 1.0,
        cost=training.energy_cost,
    )


def force_loss_settings(training):
    """ForceLossSettings of the [TRAINING_PARAMETERS] section."""
    return ForceLossSettings(
        cost=training.forces_cost,
        function=training.floss_function,
        weight=training.force_weights,
        reduction=training.force_reduction,
    )


def virial_loss_settings(training):
    """VirialLossSettings of the [TRAINING_PARAMETERS] section."""
    return VirialLossSettings(
        cost=training.virial_cost,
        function=training.vloss_function,
        weight=training.virial_weights,
        reduction=training.virial_reduction,
    )
