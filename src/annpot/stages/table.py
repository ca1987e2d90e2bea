"""The stages of a plan as a table for the terminal."""

from annpot.stages.state import stage_state
from annpot.stages.tree import in_order_of_descent

COLOURS = {"done": "green", "running": "cyan", "unfinished": "yellow"}


def stages_table(plan, best_of):
    """rich Table of a TrainPlan: descent, state, epochs, best metric, settings.

    Args:
        plan: TrainPlan.
        best_of: function of a StageConfig and its StoredRun: text on its best epoch.
    """
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("stage", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("epochs", no_wrap=True, justify="right")
    table.add_column("best", no_wrap=True)
    table.add_column("settings that differ", overflow="fold")
    for stage, branch in in_order_of_descent(plan.stages):
        state = stage_state(stage)
        colour = COLOURS.get(state.name, "")
        table.add_row(
            f"{branch}{stage.name}",
            f"[{colour}]{state.name}[/]" if colour else state.name,
            f"{state.n_epochs}/{stage.config.training.max_epochs}",
            "" if state.run is None else best_of(stage, state.run),
            "\n".join(_settings(stage)),
        )
    return table


def _settings(stage):
    """What a stage changes, a line each."""
    for setting, before, now in stage.changes:
        yield f"{setting}: {before} -> {now}".replace("[", r"\[")
    if stage.parent is not None and stage.parent_network != "final":
        yield f"starts from the {stage.parent_network} network of {stage.parent}"
    if stage.keep_optimizer:
        yield "keeps the optimizer's state"
