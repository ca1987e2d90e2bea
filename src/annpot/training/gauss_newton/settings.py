"""Choices of the Gauss-Newton method, and what it cannot minimize."""

from dataclasses import dataclass

# Of a quadratic loss: its coefficient of d^2 for a structure of n atoms.
ENERGY_COEFFICIENTS = {
    "quad": lambda n: 1.0,
    "quad_atom": lambda n: 1.0 / n**2,
    "quad_std_atom": lambda n: 1.0 / n,
}
FORCE_COEFFICIENTS = {
    "quad": lambda n: 1.0,
    "quad_atom": lambda n: 1.0 / n,
    "quad_percomp": lambda n: 1.0 / (3.0 * n),
}
ENERGIES_ONLY = "rows"  # the form without forces
RBF = "rbf"


@dataclass(frozen=True)
class GaussNewtonSettings:
    """Choices of `annpot.training.gauss_newton.program.GaussNewtonProgram`.

    Attributes:
        damping: lambda, in units of the mean diagonal element of the kernel. Networks
            in float32 give this with errors of 1e-7 times the size of a batch.
        momentum: mu, 0 to below 1: how much of the last step is kept where the batch
            says nothing else.
        bias_scale: squared step of a bias for that of a weight.
        input_scale: the same of a weight of the first layer: 1 / |x|^2 where inputs x
            have that size, since the nodes of other layers are of size 1.
        projections: random directions per structure and step along which forces are
            compared; the more, the better and slower is a step.
        most_atoms: for each element the most atoms of a structure.
        seed: of these directions.
    """

    damping: float = 1e-4
    momentum: float = 0.95
    bias_scale: float = 3.0
    input_scale: float = 1.0
    projections: int = 5
    most_atoms: tuple[int, ...] = ()
    seed: int = 0


def rows_per_structure(settings, with_forces):
    """Residuals of a structure: its energy, and forces along random directions."""
    return 1 + (settings.projections if with_forces else 0)


def unsupported(settings, activations):
    """What of a run the method has no formula for, as sentences; [] if it can run.

    Args:
        settings: StepSettings.
        activations: for each element the names of its activations.
    """
    found = []
    loss, force_loss = settings.loss, settings.force_loss
    if loss.function not in ENERGY_COEFFICIENTS:
        found.append(f"loss_function {loss.function} is not quadratic")
    if force_loss.is_on and force_loss.function not in FORCE_COEFFICIENTS:
        found.append(f"floss_function {force_loss.function} is not quadratic")
    if settings.virial_loss.is_on:
        found.append("virials are not among the residuals")
    if settings.regularization.is_on:
        found.append("penalties on weights are not among the residuals")
    if any(RBF in names for names in activations):
        found.append("activation rbf has no derivative of the form it needs")
    if settings.n_devices > 1:
        found.append("batches are not shared out to several devices")
    return found
