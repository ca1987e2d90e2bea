"""How a run ended."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """How a run that is finished ended.

    Attributes:
        logs: averages of its last epoch; None when it had been finished before.
        ended: why a callback ended it early, or None.
        stopped: name of a signal that came when nothing was left to stop, or None: what
            would follow this run must not begin.
        n_epochs: epochs that it did.
    """

    logs: dict | None
    ended: str | None = None
    stopped: str | None = None
    n_epochs: int = 0
