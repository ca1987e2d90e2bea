"""The best epoch of each stage, and the errors of all stages in one picture."""

from dataclasses import dataclass

import numpy as np

from annpot.errors import InputError
from annpot.networks.checkpoint_files import named_checkpoint
from annpot.reports import stage_curves
from annpot.stages.state import stage_state
from annpot.stages.tree import in_order_of_descent
from annpot.training.history import EPOCH
from annpot.training.keeps import best_first, is_larger_better, keeps_of
from annpot.training.metrics import measure_of_column

STEP = "step"
PREFERRED = ("val_MAE/at", "val_F_MAE", "MAE/at", "F_MAE", "loss")
MILLI = 1000.0
UNITS = {  # end of a measure's name -> unit of its MAE and RMSE
    "virial_per_atom": "meV/atom",
    "per_atom": "meV/atom",
    "force": "meV/angstrom",
}


@dataclass(frozen=True)
class Scale:
    """How a measure is shown.

    Attributes:
        factor: times the number of the history.
        unit: of the product, "" for none.
    """

    factor: float = 1.0
    unit: str = ""


def scale_of(measure):
    """Scale of a measure: milli-units for MAE and RMSE, percent for MAPE."""
    kind, _, of = measure.removeprefix("val_").partition("_")
    if kind in ("mae", "rmse"):
        return Scale(MILLI, UNITS.get(of, "meV"))
    return Scale(1.0, "%" if kind == "mape" else "")


def best_text(stage, run):
    """`val_MAE/at 1.23 meV/atom, epoch 7`; "" where no epoch has a value.

    Args:
        stage: StageConfig.
        run: StoredRun of its newest checkpoint.
    """
    column = stage.config.io.best_metric
    measure = keeps_of(stage.config.io, "val_loss" in run.columns).metric
    values = run.column(measure)
    if values is None or not np.isfinite(values).any():
        return ""
    row = best_first(values, is_larger_better(measure))[0]
    scale = scale_of(measure)
    shown = f"{column or measure} {scale.factor * values[row]:.3g} {scale.unit}"
    return f"{shown.rstrip()}, epoch {int(run.column(EPOCH)[row])}"


def draw_stages(plan, column, path):
    """Write the curves of a metric of all stages that have begun, as PNG.

    A stage is drawn from the step of the network that it started from. Of R2, which
    may be negative and grows, 1 - R2 is drawn.

    Args:
        plan: TrainPlan.
        column: column of metrics.dat; None chooses one that they have.
        path: the picture.

    Returns:
        (names of the stages that are drawn, names of those that have no such values,
        what is drawn).

    Raises:
        InputError: no stage has the metric.
    """
    runs = {name: stage_state(stage).run for name, stage in plan.stages.items()}
    runs = {name: run for name, run in runs.items() if run is not None}
    column = column or _first_known(plan, runs)
    measure = _measure(column)
    scale, first_steps, curves = scale_of(measure), {}, []
    for stage, _ in in_order_of_descent(plan.stages):
        run = runs.get(stage.name)
        if run is None:
            continue
        first_steps[stage.name] = _first_step(run, first_steps)
        if _can_be_drawn(run.column(measure), measure):
            steps, values = _with_start(run, runs.get(stage.parent), measure)
            steps = steps + first_steps[stage.name]
            values = scale.factor * _positive(values, measure)
            curves.append((stage.name, steps, values))
    if not curves:
        raise InputError(
            f"{plan.base.io.train_dir}: no stage has epochs with {column} above 0. "
            "Train one, or choose another --metric."
        )
    unit = f" ({scale.unit})" if scale.unit else ""
    label = f"1 - {column}" if is_larger_better(measure) else f"{column}{unit}"
    stage_curves(curves, label, path)
    drawn = [name for name, _, _ in curves]
    return drawn, [name for name in runs if name not in drawn], label


def _positive(values, measure):
    """Values for a logarithmic axis, NaN where there is none."""
    values = 1.0 - values if is_larger_better(measure) else values
    return np.where(np.isfinite(values) & (values > 0), values, np.nan)


def _can_be_drawn(values, measure):
    return values is not None and np.isfinite(_positive(values, measure)).any()


def _with_start(run, parent, measure):
    """(steps, values) of a measure, with that of the network it started from as step 0.

    A loss of the parent may be another one, so that it is left out.
    """
    steps, values = run.column(STEP), run.column(measure)
    started_from = _parent_checkpoint(run)
    is_loss = measure.endswith("loss")
    if (
        parent is None
        or started_from is None
        or is_loss
        or measure not in parent.columns
    ):
        return steps, values
    row = np.flatnonzero(parent.column(STEP) == started_from.step)
    first = parent.column(measure)[row]
    return np.append(np.zeros(len(row)), steps), np.append(first, values)


def _parent_checkpoint(run):
    """CheckpointFile that a stage started from, or None."""
    prefix = (run.facts.get("stage") or {}).get("parent_checkpoint")
    return named_checkpoint(prefix) if prefix else None


def _first_step(run, first_steps):
    """Steps from the base network to the first step of a stage."""
    parent = (run.facts.get("stage") or {}).get("parent")
    started_from = _parent_checkpoint(run)
    if parent not in first_steps or started_from is None:
        return 0
    return first_steps[parent] + started_from.step


def _first_known(plan, runs):
    """The metric that is watched, else the first that all stages have, else any."""
    watched = [one for one in (plan.base.io.best_metric, *PREFERRED) if one]
    for how in (all, any):
        for column in watched:
            measure = _measure(column)
            have = [
                _can_be_drawn(run.column(measure), measure) for run in runs.values()
            ]
            if have and how(have):
                return column
    return watched[0]


def _measure(column):
    try:
        return measure_of_column(column)
    except KeyError:
        raise InputError(
            f"--metric {column}: no such column: expected one of metrics.dat, such as "
            f"{', '.join(PREFERRED)}."
        ) from None
