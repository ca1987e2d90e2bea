"""Can the method run, and with how much memory? Asked before it begins."""

from annpot.errors import InputError
from annpot.networks.activations import ACTIVATIONS
from annpot.training.columns import shapes_in_step
from annpot.training.gauss_newton.memory import gauss_newton_memory
from annpot.training.gauss_newton.settings import unsupported


def gauss_newton_bytes(step, specs):
    """Bytes of the method in a run; 0 with another optimizer.

    Args:
        step: StepSettings.
        specs: NetworkSpec of each element.
    """
    if step.gauss_newton is None:
        return 0
    shapes = [shapes_in_step(*one) for one in zip(specs, step.columns, strict=True)]
    settings = step.gauss_newton
    return gauss_newton_memory(settings, step, shapes, settings.most_atoms).total


def require_formulas(config, step, specs):
    """Refuse what the method has no formula for.

    Args:
        config: TrainConfig.
        step: StepSettings.
        specs: NetworkSpec of each element.

    Raises:
        InputError: see `unsupported`.
    """
    if step.gauss_newton is None:
        return
    names = [
        [ACTIVATIONS[layer.activation].name for layer in spec.layers] for spec in specs
    ]
    where = config.source.where("TRAINING_PARAMETERS", "optimizer")
    problems = unsupported(step, names)
    if problems:
        raise InputError(
            f"{where}: optimizer = gauss_newton cannot be used here: "
            f"{'; '.join(problems)}. Change that, or choose another optimizer."
        )
