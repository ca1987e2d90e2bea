"""Rules on matrix products in fewer digits."""

TRAINING = "TRAINING_PARAMETERS"
BY_GRADIENT = ("adam", "adamw", "nadam", "rmsprop", "sgd")


def mixed_precision_fits(parts, ini, findings):
    """Fewer digits are for float32 and for optimizers that bear noise."""
    training = parts.training
    mixed = training.mixed_precision
    if mixed in (None, "none"):
        if training.loss_scale is not None:
            findings.notice(
                f"[{TRAINING}] loss_scale has no effect: only mixed_precision = "
                "float16 uses it.",
                ini.line(TRAINING, "loss_scale"),
            )
        return
    told = f"[{TRAINING}] mixed_precision = {mixed}"
    line = ini.line(TRAINING, "mixed_precision")
    if training.precision == "float64":
        findings.problem(
            f"{told} cannot be used with precision = float64, which asks for more "
            "digits. Remove one of the two.",
            line,
        )
    if training.optimizer not in (None, *BY_GRADIENT):
        findings.problem(
            f"{told} cannot be used with optimizer = {training.optimizer}, which takes "
            "the rounding for a property of the data. Set mixed_precision = none, or "
            f"use one of {', '.join(BY_GRADIENT)}.",
            line,
        )
    if mixed == "float16" and training.accumulate_steps not in (None, 1):
        findings.problem(
            f"{told} leaves out steps whose gradient is not finite, which "
            f"accumulate_steps = {training.accumulate_steps} cannot. Set "
            "accumulate_steps = 1, or use mixed_precision = bfloat16.",
            line,
        )
    if mixed == "bfloat16" and training.loss_scale is not None:
        findings.notice(
            f"[{TRAINING}] loss_scale has no effect: bfloat16 has the range of "
            "float32, and only mixed_precision = float16 uses it.",
            ini.line(TRAINING, "loss_scale"),
        )


PRECISION_RULES = (mixed_precision_fits,)
