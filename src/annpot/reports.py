"""Results of evaluations and of training as pictures.

All are PNG files; matplotlib is imported when the first one is drawn.
"""

from contextlib import contextmanager
from pathlib import Path

import numpy as np

from annpot import files
from annpot.errors import InputError

MEV = 1000.0  # meV in one eV
# Okabe and Ito's palette: told apart with every kind of colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9")
GREY = "#777777"
_STYLE = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.titlesize": 9,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "savefig.dpi": 200,
}


def parity_plot(evaluation, path):
    """Predicted against reference energies, and the errors below.

    Energies are per atom and relative to the offsets: (E - sum_i offset_i) / n_atoms.

    Args:
        evaluation: Evaluation with at least one reference energy.
        path: PNG file to write.
    """
    reference, predicted = (
        (energies - evaluation.e_offset) / evaluation.n_atoms
        for energies in (evaluation.e_ref, evaluation.e_nn)
    )
    words = (
        "reference energy (eV/atom), relative to the offsets",
        "network energy (eV/atom)",
        "error (meV/atom)",
    )
    with _picture(path, (4.2, 5.4)) as figure:
        values = reference, predicted, MEV * evaluation.errors
        above = _parity(figure, list(_groups(evaluation)), values, words)
        _annotate(above, evaluation)


def force_parity_plot(evaluation, path):
    """Predicted against reference components of the forces, and the errors below.

    Args:
        evaluation: Evaluation with the force on at least one atom in its reference.
        path: PNG file to write.
    """
    forces, accuracy = evaluation.forces.values, evaluation.forces.accuracy
    elements = evaluation.forces.elements
    groups = [
        (label, colour, np.repeat(chosen, 3))
        for label, colour, chosen in _coloured(evaluation.forces.by_element, elements)
    ]
    words = (
        "reference force component (eV/angstrom)",
        "network force component (eV/angstrom)",
        "error (meV/angstrom)",
    )
    with _picture(path, (4.2, 5.4)) as figure:
        errors = MEV * forces.errors
        values = forces.reference.ravel(), forces.predicted.ravel(), errors.ravel()
        above = _parity(figure, groups, values, words, size=4)
        note = "meV/angstrom", f"{accuracy.count} atoms"
        _write_accuracy(above, accuracy, *note)
        above.set_title(evaluation.checkpoint.name, loc="left")


def _parity(figure, groups, values, words, size=9):
    """Two axes: predicted against reference with the line of equality, and errors.

    Args:
        figure: to draw into.
        groups: (label, colour, (n,) mask) of what has a colour of its own.
        values: reference, predicted and errors, (n,) each; NaN is left out.
        words: labels of reference, prediction and error.
        size: area of a point, in square points of print.

    Returns:
        The upper axes.
    """
    reference, predicted, errors = values
    grid = figure.add_gridspec(2, 1, height_ratios=(3, 1))
    above = figure.add_subplot(grid[0])
    below = figure.add_subplot(grid[1], sharex=above)
    points = {"s": size, "alpha": 0.7, "linewidths": 0}
    there = np.isfinite(reference)
    for label, colour, chosen in groups:
        shown = chosen & there
        x = reference[shown]
        above.scatter(x, predicted[shown], label=label, color=colour, **points)
        below.scatter(x, errors[shown], color=colour, **points)
    origin = float(reference[there].mean())
    above.axline((origin, origin), slope=1, color=GREY, lw=0.8, zorder=0)
    below.axhline(0.0, color=GREY, lw=0.8, zorder=0)
    below.set_xlabel(words[0])
    above.set_ylabel(words[1])
    below.set_ylabel(words[2])
    above.tick_params(labelbottom=False)
    above.legend(loc="lower right", handletextpad=0.1, markerscale=1.5)
    figure.align_ylabels()
    return above


def error_histogram(evaluation, path):
    """Distribution of the errors per atom, by composition.

    Args:
        evaluation: Evaluation with at least one reference energy.
        path: PNG file to write.
    """
    groups = list(_groups(evaluation))
    errors = MEV * evaluation.errors
    there = np.isfinite(errors)
    limit = float(np.abs(errors[there]).max()) or 1.0
    with _picture(path, (4.2, 3.0)) as figure:
        axes = figure.add_subplot()
        axes.hist(
            [errors[chosen & there] for _, _, chosen in groups],
            bins=np.linspace(-limit, limit, 51),
            stacked=True,
            color=[colour for _, colour, _ in groups],
            label=[label for label, _, _ in groups],
        )
        axes.axvline(0.0, color=GREY, lw=0.8)
        axes.margins(y=0.25)  # room for the words above the bars
        axes.set_xlabel("error, network minus reference (meV/atom)")
        axes.set_ylabel("structures")
        axes.legend(loc="upper right", handlelength=1.0)
        _annotate(axes, evaluation)


def checkpoint_curve(evaluations, path):
    """MAE and RMSE of several checkpoints against their steps.

    Args:
        evaluations: Evaluations.
        path: PNG file to write.
    """
    steps = [evaluation.checkpoint.step for evaluation in evaluations]
    with _picture(path, (4.2, 3.0)) as figure:
        axes = figure.add_subplot()
        for name, colour in zip(("rmse", "mae"), COLOURS, strict=False):
            values = [MEV * getattr(e.accuracy, name) for e in evaluations]
            axes.plot(
                steps, values, "o-", ms=3, lw=1.2, color=colour, label=name.upper()
            )
        _finish_curve(axes, "optimizer steps", "error (meV/atom)")


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
    with _picture(png_path, (4.6, 3.2)) as figure:
        axes = figure.add_subplot()
        for label, values, colour, style in shown:
            label += f" ({MEV * values[-1]:.3g} at the end)"
            axes.plot(x, MEV * values, style, lw=1.4, color=colour, label=label)
        _finish_curve(
            axes, "optimizer steps" if has_steps else "epochs", "error (meV/atom)"
        )


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


def _groups(evaluation):
    """(label, colour, mask) of the compositions; beyond six, the rest is "other"."""
    compositions = np.array(evaluation.compositions)
    for name, colour, chosen in _coloured(evaluation.by_composition, compositions):
        yield _typeset(name), colour, chosen


def _coloured(names, of):
    """(name, colour, mask) of the names; beyond six, the rest is "other"."""
    names = list(names)
    own = names if len(names) <= len(COLOURS) else names[: len(COLOURS) - 1]
    for name, colour in zip(own, COLOURS, strict=False):
        yield name, colour, of == name
    if len(own) < len(names):
        yield "other", GREY, ~np.isin(of, own)


def _typeset(formula):
    """CH4 with its number as subscript."""
    return "".join(f"$_{c}$" if c.isdigit() else c for c in formula)


def _annotate(axes, evaluation):
    accuracy = evaluation.accuracy
    _write_accuracy(axes, accuracy, "meV/atom", f"{accuracy.count} structures")
    axes.set_title(evaluation.checkpoint.name, loc="left")


def _write_accuracy(axes, accuracy, unit, counted):
    axes.text(
        0.03,
        0.97,
        f"MAE {MEV * accuracy.mae:.3g} {unit}\n"
        f"RMSE {MEV * accuracy.rmse:.3g} {unit}\n"
        f"{counted}",
        transform=axes.transAxes,
        va="top",
        fontsize=8,
    )


def _finish_curve(axes, x_label, y_label):
    from matplotlib.ticker import LogLocator, NullLocator

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.grid(axis="y", lw=0.4, color="#dddddd")
    axes.legend()


@contextmanager
def _picture(path, size):
    """Context whose value is a Figure that is saved to `path` at the end."""
    import matplotlib
    from matplotlib.figure import Figure

    # A Figure of its own, not of pyplot: no window system, no global state.
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=size, layout="constrained")
        yield figure
        with files.atomic_path(path) as temporary:
            figure.savefig(temporary, format="png")
