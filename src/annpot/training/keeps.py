"""Which checkpoints stay on disk: the newest, every k-th epoch, the best, the last.

All that is needed to decide is in the history of the run, which each checkpoint holds:
a run that goes on decides as one that never stopped.
"""

from dataclasses import dataclass

import numpy as np

from annpot.training.history import EPOCH
from annpot.training.metrics import measure_of_column

STEP = "step"  # column of the history
VALIDATION = "val_"
LARGER_IS_BETTER = ("r2",)  # kinds of measures; of all others the smallest is best


@dataclass(frozen=True)
class Keeps:
    """Rules of the INI file.

    Attributes:
        newest: number of newest checkpoints.
        every: epochs between checkpoints that are never removed; None for none.
        best: number of checkpoints with the best metric.
        metric: column of the history that says which epoch is best.
        save_every: steps between checkpoints; None saves at the end of epochs.
        also: column whose best epoch is kept beside, which an early end goes back to;
            None for none.
    """

    newest: int
    every: int | None
    best: int
    metric: str
    save_every: int | None = None
    also: str | None = None

    def facts(self):
        """What a checkpoint says of the best, JSON-able."""
        return {
            "column": self.metric,
            "larger_is_better": is_larger_better(self.metric),
            "keep_best": self.best,
        }

    def names(self, history):
        """Names of the checkpoints that are never removed, {name}.

        The checkpoint of an epoch is the one at its end. Of equal epochs the earlier
        is better.

        Args:
            history: History.
        """
        names = checkpoint_names(history)
        kept = {
            name
            for name, epoch in zip(names, history.column(EPOCH), strict=True)
            if self.every and epoch % self.every == 0
        }
        for metric, n in ((self.metric, self.best), (self.also, 1)):
            if metric is not None:
                order = best_first(history.column(metric), is_larger_better(metric))
                kept |= {names[row] for row in order[:n]}
        return kept

    def wants(self, history):
        """Whether the last epoch needs a checkpoint by these rules."""
        return len(history) > 0 and checkpoint_names(history)[-1] in self.names(history)

    def removable(self, existing, history):
        """Those of some checkpoints that need not stay, a list.

        The oldest beyond the newest ones; and the ends of epochs that were saved
        because they were the best, or the end of a shorter run, and are neither any
        more: an uninterrupted run would not have them.

        Args:
            existing: CheckpointFiles from old to new, without the last written.
            history: History.
        """
        steps = history.column(STEP) % (self.save_every or 1)
        names = checkpoint_names(history)
        passed = {name for name, step in zip(names, steps, strict=True) if step}
        old = {one.name for one in existing[: max(0, len(existing) + 1 - self.newest)]}
        gone = (passed | old) - self.names(history)
        return [one for one in existing if one.name in gone]


def keeps_of(io, has_validation, also=None):
    """Keeps of the [IO_INFORMATION] section.

    Args:
        io: the section.
        has_validation: whether there are validation data.
        also: see Keeps.
    """
    metric = f"{VALIDATION}loss" if has_validation else "loss"
    if io.best_metric is not None:
        metric = measure_of_column(io.best_metric)
    return Keeps(
        io.max_ckpt_to_keep,
        io.keep_every_epochs,
        io.keep_best,
        metric,
        io.save_checkpoint_steps,
        also,
    )


def checkpoint_names(history):
    """Name of the checkpoint at the end of each epoch of a History."""
    columns = history.column(EPOCH), history.column(STEP)
    return [f"epoch_{int(e)}_step_{int(s)}" for e, s in zip(*columns, strict=True)]


def is_larger_better(metric):
    """Whether the largest value of a measure is the best."""
    return metric.removeprefix(VALIDATION).split("_")[0] in LARGER_IS_BETTER


def best_first(values, larger_is_better):
    """Indices of the values that are numbers, from the best to the worst.

    Args:
        values: (n_epochs,).
        larger_is_better: see `is_larger_better`.
    """
    values = np.asarray(values, float)
    order = np.argsort(-values if larger_is_better else values, kind="stable")
    return [int(row) for row in order if np.isfinite(values[row])]
