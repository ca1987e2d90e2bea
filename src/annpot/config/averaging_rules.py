"""Rules on averages of the weights and on early stopping."""

from annpot.config.run_rules import metric_is_measured

TRAINING = "TRAINING_PARAMETERS"
USED_BY = {"ema_decay": "ema", "swa_start": "swa", "swa_rate": "swa"}
STOPPING = ("early_stopping_metric", "early_stopping_min_delta", "restore_best")


def averages_know_their_keys(parts, ini, findings):
    """Keys of another average have no effect."""
    training = parts.training
    if training.average is None:
        return
    for key, user in USED_BY.items():
        default = type(training).model_fields[key].default
        if getattr(training, key) != default and training.average != user:
            findings.notice(
                f"[{TRAINING}] {key} has no effect: average = {training.average}, and "
                f"only {user} uses it.",
                ini.line(TRAINING, key),
            )


def averaging_begins_in_time(parts, ini, findings):
    """swa has at least one complete epoch to average."""
    training = parts.training
    if training.average != "swa":
        return
    start = training.swa_start
    if start is None:
        if not ini.has(TRAINING, "swa_start"):
            findings.problem(
                f"[{TRAINING}] average = swa needs swa_start, the first epoch whose "
                "end is averaged.",
                ini.line(TRAINING, "average"),
            )
        return
    epochs = _complete_epochs(training)
    if epochs is not None and start > epochs:
        findings.problem(
            f"[{TRAINING}] swa_start = {start}, but the run has {epochs} complete "
            f"epochs: nothing would be averaged. Give a swa_start of at most {epochs}, "
            "or make the run longer.",
            ini.line(TRAINING, "swa_start"),
        )


def _complete_epochs(training):
    """Complete epochs of the run; None where it is not known."""
    if training.max_steps is None:
        return training.max_epochs
    return training.max_steps // (
        training.steps_per_epoch or max(1, training.max_steps // 10)
    )


def stopping_has_patience(parts, ini, findings):
    """Keys about an early end need early_stopping_patience."""
    training = parts.training
    if training.early_stopping_patience is not None:
        _patience_can_end(training, ini, findings)
        return
    if ini.has(TRAINING, "early_stopping_patience"):
        return
    for key in STOPPING:
        default = type(training).model_fields[key].default
        if getattr(training, key) not in (None, default):
            findings.notice(
                f"[{TRAINING}] {key} has no effect: without early_stopping_patience "
                "training does not end early.",
                ini.line(TRAINING, key),
            )


def _patience_can_end(training, ini, findings):
    patience, epochs = training.early_stopping_patience, _complete_epochs(training)
    if epochs is not None and patience >= epochs:
        findings.notice(
            f"[{TRAINING}] early_stopping_patience = {patience} has no effect: the run "
            f"has {epochs} complete epochs.",
            ini.line(TRAINING, "early_stopping_patience"),
        )


def stopping_metric_is_measured(parts, ini, findings):
    """The column that has to improve exists in this run."""
    column = parts.training.early_stopping_metric
    if column is not None and parts.training.early_stopping_patience is not None:
        key = "early_stopping_metric"
        metric_is_measured(TRAINING, key, column, parts, ini, findings)


AVERAGING_RULES = (
    averages_know_their_keys,
    averaging_begins_in_time,
    stopping_has_patience,
    stopping_metric_is_measured,
)
