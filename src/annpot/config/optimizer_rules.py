"""Rules on the optimizer, clipping and accumulation, and costs that change."""

TRAINING = "TRAINING_PARAMETERS"
ADAMS = ("adam", "adamw", "nadam")
USED_BY = {  # key -> optimizers that know it
    "beta1": ADAMS,
    "beta2": ADAMS,
    "adam_eps": (*ADAMS, "rmsprop"),
    "momentum": ("sgd", "rmsprop"),
    "nesterov": ("sgd",),
    "rho": ("rmsprop",),
    "learning_rate": (*ADAMS, "rmsprop", "sgd"),
    "lbfgs_memory": ("lbfgs",),
    "lbfgs_line_search": ("lbfgs",),
}
REFUSING = (None, "kalman", "gauss_newton")  # have rules of their own
CLIPPINGS = ("clip_value", "clip_norm", "clip_global_norm")
COSTS = ("energy_cost", "forces_cost", "virial_cost")


def optimizer_knows_its_keys(parts, ini, findings):
    """Keys of other optimizers have no effect."""
    training = parts.training
    if training.optimizer in REFUSING:
        return
    for key, users in USED_BY.items():
        default = type(training).model_fields[key].default
        is_given = getattr(training, key) not in (None, default)
        if is_given and training.optimizer not in users:
            findings.notice(
                f"[{TRAINING}] {key} has no effect: optimizer = {training.optimizer} "
                f"does not use it, only {', '.join(users)}.",
                ini.line(TRAINING, key),
            )
    if training.nesterov and training.momentum == 0 and training.optimizer == "sgd":
        findings.problem(
            f"[{TRAINING}] nesterov = True needs momentum above 0, for example "
            "momentum = 0.9.",
            ini.line(TRAINING, "nesterov"),
        )


def decay_is_decoupled(parts, ini, findings):
    """Adam has no weight decay: with it, it is AdamW."""
    training = parts.training
    if training.optimizer == "adam" and training.weight_decay:
        findings.problem(
            f"[{TRAINING}] weight_decay = {training.weight_decay:g} cannot be used "
            "with optimizer = adam. Use optimizer = adamw, or wscale_l2 for a penalty "
            "in the loss.",
            ini.line(TRAINING, "weight_decay"),
        )


def decay_leaves_weights(parts, ini, findings):
    """One update does not shrink a weight to nothing, or beyond."""
    training = parts.training
    rate, decay = training.learning_rate, training.weight_decay
    if training.optimizer == "adam" or not rate or not decay or rate * decay < 1:
        return
    findings.problem(
        f"[{TRAINING}] learning_rate = {rate:g} and weight_decay = {decay:g}: in each "
        f"update weights would fall by {rate * decay:g} times themselves. Expected a "
        f"weight_decay far below {1 / rate:g}.",
        ini.line(TRAINING, "weight_decay"),
    )


def one_clipping_is_chosen(parts, ini, findings):
    """A gradient has one bound."""
    chosen = [key for key in CLIPPINGS if getattr(parts.training, key)]
    if len(chosen) > 1:
        listed = " and ".join(
            f"{key} = {getattr(parts.training, key):g}" for key in chosen
        )
        findings.problem(
            f"[{TRAINING}] {listed}: expected one way of clipping. Remove the others.",
            ini.line(TRAINING, chosen[-1]),
        )


def accumulation_divides(parts, ini, findings):
    """An epoch, and the run, end with an update."""
    training = parts.training
    k = training.accumulate_steps
    if k in (None, 1):
        return
    for key in ("steps_per_epoch", "max_steps"):
        n_steps = getattr(training, key)
        if n_steps and n_steps % k and ini.has(TRAINING, key):
            findings.problem(
                f"[{TRAINING}] accumulate_steps = {k} does not divide {key} = "
                f"{n_steps}: the last {n_steps % k} gradients would be left over. Use "
                f"{key} = {n_steps // k * k or k}, or another accumulate_steps.",
                ini.line(TRAINING, "accumulate_steps"),
            )


def costs_change_from_something(parts, ini, findings):
    """A cost that changes is above 0 at the first step: what is trained is known."""
    training = parts.training
    for key in COSTS:
        end = f"{key}_end"
        if getattr(training, end) is not None and getattr(training, key) == 0:
            findings.problem(
                f"[{TRAINING}] {end} = {getattr(training, end):g} but {key} = 0. Begin "
                f"with a small cost, for example {key} = 1e-6, or remove {end}.",
                ini.line(TRAINING, end),
            )


OPTIMIZER_RULES = (
    optimizer_knows_its_keys,
    decay_is_decoupled,
    decay_leaves_weights,
    one_clipping_is_chosen,
    accumulation_divides,
    costs_change_from_something,
)
