"""Is there room for the covariance? Told and refused before it is made."""

from annpot.errors import InputError
from annpot.training.columns import shapes_in_step
from annpot.training.kalman.blocks import groups_of
from annpot.training.kalman.memory import (
    kalman_memory,
    largest_that_fits,
    seconds_per_update,
)
from annpot.training.memory_estimate import available_memory
from annpot.training.parameters import KINDS, ParameterKey

COVARIANCE = "TRAINING_PARAMETERS", "kalman_covariance"
MEGABYTE = 1e6


def sizes_of(specs, columns):
    """{ParameterKey: number of weights} of what is trained, elements in order.

    Args:
        specs: NetworkSpec of each element.
        columns: for each element the descriptor columns in use, or None for all.
    """
    sizes = {}
    for spec, kept in zip(specs, columns, strict=True):
        pairs = zip(shapes_in_step(spec, kept), spec.layers, strict=True)
        for number, ((n_in, n_out), layer) in enumerate(pairs):
            counts = zip(KINDS, (n_in * n_out, n_out), strict=True)
            if layer.trainable:
                sizes |= {ParameterKey(spec.element, number, k): n for k, n in counts}
    return sizes


def filter_bytes(step, specs):
    """Bytes of the filter of a run; 0 with another optimizer.

    Args:
        step: StepSettings.
        specs: NetworkSpec of each element.
    """
    if step.kalman is None:
        return 0
    sizes = sizes_of(specs, step.columns)
    return kalman_memory(step.kalman, sizes, step.batch_size).total


def require_room(config, step, specs):
    """Refuse a filter that is larger than memory_budget_mb or the memory there is.

    Args:
        config: TrainConfig.
        step: StepSettings.
        specs: NetworkSpec of each element.

    Raises:
        InputError: with the covariance that fits.
    """
    needed = filter_bytes(step, specs)
    budget, there = config.io.memory_budget_mb * MEGABYTE, available_memory()
    limit = min(budget, there)
    if needed <= limit:
        return
    settings, sizes = step.kalman, sizes_of(specs, step.columns)
    if there < budget:
        what, way_out = f"there are {there / MEGABYTE:.4g} MB of memory left", ""
    else:
        what = f"memory_budget_mb is {config.io.memory_budget_mb:g}"
        way_out = ", or raise memory_budget_mb"
    fits = largest_that_fits(settings, sizes, step.batch_size, limit)
    if fits is not None:
        advice = f"Set kalman_covariance = {fits}, which fits"
    else:
        advice = f"Not even kalman_covariance = layer fits: {_smaller(settings)}"
    raise InputError(
        f"{config.source.where(*COVARIANCE)}: kalman_covariance = "
        f"{settings.covariance}: the filter of {sum(sizes.values())} weights and "
        f"{step.batch_size + settings.n_force_components} observations a step needs "
        f"{needed / MEGABYTE:.4g} MB, but {what}. {advice}{way_out}."
    )


def _smaller(settings):
    """What makes a filter smaller, beside its covariance."""
    less = "use a smaller batch_size, smaller networks"
    if settings.n_force_components:
        less += ", a smaller kalman_force_fraction"
    return less + ("" if settings.precision == "float32" else ", float32")


def told_of(step, specs):
    """Two lines on the filter for the screen.

    Args:
        step: StepSettings with a filter.
        specs: NetworkSpec of each element.
    """
    settings, sizes = step.kalman, sizes_of(specs, step.columns)
    memory = kalman_memory(settings, sizes, step.batch_size)
    largest = max((g.size for g in groups_of(sizes, settings.covariance)), default=0)
    seconds = seconds_per_update(settings, sizes, step.batch_size)
    forces = ""
    if settings.n_force_components:
        forces = (
            f" and {settings.n_force_components} force components "
            f"(unit {settings.force_unit:.3g} eV/angstrom)"
        )
    energies = "eV per atom" if settings.per_atom else "eV"
    return (
        f"kalman ({settings.kind}), observes {step.batch_size} energies (unit "
        f"{settings.energy_unit:.3g} {energies}){forces}",
        f"{settings.covariance}, blocks of at most {largest} weights, "
        f"{settings.precision}: {memory.covariance / MEGABYTE:.3g} MB, in each "
        f"checkpoint too; an update about {seconds * 1e3:.3g} ms, estimated without "
        "its derivatives",
    )
