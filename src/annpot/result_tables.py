"""Results of evaluations and extracted networks as tables for the terminal."""

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


def accuracy_table(evaluation):
    """rich Table of one evaluation: all structures and each composition."""
    table = _accuracy_columns(evaluation.checkpoint.name, "composition")
    for name, accuracy in evaluation.by_composition.items():
        table.add_row(name, *_cells(accuracy))
    table.add_section()
    table.add_row("all", *_cells(evaluation.accuracy), style="bold")
    return table


def checkpoint_table(evaluations):
    """rich Table of several evaluations, the one of smallest RMSE marked."""
    best = best_of(evaluations)
    table = _accuracy_columns("all checkpoints", "checkpoint")
    for evaluation in evaluations:
        is_best = evaluation is best
        name = evaluation.checkpoint.name + (" (best)" if is_best else "")
        style = "bold" if is_best else None
        table.add_row(name, *_cells(evaluation.accuracy), style=style)
    return table


def best_of(evaluations):
    """The evaluation with the smallest RMSE per atom."""
    return min(evaluations, key=lambda evaluation: evaluation.accuracy.rmse)


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


def _accuracy_columns(title, first_column):
    table = _table(f"{title}, errors in meV/atom", first_column)
    for name in ("structures", "MAE", "RMSE", "largest"):
        table.add_column(name, justify="right")
    return table


def _table(title, first_column):
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE)
    table.add_column(first_column, no_wrap=True)
    return table


def _cells(accuracy):
    numbers = accuracy.mae, accuracy.rmse, accuracy.largest
    return str(accuracy.n_structures), *(f"{MEV * number:.3f}" for number in numbers)
