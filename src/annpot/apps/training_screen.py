"""What app_train shows: the summary before, the progress of the steps, the epochs."""

import sys
import time

from annpot.networks.element_network import keras
from annpot.progress import progress
from annpot.training.memory_estimate import in_words

MEV = 1000.0
PLAIN_INTERVAL = 10.0  # least seconds between lines within an epoch, elsewhere


class Screen:
    """Writes to a terminal or, as plain lines, to anything else."""

    def __init__(self, stream=None):
        from rich.console import Console

        stream = sys.stdout if stream is None else stream
        width = None if stream.isatty() else 120
        self.console = Console(file=stream, width=width, highlight=False, emoji=False)

    def reading(self, description, n_records):
        """Context for reading a folder, see `annpot.progress.progress`."""
        return progress(description, n_records, "records", self.console.file)

    def summary(self, config, run):
        """Notices, networks, data and plan."""
        from annpot.networks.activations import ACTIVATIONS

        for note in run.notes:
            self.line(f"note: {note}")
        self.console.print(_network_table(run, ACTIVATIONS))
        self.line("(columns: descriptors that are not zero throughout the data)")
        plan, step = run.plan, run.plan.step
        self.line(
            f"data        {len(run.data)} structures ({run.data.about}), "
            f"{run.n_validation} to validate{_test_set(run)}"
        )
        self.line(
            f"steps       {plan.total_steps} of {step.batch_size} structures, "
            f"{plan.steps_per_epoch} per epoch, Adam from rate "
            f"{step.learning_rate.initial:g}"
        )
        kind = "XLA" if step.xla else "graph"
        self.line(f"precision   {step.precision}, compiled as {kind} program")
        self.line(f"memory      about {in_words(run.memory)} at most, estimated")
        self.line(f"seed        {plan.seed}")
        self.line(f"results     {config.io.train_dir}")

    def nothing_to_do(self, config, run):
        """Say that the run is finished already."""
        self.line(
            f"Nothing to do: {config.io.train_dir} is trained to step {run.start.step} "
            f"(epoch {run.start.epoch}) already. Raise max_epochs or max_steps to go "
            "on, or set restart_mode = force_default to start anew."
        )

    def callbacks(self, config, run):
        """Keras callbacks that show the progress of a run."""
        return [TrainingProgress(self, run, config.io.progbar_interval)]

    def line(self, text):
        """One line of text, as it is."""
        self.console.print(text, markup=False, soft_wrap=True)


class TrainingProgress(keras.callbacks.Callback):
    """A progress bar for the steps, and one line for each epoch."""

    def __init__(self, screen, run, interval):
        super().__init__()
        self.screen, self.plan, self.start = screen, run.plan, run.start
        self.program = run.program
        self.interval = interval
        self.bar = None

    def on_train_begin(self, logs=None):
        """Start the clock and, on a terminal, the bar."""
        self.epoch_clock = self.shown = time.monotonic()
        self.epoch_step = self.start.step
        self.screen.line("compiling the first step ...")
        if self.screen.console.is_terminal:
            self.bar = _steps_bar(self.screen.console, self.interval)
            self.task = self.bar.add_task(
                "", total=self.plan.total_steps, completed=self.start.step, note=""
            )
            self.bar.start()

    def on_train_batch_end(self, batch, logs=None):
        """Move the bar; `batch` counts optimizer steps."""
        if self.bar is not None:
            seconds = max(time.monotonic() - self.epoch_clock, 1e-9)
            rate = (batch - self.epoch_step) / seconds
            note = f"loss {logs['loss']:.3g}  {rate:.0f} steps/s"
            self.bar.update(self.task, completed=batch, note=note)
        elif time.monotonic() - self.shown > PLAIN_INTERVAL:
            self.shown = time.monotonic()
            self.screen.line(
                f"step {batch}/{self.plan.total_steps} loss {logs['loss']:.3g}"
            )

    def on_epoch_end(self, epoch, logs=None):
        """Write the line of an epoch."""
        now = time.monotonic()
        step = int(logs["steps"])
        rate = (step - self.epoch_step) / max(now - self.epoch_clock, 1e-9)
        self.screen.line(
            f"epoch {epoch + 1:>{len(str(self.plan.n_epochs))}}/{self.plan.n_epochs}  "
            f"step {step:>{len(str(self.plan.total_steps))}}  "
            f"{_measures(logs)}{_validation(logs)}  {rate:.0f} steps/s"
        )
        self.epoch_clock = self.shown = now
        self.epoch_step = step

    def on_train_end(self, logs=None):
        """Take the bar away; tell how many programs were compiled."""
        if self.bar is not None:
            self.bar.stop()
        n_programs = self.program.n_programs
        plural = "s" if n_programs != 1 else ""
        self.screen.line(
            f"compiled {n_programs} program{plural}, one for each shape of batch"
        )


def _test_set(run):
    """What was kept for a test, if anything was."""
    division = run.facts["data"].get("division")
    n_test = division["counts"]["test"] if division else 0
    return f", {n_test} kept for a test" if n_test else ""


def _measures(logs):
    return f"loss {logs['loss']:.4g}  {_errors(logs)}"


def _validation(logs):
    if "val_loss" not in logs:
        return ""
    return f" | validation {_errors(logs, 'val_')}"


def _errors(logs, prefix=""):
    """Those of the labels there are: MAE and RMSE of energies, forces, virials."""
    return "  ".join(
        f"{what}MAE {logs[f'{prefix}mae_{name}'] * MEV:.3g}  "
        f"RMSE {logs[f'{prefix}rmse_{name}'] * MEV:.3g} {unit}"
        for what, name, unit in (
            ("", "per_atom", "meV/atom"),
            ("forces ", "force", "meV/angstrom"),
            ("virials ", "virial_per_atom", "meV/atom"),
        )
        if f"{prefix}mae_{name}" in logs
    )


def _steps_bar(console, interval):
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("steps"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=console, refresh_per_second=min(1 / interval, 10), transient=True,
    )  # fmt: skip


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
