"""How far a run is, and whether that is its end."""

from dataclasses import dataclass, replace

import numpy as np

from annpot.training.plan import run_length
from annpot.training.trace import TRACE


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        step: optimizer steps done.
        epoch: complete epochs done.
        steps_in_epoch: steps done of the epoch that is not complete.
        sums: sums of the step records of that epoch, in the order of TRACE.
        n_summed: steps that are in the sums: fewer than `steps_in_epoch` where the
            epoch began with a version that recorded other things.
    """

    step: int = 0
    epoch: int = 0
    steps_in_epoch: int = 0
    sums: tuple[float, ...] = (0.0,) * len(TRACE)
    n_summed: int = 0

    @staticmethod
    def stored(content):
        """Progress that a checkpoint holds, whatever version wrote it.

        Args:
            content: {attribute: value}.
        """
        sums = tuple(content["sums"])
        n_summed = content.get("n_summed", content["steps_in_epoch"])
        if len(sums) != len(TRACE):
            sums, n_summed = Progress().sums, 0
        return Progress(**{**content, "sums": sums, "n_summed": n_summed})

    def after(self, trace):
        """Progress after the steps of a trace (n_steps, len(TRACE))."""
        # One addition per step: the sums do not depend on how steps were chunked.
        sums = np.array(self.sums)
        for record in trace:
            sums = sums + record
        return replace(
            self,
            step=self.step + len(trace),
            steps_in_epoch=self.steps_in_epoch + len(trace),
            sums=tuple(float(value) for value in sums),
            n_summed=self.n_summed + len(trace),
        )

    def next_epoch(self):
        """Progress at the start of the following epoch."""
        return Progress(step=self.step, epoch=self.epoch + 1)

    def in_words(self):
        """`epoch 3, step 210`, the epoch counted from 1."""
        in_epoch = self.steps_in_epoch > 0 or self.epoch == 0
        return f"epoch {self.epoch + in_epoch}, step {self.step}"


def length_facts(training):
    """{key: value} of the keys that say how long a run is.

    Args:
        training: the [TRAINING_PARAMETERS] section.
    """
    return {"max_epochs": training.max_epochs, "max_steps": training.max_steps}


def is_finished(run, config):
    """Whether a checkpoint is the end of its run.

    It has all the steps that the INI file asks for, or a callback ended the run and
    the file asks for no other length than it did then.

    Args:
        run: SavedState, or the facts that its `run` holds; None counts as not finished.
        config: TrainConfig.
    """
    facts = getattr(run, "run", run)
    if facts is None:
        return False
    asked = length_facts(config.training)
    if facts.get("ended") is not None and facts["run_length"] == asked:
        return True
    progress = Progress.stored(facts["progress"])
    _, total_steps, _ = run_length(config.training, progress)
    return progress.step >= total_steps
