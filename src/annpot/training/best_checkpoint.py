"""Which checkpoint of a folder is the best, by the history in the newest one."""

import configparser

import numpy as np

from annpot.errors import InputError
from annpot.networks.checkpoint_files import list_checkpoints
from annpot.networks.stored_run import EPOCH, read_stored_run
from annpot.training.keeps import STEP, best_first, is_larger_better


def stored_settings(run):
    """RawConfigParser with the INI text of a StoredRun; empty where there is none."""
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str
    parser.read_string(run.facts.get("ini") or "")
    return parser


def best_metric(run):
    """Column of the history that tells good from bad epochs of a StoredRun.

    The one that the run itself went by; None without a history that has it.
    """
    name = (run.facts.get("best_metric") or {}).get("column")
    values = run.column(name)
    return name if values is not None and np.isfinite(values).any() else None


def best_row(run, metric):
    """Index of the epoch with the best value of a metric; there is one."""
    return best_first(run.column(metric), is_larger_better(metric))[0]


def metric_values(checkpoints, run, metric):
    """{name: value of the metric} of the checkpoints that end an epoch.

    Args:
        checkpoints: CheckpointFiles of one run.
        run: StoredRun of the newest of them.
        metric: column of its history; None gives no values.
    """
    if metric is None:
        return {}
    columns = (run.column(name) for name in (EPOCH, STEP, metric))
    values = {
        (int(epoch), int(step)): float(value)
        for epoch, step, value in zip(*columns, strict=True)
    }
    found = {one.name: values.get((one.epoch, one.step)) for one in checkpoints}
    return {name: value for name, value in found.items() if value is not None}


def best_of(values, metric):
    """Name with the best finite value of {name: value of a metric}, None without."""
    names = list(values)
    order = best_first(list(values.values()), is_larger_better(metric or ""))
    return names[order[0]] if order else None


def best_checkpoint(folder):
    """The checkpoint of a folder with the best metric.

    Raises:
        InputError: there is no checkpoint, or none whose metric is known.
    """
    existing = list_checkpoints(folder)
    run = read_stored_run(max(existing, key=lambda one: one.step).prefix)
    metric = best_metric(run)
    best = best_of(metric_values(existing, run, metric), metric)
    if best is None:
        raise InputError(
            f"{folder}: the checkpoints do not tell which is the best: expected a "
            "history of metrics in the newest. Choose one by its step or epoch."
        )
    return next(one for one in existing if one.name == best)
