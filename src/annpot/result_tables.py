"""Results of evaluations and extracted networks as tables for the terminal."""

from annpot.networks.activations import ACTIVATIONS

MEV = 1000.0  # meV in one eV


def accuracy_table(evaluation):
    """rich Table of one evaluation: all structures and each composition."""
    table = _table(evaluation.checkpoint.name, "composition")
    for name, accuracy in evaluation.by_composition.items():
        table.add_row(name, *_cells(accuracy))
    table.add_section()
    table.add_row("all", *_cells(evaluation.accuracy), style="bold")
    return table


def checkpoint_table(evaluations):
    """rich Table of several evaluations, the one of smallest RMSE marked."""
    best = best_of(evaluations)
    table = _table("All checkpoints", "checkpoint")
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
    from rich.table import Table

    table = Table(title=networks.file.name, title_justify="left")
    for name in ("element", "layers", "activations", "parameters", "offset (eV)"):
        table.add_column(name, justify="left" if name == "element" else "right")
    for spec in networks.specs:
        sizes = (spec.n_features, *(layer.size for layer in spec.layers))
        n_parameters = sum((n_in + 1) * n_out for n_in, n_out in spec.shapes)
        table.add_row(
            spec.element,
            "-".join(map(str, sizes)),
            ", ".join(ACTIVATIONS[layer.activation].name for layer in spec.layers),
            str(n_parameters),
            str(spec.offset),
        )
    return table


def _table(title, first_column):
    from rich.table import Table

    table = Table(title=title, title_justify="left", caption="meV/atom")
    table.add_column(first_column)
    for name in ("structures", "MAE", "RMSE", "largest"):
        table.add_column(name, justify="right")
    return table


def _cells(accuracy):
    numbers = accuracy.mae, accuracy.rmse, accuracy.largest
    return str(accuracy.n_structures), *(f"{MEV * number:.3f}" for number in numbers)
