"""What app_train shows: notices and a summary of the run, then its progress."""

import sys

from annpot.apps.training_progress import TrainingProgress
from annpot.progress import progress
from annpot.training.memory_estimate import in_words
from annpot.wording import counted


class Screen:
    """Writes to a terminal or, as plain lines, to anything else."""

    def __init__(self, stream=None):
        from rich.console import Console

        stream = sys.stdout if stream is None else stream
        width = None if stream.isatty() else 120
        self.console = Console(file=stream, width=width, highlight=False, emoji=False)
        self._told = set()  # notes, which stages of one process have in common

    def reading(self, description, n_records):
        """Context for reading a folder, see `annpot.progress.progress`."""
        return progress(description, n_records, "records", self.console.file)

    def summary(self, config, run):
        """Notices, networks, data and plan."""
        from annpot.networks.activations import ACTIVATIONS

        self.notes(run.notes)
        self.console.print(_network_table(run, ACTIVATIONS))
        self.line("(columns: descriptors that are not zero throughout the data)")
        plan, step = run.plan, run.plan.step
        self.line(
            f"data        {counted(len(run.data), 'structure')} ({run.data.about}), "
            f"{run.n_validation} to validate{_test_set(run)}"
        )
        self.line(
            f"steps       {plan.total_steps} of "
            f"{counted(step.batch_size, 'structure')}, "
            f"{plan.steps_per_epoch} per epoch"
        )
        for line in _optimizer_lines(run):
            self.line(line)
        kind = "XLA" if step.xla else "graph"
        mixed = "" if step.mixed == "none" else f", products in {step.mixed}"
        self.line(f"precision   {step.precision}{mixed}, compiled as {kind} program")
        self.line(f"devices     {run.devices.described}")
        self.line(f"memory      about {in_words(run.memory)} at most, estimated")
        self.line(f"seed        {plan.seed}")
        self.line(f"results     {config.io.train_dir}")

    def notes(self, notes):
        """Those of some notices that were not shown before."""
        for note in dict.fromkeys(notes):
            if note not in self._told:
                self.line(f"note: {note}")
        self._told.update(notes)

    def nothing_to_do(self, config, run):
        """Say that the run is finished already."""
        ended = run.stored.get("ended")
        why = f" and ended early ({ended})" if ended else ""
        anew = "set restart_mode = force_default to start anew"
        if stage := run.facts["stage"]:
            anew = f"delete its results with app_stages clean --stage {stage['name']}"
        self.line(
            f"Nothing to do: {config.io.train_dir} is trained to step {run.start.step} "
            f"(epoch {run.start.epoch}) already{why}. Raise max_epochs or max_steps to "
            f"go on, or {anew}."
        )

    def callbacks(self, config, run):
        """Keras callbacks that show the progress of a run."""
        return [TrainingProgress(self, run, config.io.progbar_interval)]

    def line(self, text):
        """One line of text, as it is."""
        if self.console.is_terminal:
            self.console.print(text, markup=False, soft_wrap=True)
        else:  # ten times as fast, and epochs may be short
            print(text, file=self.console.file, flush=True)


def _test_set(run):
    """What was kept for a test, if anything was."""
    division = run.facts["data"].get("division")
    n_test = division["counts"]["test"] if division else 0
    return f", {n_test} kept for a test" if n_test else ""


def _optimizer_lines(run):
    """What moves the weights, and what a filter costs."""
    from annpot.training.kalman.room import told_of

    step = run.plan.step
    if step.kalman is None:
        rate = f", rate {step.learning_rate.initial:g}, {step.learning_rate.schedule}"
        has_rate = step.optimizer.name != "lbfgs"
        return [f"optimizer   {step.optimizer.described}{rate if has_rate else ''}"]
    specs = [network.spec for network in run.networks]
    observed, cost = told_of(step, specs)
    return [f"optimizer   {observed}", f"covariance  {cost}"]


def _network_table(run, activations):
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("element", "layers", "activations", "weights", "trainable"):
        table.add_column(name, no_wrap=True)
    for name in ("offset (eV)", "columns"):
        table.add_column(name, no_wrap=True, justify="right")
    for network, kept in zip(run.networks, run.plan.step.columns, strict=True):
        spec = network.spec
        layers = spec.layers
        table.add_row(
            spec.element,
            f"{spec.n_features}:" + ":".join(str(layer.size) for layer in layers),
            ":".join(activations[layer.activation].name for layer in layers),
            ":".join(network.sources),
            ":".join(str(int(layer.trainable)) for layer in layers),
            f"{spec.offset:.6f}",
            str(spec.n_features if kept is None else len(kept)),
        )
    return table
