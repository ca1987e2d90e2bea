"""Rules on the Gauss-Newton method: it minimizes sums of squares, and nothing else."""

from annpot.config.kalman_rules import PENALTIES, VIRIALS
from annpot.config.refused_keys import TRAINING, is_default, refuse_devices, refuse_keys

GAUSS_NEWTON = "gauss_newton"
GRADIENT = (
    "beta1", "beta2", "adam_eps", "momentum", "nesterov", "rho", "weight_decay",
    "clip_value", "clip_norm", "clip_global_norm",
)  # fmt: skip
COSTS_END = ("energy_cost_end", "forces_cost_end", "virial_cost_end")
SHORTEST = 0.05  # part of a step below which a rate is meant for another method
REFUSED = {  # key -> why not, and what there is instead
    **dict.fromkeys(GRADIENT, ("takes no step along a gradient", "")),
    "momentum": (
        "takes no step along a gradient",
        "Its own momentum is gauss_newton_momentum.",
    ),
    **dict.fromkeys(
        PENALTIES,
        ("has no penalty", "gauss_newton_damping binds the steps instead."),
    ),
    **dict.fromkeys(VIRIALS, ("does not compare virials", "")),
    **dict.fromkeys(COSTS_END, ("keeps its costs", "")),
    "accumulate_steps": (
        "solves for all structures of a step at once",
        "For more of them raise batch_size.",
    ),
}


def gauss_newton_refuses_other_keys(parts, ini, findings):
    """Keys of gradient steps, penalties and virials contradict the method."""
    refuse_keys(GAUSS_NEWTON, REFUSED, parts, ini, findings)
    refuse_devices(GAUSS_NEWTON, "kernel", parts, ini, findings)
    training = parts.training
    if training.optimizer == GAUSS_NEWTON and (training.learning_rate or 1) < SHORTEST:
        findings.problem(
            f"[{TRAINING}] learning_rate = {training.learning_rate:g} with optimizer = "
            "gauss_newton, where it is the part of a whole step that is taken. Give "
            "learning_rate = 1.",
            ini.line(TRAINING, "learning_rate"),
        )
    for key in ("loss_function", "floss_function"):
        name = getattr(training, key)
        if training.optimizer == GAUSS_NEWTON and name and not name.startswith("quad"):
            findings.problem(
                f"[{TRAINING}] {key} = {name} cannot be used with optimizer = "
                "gauss_newton, which minimizes sums of squares. Choose quad.",
                ini.line(TRAINING, key),
            )


def gauss_newton_knows_its_keys(parts, ini, findings):
    """Its keys with another optimizer, or without forces."""
    training = parts.training
    own = [key for key in type(training).model_fields if key.startswith(GAUSS_NEWTON)]
    for key in [key for key in own if not is_default(training, key)]:
        why = None
        if training.optimizer not in (None, GAUSS_NEWTON):
            why = f"optimizer = {training.optimizer}, and only gauss_newton uses it"
        elif key == "gauss_newton_projections" and training.forces_cost == 0:
            why = "forces_cost is 0"
        if why:
            findings.notice(
                f"[{TRAINING}] {key} has no effect: {why}.", ini.line(TRAINING, key)
            )


GAUSS_NEWTON_RULES = (gauss_newton_refuses_other_keys, gauss_newton_knows_its_keys)
