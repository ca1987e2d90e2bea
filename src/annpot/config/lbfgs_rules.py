"""Rules on L-BFGS, which takes all data at once and finds the length of its steps."""

TRAINING, IO = "TRAINING_PARAMETERS", "IO_INFORMATION"
NOT_WITH_LBFGS = {  # key -> values that ask for nothing
    "clip_value": (0,),
    "clip_norm": (0,),
    "clip_global_norm": (0,),
    "accumulate_steps": (1,),
    "weight_decay": (0,),
    "schedule": ("constant",),
    "learning_rate_constant": (True,),
    "swa_rate": (),
    "energy_cost_end": (),
    "forces_cost_end": (),
    "virial_cost_end": (),
}


def whole_data_have_no_batches(parts, ini, findings):
    """L-BFGS minimizes one function: nothing that changes it, or its steps, fits."""
    training = parts.training
    if training.optimizer != "lbfgs":
        return
    told = f"[{TRAINING}] optimizer = lbfgs"
    for key, idle in NOT_WITH_LBFGS.items():
        value = getattr(training, key)
        if value is not None and value not in idle:
            findings.problem(
                f"{told} finds its own steps from the loss of all data: {key} = "
                f"{_written(value)} cannot be used. {_way_out(key, idle)}, or choose "
                "another optimizer.",
                ini.line(TRAINING, key),
            )


def whole_data_are_in_memory(parts, ini, findings):
    """L-BFGS reads all data in each evaluation."""
    if parts.training.optimizer == "lbfgs" and parts.io.dataset_cache is False:
        findings.problem(
            f"[{TRAINING}] optimizer = lbfgs needs all data in memory, but [{IO}] "
            "dataset_cache = False streams them. Remove it, or choose another "
            "optimizer.",
            ini.line(IO, "dataset_cache"),
        )


def _way_out(key, idle):
    return f"Set {key} = {_written(idle[0])}" if idle else f"Remove {key}"


def _written(value):
    is_number = isinstance(value, float | int) and not isinstance(value, bool)
    return f"{value:g}" if is_number else value


LBFGS_RULES = (whole_data_have_no_batches, whole_data_are_in_memory)
