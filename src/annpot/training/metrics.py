"""Averages over the labels of an epoch, and their names in files."""

import math
from typing import NamedTuple

import numpy as np

from annpot.accuracy import mean_relative, r_squared
from annpot.training.trace import TRACE


class Label(NamedTuple):
    """How the sums and the measures of a label are named.

    Attributes:
        count: number of labels in `annpot.training.trace`.
        loss: its loss.
        sums: end of the names of its sums.
        measures: end of the names of its measures.
    """

    count: str
    loss: str
    sums: str
    measures: str


LABELS = {
    "energy": Label("n_energies", "energy_loss", "per_atom", "per_atom"),
    "force": Label("n_force_components", "force_loss", "force", "force"),
    "virial": Label("n_virial_components", "virial_loss", "virial", "virial_per_atom"),
}
KINDS = ("mae", "rmse", "mse", "mape", "r2")  # measures of each label
# Measures of single steps: (name, what it is made of, number of labels).
_OF_STEPS = [("loss", "loss", "loss"), ("regularization", "regularization", "loss")]
for _label in LABELS.values():
    _OF_STEPS += [
        (_label.loss, _label.loss, _label.count),
        (f"mae_{_label.measures}", f"sum_abs_{_label.sums}", _label.count),
        (f"rmse_{_label.measures}", f"sum_square_{_label.sums}", _label.count),
    ]
STEP_MEASURES = tuple(name for name, _, _ in _OF_STEPS)
_PARTS = np.array([TRACE.index(part) for _, part, _ in _OF_STEPS])
_COUNTS = np.array([TRACE.index(count) for _, _, count in _OF_STEPS])
_HAS_LABEL = np.array([count != "loss" for _, _, count in _OF_STEPS])
_IS_MEAN = np.array(["sum" in part for _, part, _ in _OF_STEPS])
_IS_ROOT = np.array([name.startswith("rmse") for name in STEP_MEASURES])
# Choice in [IO_INFORMATION] metrics -> columns of metrics.dat and their measure.
COLUMNS = {
    kind.upper(): {
        f"{kind.upper()}/at": f"{kind}_per_atom",
        **({"RMSE": "rmse"} if kind == "rmse" else {}),
        f"F_{kind.upper()}": f"{kind}_force",
        f"V_{kind.upper()}/at": f"{kind}_virial_per_atom",
    }
    for kind in KINDS
} | {
    "loss": {
        "loss": "loss",
        "e_loss": "energy_loss",
        "f_loss": "force_loss",
        "v_loss": "virial_loss",
        "reg_loss": "regularization",
    },
}


def measures(total, n_steps):
    """True averages over all labels of some steps.

    A measure of labels that none of the structures has is left out.

    Args:
        total: {name: sum over the steps}, names of `annpot.training.trace`; those of
            labels that are not trained may be missing.
        n_steps: number of steps summed.

    Returns:
        {name: value}: losses as the mean over steps; then for energies (per atom, over
        structures; eV), forces (over components; eV/angstrom) and virials (per atom,
        over the components of the 3 x 3 matrix; eV) MAE, RMSE, MSE (in the square of
        the unit), MAPE (percent) and R2 as `annpot.accuracy` defines them, the last two
        NaN where they mean nothing; and the RMSE of the total energy, eV.
    """
    found = {name: total[name] / n_steps for name in ("loss", "regularization")}
    for label in LABELS.values():
        if total.get(label.count):
            found[label.loss] = total.get(label.loss, 0.0) / n_steps
            found |= _errors(total, label)
    if total.get("n_energies"):
        found["rmse"] = math.sqrt(total["sum_square"] / total["n_energies"])
    return found


def _errors(total, label):
    """{measure: value} of one label."""
    count, of, to = total[label.count], label.sums, label.measures
    mse = total[f"sum_square_{of}"] / count
    return {
        f"mae_{to}": total[f"sum_abs_{of}"] / count,
        f"rmse_{to}": math.sqrt(mse),
        f"mse_{to}": mse,
        f"mape_{to}": mean_relative(
            total[f"sum_relative_{of}"], total[f"n_relative_{of}"]
        ),
        f"r2_{to}": r_squared(
            total[f"sum_square_{of}"],
            total[f"sum_reference_{of}"],
            total[f"sum_square_reference_{of}"],
            count,
        ),
    }


def step_measures(trace):
    """Losses, MAE and RMSE of single steps, as `measures` gives them.

    Args:
        trace: (n_steps, len(TRACE)).

    Returns:
        (n_steps, len(STEP_MEASURES)), in that order; NaN in steps without the label.
    """
    counts = trace[:, _COUNTS]
    values = trace[:, _PARTS] / np.where(_IS_MEAN & (counts > 0), counts, 1.0)
    values[:, _IS_ROOT] = np.sqrt(values[:, _IS_ROOT])
    values[(counts == 0) & _HAS_LABEL] = np.nan
    return values


def measure_names(labels):
    """Names of all measures of a run, in the order of its history.

    Args:
        labels: those of `LABELS` that any of its data have.
    """
    names = ["loss", "regularization"]
    for name, label in LABELS.items():
        if name in labels:
            names += [label.loss, *(f"{kind}_{label.measures}" for kind in KINDS)]
        if name == "energy" and name in labels:
            names.append("rmse")
    return tuple(names)


def complete(values, labels):
    """{name: value} of all measures of a run, NaN where there is none.

    Args:
        values: result of `measures`.
        labels: see `measure_names`.
    """
    return dict.fromkeys(measure_names(labels), math.nan) | values


def file_columns(chosen, values, prefix=""):
    """{column of metrics.dat: value} of the chosen metrics, where there is a value."""
    return {
        f"{prefix}{column}": values[name]
        for choice in chosen
        for column, name in COLUMNS[choice].items()
        if name in values
    }


def measure_of_column(column):
    """Measure behind a column of metrics.dat; `val_` of both is that of validation.

    Raises:
        KeyError: there is no such column.
    """
    measures_of = {
        c: name for columns in COLUMNS.values() for c, name in columns.items()
    }
    prefix = "val_" if column.startswith("val_") else ""
    return f"{prefix}{measures_of[column.removeprefix(prefix)]}"
