"""Progress of a run on the screen: steps, epochs, time left, where the time went."""

import math
import time

from annpot.networks.element_network import keras
from annpot.wording import counted, duration

MEV = 1000.0
PLAIN_INTERVAL = 10.0  # least seconds between lines within an epoch, elsewhere
MOST_WAITING = 1 / 3  # of an epoch's time that may go into waiting for batches
SHORT = 1.0  # seconds of an epoch whose time says nothing


class TrainingProgress(keras.callbacks.Callback):
    """A progress bar for the steps, one line for each epoch, one about the time.

    Args:
        screen: Screen.
        run: Run.
        interval: seconds between updates of the bar.
    """

    def __init__(self, screen, run, interval):
        super().__init__()
        self.screen, self.run, self.plan = screen, run, run.plan
        self.interval = interval
        self.bar = None
        self.hint_is_due = True

    def on_train_begin(self, logs=None):
        """Start the clock and, on a terminal, the bar."""
        self.epoch_clock = self.shown = time.monotonic()
        self.step = self.epoch_step = self.run.start.step
        self.waited, self.compiled = 0.0, None
        self.screen.line("compiling the first step ...")
        if self.screen.console.is_terminal:
            self.bar = _steps_bar(self.screen.console, self.interval)
            self.task = self.bar.add_task(
                "", total=self.plan.total_steps, completed=self.step, note=""
            )
            self.bar.start()

    def on_train_batch_end(self, batch, logs=None):
        """Move the bar; `batch` counts optimizer steps."""
        self.step, now = batch, time.monotonic()
        self.compiled = self.compiled or (batch, now)
        rate = (batch - self.epoch_step) / max(now - self.epoch_clock, 1e-9)
        if self.bar is not None:
            note = f"loss {logs['loss']:.3g}  {rate:.0f} steps/s"
            self.bar.update(self.task, completed=batch, note=note)
        elif now - self.shown > PLAIN_INTERVAL:
            self.shown = now
            self.screen.line(
                f"step {batch}/{self.plan.total_steps} loss {logs['loss']:.3g}"
                f"{self._left(now)}"
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
            f"{self._left(now)}"
        )
        self._hint(epoch + 1, now - self.epoch_clock)
        self.epoch_clock = self.shown = now
        self.epoch_step = step

    def on_train_end(self, logs=None):
        """Take the bar away; tell of compiled programs and of the time."""
        if self.bar is not None:
            self.bar.stop()
        if self.run.ended:
            self.screen.line(f"ended early: {self.run.ended}")
        n_programs = self.run.program.n_programs
        self.screen.line(
            f"compiled {counted(n_programs, 'program')}, one for each shape of batch"
        )
        n_steps = self.step - self.run.start.step
        if n_steps:
            self.screen.line(_timer(self.run, n_steps))

    def _left(self, now):
        """How long the rest is going to take, in words.

        As long as the steps after the first chunk, which waited for the compiler, and
        all that came between them; nothing before there are any, and at the end.
        """
        first, since = self.compiled or (self.step, now)
        if self.step == first or self.step == self.plan.total_steps:
            return ""
        per_step = (now - since) / (self.step - first)
        left = duration((self.plan.total_steps - self.step) * per_step)
        return f", {left} left"

    def _hint(self, epoch, seconds):
        """Say once what makes batches come faster, where steps wait for them."""
        waited = self.run.clock.total()["input"]
        share, self.waited = (waited - self.waited) / max(seconds, 1e-9), waited
        if not self.hint_is_due or seconds < SHORT or share < MOST_WAITING:
            return
        self.hint_is_due = False
        way_out = "larger batches (batch_size) take less time for each structure"
        if not self.run.data.is_resident:
            way_out = (
                "to keep the data in memory set dataset_cache = True or a larger "
                "memory_budget_mb; or read more at a time with num_parallel_readers"
            )
        self.screen.line(
            f"hint: the steps of epoch {epoch} waited for batches during "
            f"{100 * share:.0f} % of its time; {way_out}."
        )


def _timer(run, n_steps):
    """The line about the time of a run and its parts."""
    parts = run.clock.total()
    total = sum(parts.values())
    shares = [f"{name} {100 * part / total:.0f} %" for name, part in parts.items()]
    per_epoch = total / n_steps * run.plan.steps_per_epoch
    return (
        f"time        {duration(total)}: {', '.join(shares)}; "
        f"{n_steps / total:.0f} steps/s, "
        f"{duration(per_epoch)} per epoch"
    )


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
        if not math.isnan(logs.get(f"{prefix}mae_{name}", math.nan))
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
