"""Errors against the length of training: of checkpoints, of epochs, of stages."""

from pathlib import Path

import numpy as np

from annpot.errors import InputError
from annpot.reports.picture import COLOURS, MEV, finish_curve, picture


def checkpoint_curve(evaluations, path):
    """MAE and RMSE of several checkpoints against their steps.

    Args:
        evaluations: Evaluations.
        path: PNG file to write.
    """
    steps = [evaluation.checkpoint.step for evaluation in evaluations]
    with picture(path, (4.2, 3.0)) as figure:
        axes = figure.add_subplot()
        for name, colour in zip(("rmse", "mae"), COLOURS, strict=False):
            values = [MEV * getattr(e.accuracy, name) for e in evaluations]
            axes.plot(
                steps, values, "o-", ms=3, lw=1.2, color=colour, label=name.upper()
            )
        finish_curve(axes, "optimizer steps", "error (meV/atom)")


def learning_curve(metrics_path, png_path):
    """Errors per atom during training, from metrics.dat.

    Args:
        metrics_path: metrics.dat of a run.
        png_path: PNG file to write.

    Raises:
        InputError: there is no such file, or it holds no error per atom.
    """
    columns = read_metrics(metrics_path)
    shown = [
        (f"{measure}, {data}", columns[prefix + measure + "/at"], colour, style)
        for measure, style in (("MAE", "-"), ("RMSE", "--"))
        for prefix, data, colour in (
            ("", "training", COLOURS[5]),
            ("val_", "validation", COLOURS[1]),
        )
        if prefix + measure + "/at" in columns
    ]
    if not shown:
        raise InputError(
            f"{metrics_path}: no column MAE/at or RMSE/at. Train with metrics = MAE."
        )
    has_steps = "tot_st" in columns
    x = columns["tot_st"] if has_steps else columns["epoch"] + 1
    with picture(png_path, (4.6, 3.2)) as figure:
        axes = figure.add_subplot()
        for label, values, colour, style in shown:
            label += f" ({MEV * values[-1]:.3g} at the end)"
            axes.plot(x, MEV * values, style, lw=1.4, color=colour, label=label)
        finish_curve(
            axes, "optimizer steps" if has_steps else "epochs", "error (meV/atom)"
        )


def stage_curves(curves, label, path):
    """A measure of several stages against steps, on a logarithmic axis.

    Args:
        curves: (name, (n_epochs,) steps, (n_epochs,) values) of each stage; NaN is
            left out.
        label: of the measure, with its unit.
        path: PNG file to write.
    """
    with picture(path, (5.2, 3.4)) as figure:
        axes = figure.add_subplot()
        for number, (name, steps, values) in enumerate(curves):
            best = np.nanargmin(values)
            style = {"ms": 2.5, "lw": 1.3, "color": COLOURS[number % len(COLOURS)]}
            dashes = "o-" if number < len(COLOURS) else "o--"
            text = f"{name} (best {values[best]:.3g})"
            axes.plot(steps, values, dashes, label=text, **style)
        finish_curve(axes, "optimizer steps from the first weights", label)


def read_metrics(path):
    """Columns of metrics.dat as {name: (n_epochs,) array}.

    Lines that are not complete, as a killed run may leave, are passed over.

    Raises:
        InputError: there is no such file, or it has no epoch.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: no such file: expected metrics.dat of a training run. Train "
            "first."
        ) from error
    names = lines[0].split() if lines else []
    rows = [row for row in map(_numbers, lines[1:]) if row and len(row) == len(names)]
    if not rows:
        raise InputError(f"{path}: no finished epoch in it. Train for longer.")
    return dict(zip(names, np.array(rows).T, strict=True))


def _numbers(line):
    try:
        return [float(word) for word in line.split()]
    except ValueError:
        return None
