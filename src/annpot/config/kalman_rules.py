"""Rules on the extended Kalman filter: it is no gradient step."""

from annpot.config.refused_keys import TRAINING, is_default, refuse_devices, refuse_keys

KALMAN = "kalman"
GRADIENT = (
    "beta1", "beta2", "adam_eps", "momentum", "nesterov", "rho", "weight_decay",
    "clip_value", "clip_norm", "clip_global_norm",
)  # fmt: skip
RATE = (
    "learning_rate", "schedule", "schedule_unit", "schedule_length",
    "final_learning_rate", "warmup", "piecewise_boundaries", "piecewise_rates",
    "plateau_factor", "plateau_patience", "plateau_metric", "learning_rate_constant",
    "learning_rate_decay_step", "learning_rate_decay_factor", "staircase_decay_type",
    "swa_rate",
)  # fmt: skip
LOSS = (
    "loss_function", "energy_weight", "energy_reduction", "energy_prefactor",
    "floss_function", "force_weights", "force_reduction",
)  # fmt: skip
PENALTIES = ("wscale_l1", "wscale_l2", "bscale_l1", "bscale_l2")
VIRIALS = ("virial_cost", "vloss_function", "virial_weights", "virial_reduction")
UNIT = "The smaller kalman_{0}_unit is, the more {1} count."
REFUSED = {  # key -> why not, and what there is instead
    **dict.fromkeys(GRADIENT, ("takes no step along a gradient", "")),
    **dict.fromkeys(RATE, ("has no learning rate", "")),
    **dict.fromkeys(LOSS, ("fits squares of errors in units of its own", "")),
    **dict.fromkeys(
        PENALTIES,
        ("has no penalty", "A smaller kalman_initial_covariance binds the weights."),
    ),
    **dict.fromkeys(VIRIALS, ("does not observe virials", "")),
    "accumulate_steps": (
        "observes all structures of a step at once",
        "For more of them raise batch_size.",
    ),
    "energy_cost": ("weighs by units", UNIT.format("energy", "energies")),
    "energy_cost_end": ("weighs by units", UNIT.format("energy", "energies")),
    "forces_cost_end": ("weighs by units", UNIT.format("force", "forces")),
    "virial_cost_end": ("does not observe virials", ""),
}
OF_KIND = {  # key -> the kind that uses it
    "kalman_lambda": "fading_memory",
    "kalman_nu": "fading_memory",
    "kalman_max_variance": "fading_memory",
    "kalman_eta": "standard",
    "kalman_eta_growth": "standard",
    "kalman_eta_max": "standard",
}
OF_FORCES = ("kalman_force_unit", "kalman_force_fraction")
ABOVE = (  # (key, key that it may not be above)
    ("kalman_noise_end", "kalman_noise"),
    ("kalman_eta", "kalman_eta_max"),
    ("kalman_initial_covariance", "kalman_max_variance"),
)


def filter_refuses_other_keys(parts, ini, findings):
    """Keys of gradient steps and of other losses contradict the filter."""
    refuse_keys(KALMAN, REFUSED, parts, ini, findings)
    training = parts.training
    if training.optimizer != KALMAN:
        return
    if training.forces_cost not in (None, 0.0, 1.0):
        findings.problem(
            f"[{TRAINING}] forces_cost = {training.forces_cost:g} cannot be used with "
            "optimizer = kalman, which weighs by units. Set 1 to observe forces. "
            f"{UNIT.format('force', 'they')}",
            ini.line(TRAINING, "forces_cost"),
        )


def filter_has_one_device(parts, ini, findings):
    """The covariance is on one device."""
    refuse_devices(KALMAN, "covariance", parts, ini, findings)


def filter_knows_its_keys(parts, ini, findings):
    """Keys of the filter with another optimizer, of its other kind, or of forces."""
    training = parts.training
    own = [key for key in type(training).model_fields if key.startswith("kalman_")]
    for key in [key for key in own if not is_default(training, key)]:
        why = None
        if training.optimizer not in (None, KALMAN):
            why = f"optimizer = {training.optimizer}, and only kalman uses it"
        elif OF_KIND.get(key) not in (None, training.kalman_kind):
            why = f"kalman_kind = {training.kalman_kind} does not use it"
        elif key in OF_FORCES and training.forces_cost == 0:
            why = "forces_cost is 0, so that forces are not observed"
        if why:
            findings.notice(
                f"[{TRAINING}] {key} has no effect: {why}.", ini.line(TRAINING, key)
            )


def filter_begins_below_its_bounds(parts, ini, findings):
    """Noise falls, eta and variances rise to their bounds."""
    training = parts.training
    if training.optimizer != KALMAN:
        return
    for key, bound in ABOVE:
        value, most = getattr(training, key), getattr(training, bound)
        kinds = {OF_KIND.get(name) for name in (key, bound)} - {None}
        is_used = kinds <= {training.kalman_kind}
        is_unbounded = bound == "kalman_max_variance" and most == 0
        if None in (value, most) or not is_used or is_unbounded or value <= most:
            continue
        findings.problem(
            f"[{TRAINING}] {key} = {value:g} is above {bound} = {most:g}. Expected at "
            f"most {most:g}, or a larger {bound}.",
            ini.line(TRAINING, key if ini.has(TRAINING, key) else bound),
        )


KALMAN_RULES = (
    filter_refuses_other_keys,
    filter_has_one_device,
    filter_knows_its_keys,
    filter_begins_below_its_bounds,
)
