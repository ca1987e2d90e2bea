"""Which checkpoint of a folder is the best, by the history in the newest one."""

import configparser

import numpy as np

from annpot.errors import InputError
from annpot.networks.checkpoint_files import list_checkpoints
from annpot.networks.stored_run import EPOCH, read_stored_run
from annpot.training.metrics import COLUMNS

STEP = "step"  # column of the history: optimizer steps done
VALIDATION = "val_"
SECTION, KEY = "IO_INFORMATION", "best_metric"
_MEASURES = {
    column: measure for of in COLUMNS.values() for column, measure in of.items()
}


def stored_settings(run):
    """RawConfigParser with the INI text of a StoredRun; empty where there is none."""
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str
    parser.read_string(run.facts.get("ini") or "")
    return parser


def best_metric(run):
    """Column of the history that tells good from bad, None without a history.

    `best_metric` of the run's settings; else the loss of the validation data, else
    that of the training.
    """
    chosen = stored_settings(run).get(SECTION, KEY, fallback="")
    of_validation = VALIDATION if chosen.startswith(VALIDATION) else ""
    measure = _MEASURES.get(chosen.removeprefix(VALIDATION))
    for name in (f"{of_validation}{measure}", f"{VALIDATION}loss", "loss"):
        values = run.column(name)
        if values is not None and np.isfinite(values).any():
            return name
    return None


def best_row(run, metric):
    """Index of the epoch with the best value of a metric, None without one."""
    return best_of_column(metric, run.column(metric))


def best_of_column(metric, values):
    """Index of the best finite value of a metric, None without one."""
    costs = _as_cost(metric, values)
    return int(np.nanargmin(costs)) if np.isfinite(costs).any() else None


def metric_values(checkpoints, run, metric):
    """{name: value of the metric} of the checkpoints that end an epoch.

    Args:
        checkpoints: CheckpointFiles of one run.
        run: StoredRun of the newest of them.
        metric: column of its history.
    """
    columns = (run.column(name) for name in (EPOCH, STEP, metric))
    values = {
        (int(epoch), int(step)): float(value)
        for epoch, step, value in zip(*columns, strict=True)
    }
    return {
        one.name: values[one.epoch, one.step]
        for one in checkpoints
        if (one.epoch, one.step) in values
    }


def best_checkpoint(folder):
    """The checkpoint of a folder with the best metric.

    Raises:
        InputError: there is no checkpoint, or none whose metric is known.
    """
    existing = list_checkpoints(folder)
    run = read_stored_run(max(existing, key=lambda one: one.step).prefix)
    metric = best_metric(run)
    values = metric_values(existing, run, metric) if metric else {}
    best = best_of_values(values, metric)
    if best is None:
        raise InputError(
            f"{folder}: the checkpoints do not tell which is the best: expected a "
            "history of metrics in the newest. Choose one by its step or epoch."
        )
    return next(one for one in existing if one.name == best)


def best_of_values(values, metric):
    """Name with the best finite value of {name: value of a metric}, None without."""
    costs = {name: _as_cost(metric, value) for name, value in values.items()}
    finite = {name: cost for name, cost in costs.items() if np.isfinite(cost)}
    return min(finite, key=finite.get, default=None)


def _as_cost(metric, values):
    """Values with the sign that makes smaller better: R2 is best at 1."""
    sign = -1.0 if "r2" in metric.lower() else 1.0
    return sign * np.asarray(values, float)
