"""Results of evaluations and extracted networks as tables for the terminal."""

from math import isnan

from annpot.networks.activations import ACTIVATIONS

MEV = 1000.0  # meV in one eV
WIDTH = 120  # columns of a table in a file or a pipe


def show(table):
    """Print a table to standard output, wide enough where that is no terminal."""
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    console.print(table)


def evaluation_tables(evaluation):
    """List of rich Tables of one evaluation: energies, forces and virials it has."""
    tables = [accuracy_table(evaluation)]
    if evaluation.forces is not None:
        tables.append(force_table(evaluation))
    if evaluation.virials is not None and evaluation.virials.values.n_labels:
        tables.append(virial_table(evaluation))
    return tables


def accuracy_table(evaluation):
    """rich Table of the energies: all structures and each composition."""
    title = f"{evaluation.title}, errors in meV/atom"
    table = _accuracy_columns(title, "composition", "structures")
    return _grouped(table, evaluation.by_composition, evaluation.accuracy)


def force_table(evaluation):
    """rich Table of the forces: all atoms and those of each element."""
    title = f"{evaluation.title}, errors of forces in meV/angstrom"
    table = _accuracy_columns(title, "element", "atoms")
    return _grouped(table, evaluation.forces.by_element, evaluation.forces.accuracy)


def virial_table(evaluation):
    """rich Table of the virials of periodic structures, and of the stresses."""
    title = f"{evaluation.title}, errors of 3 x 3 components"
    table = _accuracy_columns(title, "quantity", "structures")
    virials = evaluation.virials
    table.add_row("virial (meV/atom)", *_cells(virials.accuracy))
    if virials.stress_accuracy.count:
        table.add_row("stress (GPa)", *_cells(virials.stress_accuracy, 1.0))
    return table


def deviation_table(deviations):
    """rich Table of the GoldenDeviations of LAMMPS."""
    from rich.table import Table

    table = Table(title="LAMMPS against the model, largest differences")
    for name in ("structure", "energy", "atoms"):
        table.add_column(name)
    for name in ("eV/atom", "forces (eV/angstrom)", "virial (eV/atom)", "out of range"):
        table.add_column(name, justify="right")
    for one in deviations:
        table.add_row(
            one.name,
            one.role,
            str(one.n_atoms),
            *(f"{value:.1e}" for value in (one.energy, one.forces, one.virial)),
            str(one.n_outside),
        )
    return table


def checkpoint_table(evaluations):
    """rich Table of several evaluations, the one of smallest RMSE marked."""
    best = best_of(evaluations)
    part = "" if best is None or best.part is None else f", {best.part} part"
    title, of_forces = f"all checkpoints{part}, errors in meV/atom", False
    if all(evaluation.forces is not None for evaluation in evaluations):
        title, of_forces = title + ", of forces in meV/angstrom", True
    names = ("force MAE", "force RMSE") if of_forces else ()
    names = ("structures", "MAE", "RMSE", "largest", *names)
    table = _numbers_table(title, "checkpoint", names)
    for evaluation in evaluations:
        is_best = evaluation is best
        name = evaluation.checkpoint.name + (" (best)" if is_best else "")
        count, mae, rmse, *_, largest = _cells(evaluation.accuracy)
        cells = [count, mae, rmse, largest]
        if of_forces:
            cells += _cells(evaluation.forces.accuracy)[1:3]
        table.add_row(name, *cells, style="bold" if is_best else None)
    return table


def best_of(evaluations):
    """The evaluation with the smallest RMSE per atom; None without energies."""
    known = [evaluation for evaluation in evaluations if evaluation.accuracy.count]
    return min(known, key=lambda one: one.accuracy.rmse, default=None)


def network_table(networks):
    """rich Table of the networks of a checkpoint.

    Args:
        networks: CheckpointNetworks.
    """
    table = _table(networks.file.name, "element")
    for name in ("layers", "activations"):
        table.add_column(name)
    table.add_column("offset (eV)", justify="right")
    for spec in networks.specs:
        sizes = (spec.n_features, *(layer.size for layer in spec.layers))
        activations = (ACTIVATIONS[layer.activation].name for layer in spec.layers)
        table.add_row(
            spec.element,
            ":".join(map(str, sizes)),
            ":".join(activations),
            str(spec.offset),
        )
    return table


def _accuracy_columns(title, first_column, counted):
    """Table of all measures; the unit of MSE is the square of that of the others."""
    names = (counted, "MAE", "RMSE", "MSE", "MAPE (%)", "R2", "largest")
    return _numbers_table(title, first_column, names)


def _numbers_table(title, first_column, names):
    table = _table(title, first_column)
    for name in names:
        table.add_column(name, justify="right")
    return table


def _grouped(table, groups, total):
    """The table with a row for each group and one for all."""
    for name, accuracy in groups.items():
        table.add_row(name, *_cells(accuracy))
    table.add_section()
    table.add_row("all", *_cells(total), style="bold")
    return table


def _table(title, first_column):
    from rich import box
    from rich.table import Table

    # As wide as its title at least, which would be broken into lines otherwise.
    style = {"title_justify": "left", "box": box.SIMPLE, "min_width": len(title) + 1}
    table = Table(title=title, **style)
    table.add_column(first_column, no_wrap=True)
    return table


def _cells(accuracy, unit=MEV):
    """Count and measures as texts; "-" where nothing was counted."""
    if not accuracy.count:
        return ["0", *["-"] * 6]
    return [
        str(accuracy.count),
        f"{unit * accuracy.mae:.3f}",
        f"{unit * accuracy.rmse:.3f}",
        f"{unit**2 * accuracy.mse:.4g}",
        "-" if isnan(accuracy.mape) else f"{accuracy.mape:.3f}",
        "-" if isnan(accuracy.r2) else f"{accuracy.r2:.6f}",
        f"{unit * accuracy.largest:.3f}",
    ]
