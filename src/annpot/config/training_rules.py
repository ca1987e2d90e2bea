"""Rules on the loss, the learning rate and the length of a run."""

from dataclasses import dataclass

TRAINING = "TRAINING_PARAMETERS"


@dataclass(frozen=True)
class LossTerm:
    """Keys of one part of the loss.

    Attributes:
        labels: what it is about, `forces`.
        cost: key of its factor.
        function, weight, reduction: keys of its formula.
        divided: functions that divide by the number of atoms.
        plain: those that do not, in words.
    """

    labels: str
    cost: str
    function: str
    weight: str
    reduction: str
    divided: tuple[str, ...]
    plain: str


LOSS_TERMS = (
    LossTerm(
        "energies",
        "energy_cost",
        "loss_function",
        "energy_weight",
        "energy_reduction",
        ("quad_atom", "quad_std_atom", "exp_quad_atom"),
        "quad or exp_quad",
    ),
    LossTerm(
        "forces",
        "forces_cost",
        "floss_function",
        "force_weights",
        "force_reduction",
        ("quad_atom", "quad_percomp"),
        "quad or exp_quad",
    ),
    LossTerm(
        "virials",
        "virial_cost",
        "vloss_function",
        "virial_weights",
        "virial_reduction",
        ("quad_atom", "quad_std_atom", "quad_percomp"),
        "quad",
    ),
)


def run_length_is_given(parts, ini, findings):
    """max_epochs and steps_per_epoch, or max_steps, and no contradiction."""
    training = parts.training
    per_epoch, epochs = training.steps_per_epoch, training.max_epochs
    if training.max_steps is None:
        needed = ("max_epochs", "steps_per_epoch")
        for key in needed[:1] if training.optimizer == "lbfgs" else needed:
            if not ini.has(TRAINING, key) and not ini.has(TRAINING, "max_steps"):
                findings.problem(
                    f"[{TRAINING}] {key} is missing. Give max_epochs and "
                    "steps_per_epoch, or max_steps.",
                    ini.line(TRAINING),
                )
        return
    per_epoch = per_epoch or max(1, training.max_steps // 10)
    if epochs is not None and epochs != -(-training.max_steps // per_epoch):
        findings.problem(
            f"[{TRAINING}] max_steps = {training.max_steps} but max_epochs = {epochs} "
            f"of {per_epoch} steps are {epochs * per_epoch} steps. Keep max_steps, or "
            "max_epochs with steps_per_epoch.",
            ini.line(TRAINING, "max_steps"),
        )


def weights_fit_the_losses(parts, ini, findings):
    """A loss per atom is divided by the atoms already."""
    training = parts.training
    for term in LOSS_TERMS:
        weight = getattr(training, term.weight)
        function = getattr(training, term.function)
        if weight and function in term.divided and _is_trained(training, term):
            findings.problem(
                f"[{TRAINING}] {term.weight} = {weight} cannot be used with "
                f"{term.function} = {function}, which divides by the number of atoms "
                f"already. Remove {term.weight}, or use {term.function} = "
                f"{term.plain}.",
                ini.line(TRAINING, term.weight),
            )


def choices_have_a_cost(parts, ini, findings):
    """How a loss is made has no effect while its cost is 0."""
    training = parts.training
    for term in LOSS_TERMS:
        if _is_trained(training, term):
            continue
        for key in (term.function, term.weight, term.reduction):
            default = type(training).model_fields[key].default
            if getattr(training, key) not in (None, default):
                findings.notice(
                    f"[{TRAINING}] {key} has no effect: {term.cost} is 0, so that "
                    f"{term.labels} are not trained.",
                    ini.line(TRAINING, key),
                )


def something_is_trained(parts, ini, findings):
    """One part of the loss at least has a cost."""
    training = parts.training
    if not any(_is_trained(training, term) for term in LOSS_TERMS):
        findings.problem(
            f"[{TRAINING}] energy_cost = 0: nothing is trained, as forces_cost and "
            "virial_cost are 0 too. Give one of them a value above 0.",
            ini.line(TRAINING, "energy_cost"),
        )


def derivatives_are_needed(parts, ini, findings):
    """Derivatives are only for forces and virials."""
    training = parts.training
    if (
        training.forces_cost == 0
        and training.virial_cost == 0
        and (parts.io.derivatives not in (None, "auto"))
    ):
        findings.notice(
            "[IO_INFORMATION] derivatives has no effect: forces_cost and virial_cost "
            "are 0, so that energies alone are trained.",
            ini.line("IO_INFORMATION", "derivatives"),
        )


def _is_trained(training, term):
    """Whether a part of the loss counts; a cost that is wrong (None) might."""
    return getattr(training, term.cost) != 0


TRAINING_RULES = (
    run_length_is_given,
    weights_fit_the_losses,
    choices_have_a_cost,
    something_is_trained,
    derivatives_are_needed,
)
