"""Rules on the schedule of the learning rate."""

from annpot.config.run_rules import metric_is_measured

TRAINING = "TRAINING_PARAMETERS"
ENDING = ("linear", "cosine", "warmup_cosine")
NEEDED = {
    "exponential": ("learning_rate_decay_step", "learning_rate_decay_factor"),
    "warmup_cosine": ("warmup",),
    "piecewise": ("piecewise_boundaries", "piecewise_rates"),
}
USED_BY = {  # key -> schedules that know it
    "learning_rate_decay_step": ("exponential",),
    "learning_rate_decay_factor": ("exponential",),
    "staircase_decay_type": ("exponential",),
    "schedule_length": ENDING,
    "final_learning_rate": (*ENDING, "plateau"),
    "warmup": ("warmup_cosine",),
    "schedule_hold": ENDING,
    "piecewise_boundaries": ("piecewise",),
    "piecewise_rates": ("piecewise",),
    "plateau_factor": ("plateau",),
    "plateau_patience": ("plateau",),
    "plateau_metric": ("plateau",),
}


def schedule_is_told_once(parts, ini, findings):
    """learning_rate_constant = False means exponential, and nothing else."""
    training = parts.training
    is_other = training.schedule not in (None, "exponential")
    if training.learning_rate_constant is False and is_other:
        findings.problem(
            f"[{TRAINING}] schedule = {training.schedule} but learning_rate_constant = "
            "False, which is schedule = exponential. Keep one of the two.",
            ini.line(TRAINING, "schedule"),
        )


def schedule_is_complete(parts, ini, findings):
    """Each schedule has what it is made of."""
    training = parts.training
    told = f"schedule = {training.schedule}"
    key, way_out = "schedule", "choose another schedule"
    if training.schedule is None:
        told, key = "learning_rate_constant = False", "learning_rate_constant"
        way_out = "set learning_rate_constant = True"
    for needed in NEEDED.get(_schedule(training), ()):
        if getattr(training, needed) is None and not ini.has(TRAINING, needed):
            findings.problem(
                f"[{TRAINING}] {told} needs {needed}. Give it, or {way_out}.",
                ini.line(TRAINING, key),
            )


def schedule_knows_its_keys(parts, ini, findings):
    """Keys of other schedules have no effect."""
    training, schedule = parts.training, _schedule(parts.training)
    if schedule is None:
        return
    for key, users in USED_BY.items():
        default = type(training).model_fields[key].default
        if getattr(training, key) in (None, default) or schedule in users:
            continue
        if training.schedule is None and key.startswith(("learning", "staircase")):
            continue  # PANNA's files give them with learning_rate_constant = True
        findings.notice(
            f"[{TRAINING}] {key} has no effect: the schedule is {schedule}, and only "
            f"{', '.join(users)} {'use' if len(users) > 1 else 'uses'} it.",
            ini.line(TRAINING, key),
        )


def pieces_fit(parts, ini, findings):
    """As many rates as boundaries, which rise from above 0 and lie within the run."""
    training = parts.training
    boundaries, rates = training.piecewise_boundaries, training.piecewise_rates
    if _schedule(training) != "piecewise" or None in (boundaries, rates):
        return
    line = ini.line(TRAINING, "piecewise_boundaries")
    if len(boundaries) != len(rates):
        findings.problem(
            f"[{TRAINING}] piecewise_boundaries has {len(boundaries)} values but "
            f"piecewise_rates has {len(rates)}. Give one rate per boundary; before the "
            "first one the rate is learning_rate.",
            line,
        )
    rising = all(a < b for a, b in zip((0, *boundaries), boundaries, strict=False))
    if not rising:
        findings.problem(
            f"[{TRAINING}] piecewise_boundaries = {_listed(boundaries)}: expected "
            "numbers above 0, each larger than the one before.",
            line,
        )
    length = _run_length(training)
    if rising and boundaries and length and boundaries[-1] >= length:
        findings.problem(
            f"[{TRAINING}] piecewise_boundaries = {_listed(boundaries)} "
            f"{training.schedule_unit}: the run ends after {length:g}. Leave out what "
            "comes later, or make the run longer.",
            line,
        )


def schedule_lasts(parts, ini, findings):
    """A schedule that ends does not end before the run, nor before its warm-up."""
    training, schedule = parts.training, _schedule(parts.training)
    run = _run_length(training)
    if schedule not in ENDING or not run:
        return
    length, unit = training.schedule_length or run, training.schedule_unit
    if length < run:
        findings.problem(
            f"[{TRAINING}] schedule_length = {length:g} {unit} is shorter than the run "
            f"of {run:g} {unit}. Remove it, or give at least {run:g}.",
            ini.line(TRAINING, "schedule_length"),
        )
    before_fall = {"schedule_hold": training.schedule_hold or 0.0}
    if schedule == "warmup_cosine":
        before_fall = {"warmup": training.warmup or 0.0, **before_fall}
    if sum(before_fall.values()) >= length:
        given = {key: value for key, value in before_fall.items() if value}
        told = " and ".join(f"{key} = {value:g}" for key, value in given.items())
        findings.problem(
            f"[{TRAINING}] {told} {unit}, but the schedule ends after {length:g}. "
            f"Expected a shorter {' or '.join(given)}.",
            ini.line(TRAINING, next(iter(given))),
        )


def rate_falls(parts, ini, findings):
    """A rate that falls to something falls; one that grows is told of."""
    training, schedule = parts.training, _schedule(parts.training)
    rate, final = training.learning_rate, training.final_learning_rate
    falls = schedule in USED_BY["final_learning_rate"]
    if falls and None not in (rate, final) and final > rate:
        findings.problem(
            f"[{TRAINING}] final_learning_rate = {final:g} is larger than "
            f"learning_rate = {rate:g}, from which schedule = {schedule} falls. Give "
            "a smaller one.",
            ini.line(TRAINING, "final_learning_rate"),
        )
    factor = training.learning_rate_decay_factor
    if schedule == "exponential" and factor is not None and factor > 1:
        findings.notice(
            f"[{TRAINING}] learning_rate_decay_factor = {factor:g} is above 1: the "
            "rate grows.",
            ini.line(TRAINING, "learning_rate_decay_factor"),
        )


def plateau_metric_is_measured(parts, ini, findings):
    """The column that has to improve exists in this run."""
    column = parts.training.plateau_metric
    if column is not None and _schedule(parts.training) == "plateau":
        metric_is_measured(TRAINING, "plateau_metric", column, parts, ini, findings)


def _schedule(training):
    """Name of the schedule; None where the keys are wrong."""
    if training.schedule is None and training.learning_rate_constant is None:
        return None
    return training.rate_schedule


def _run_length(training):
    """Length of the run in the unit of the schedule; None where it is not known."""
    per_epoch, steps = training.steps_per_epoch, training.max_steps
    if steps is None and None not in (per_epoch, training.max_epochs):
        steps = training.max_epochs * per_epoch
    if steps is None or training.schedule_unit is None:
        return None
    if training.schedule_unit == "steps":
        return steps
    return steps / (per_epoch or max(1, steps // 10))


def _listed(numbers):
    return ", ".join(f"{number:g}" for number in numbers)


SCHEDULE_RULES = (
    schedule_is_told_once,
    schedule_is_complete,
    schedule_knows_its_keys,
    pieces_fit,
    schedule_lasts,
    rate_falls,
    plateau_metric_is_measured,
)
