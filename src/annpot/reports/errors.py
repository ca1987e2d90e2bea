"""Errors of an evaluation as pictures: parity plots and a histogram."""

import numpy as np

from annpot.reports.picture import COLOURS, GREY, MEV, picture
from annpot.wording import counted


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
    with picture(path, (4.2, 5.4)) as figure:
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
    with picture(path, (4.2, 5.4)) as figure:
        errors = MEV * forces.errors
        values = forces.reference.ravel(), forces.predicted.ravel(), errors.ravel()
        above = _parity(figure, groups, values, words, size=4)
        note = "meV/angstrom", counted(accuracy.count, "atom")
        _write_accuracy(above, accuracy, *note)
        above.set_title(evaluation.title, loc="left")


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
    with picture(path, (4.2, 3.0)) as figure:
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
    _write_accuracy(axes, accuracy, "meV/atom", counted(accuracy.count, "structure"))
    axes.set_title(evaluation.title, loc="left")


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
