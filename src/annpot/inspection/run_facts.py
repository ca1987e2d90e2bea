"""What a checkpoint says about its run, as facts and as a table of metrics."""

import math

from annpot.inspection.sheet import Listing
from annpot.networks.stored_run import EPOCH
from annpot.training.best_checkpoint import best_metric, best_row


def run_facts(run):
    """{name: value} about the run of a StoredRun.

    Args:
        run: StoredRun with facts.
    """
    facts, progress = run.facts, run.facts.get("progress") or {}
    stage = facts.get("stage") or {}
    metric = best_metric(run)
    row = best_row(run, metric) if metric else None
    return {
        "program": facts.get("program"),
        "versions": facts.get("versions"),
        "seed": facts.get("seed"),
        "device": facts.get("device") or facts.get("devices"),
        "stage": stage.get("name"),
        "parent": stage.get("parent"),
        "started_from": stage.get("parent_checkpoint") or facts.get("started_from"),
        "step": progress.get("step"),
        "epochs_done": progress.get("epoch"),
        "steps_of_the_next": progress.get("steps_in_epoch") or None,
        "precision": facts.get("precision"),
        "batch_size": facts.get("batch_size"),
        "energy_rescale": facts.get("energy_rescale"),
        "epochs_of_history": len(run.history),
        "best_metric": None if row is None else metric,
        "best_value": None if row is None else float(run.column(metric)[row]),
        "best_epoch": None if row is None else _epoch(run, row),
    }


def metrics_listing(run):
    """Listing of the last value of each metric, and of its value in the best epoch."""
    metric = best_metric(run)
    best = best_row(run, metric) if metric else None
    names = [name for name in run.columns if name != EPOCH]
    rows = []
    for name in names:
        values = run.column(name)
        of_best = None if best is None else _number(values[best])
        rows.append((name, _number(values[-1]), of_best))
    return Listing("metrics", ("metric", "last", "in_the_best_epoch"), tuple(rows))


def _number(value):
    """A float; None where it is not finite, which JSON cannot say."""
    return float(value) if math.isfinite(value) else None


def _epoch(run, row):
    """Number of an epoch, from 1."""
    epochs = run.column(EPOCH)
    return row + 1 if epochs is None else int(epochs[row])
