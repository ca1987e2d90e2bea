"""When a run stops before its end: limits of the INI file, and signals."""

import time

ROOM = 1.0  # s, for the last checkpoint and the end of the command


class Limits:
    """Tells between chunks whether to stop.

    `max_time` counts from the start of the command. A run stops when the longest
    stretch between two questions and `ROOM` would no longer fit.

    Args:
        io: the [IO_INFORMATION] section: `max_time`, `max_epochs_per_run`.
        interruption: Interruption.
        started: time at which the command began.
        n_epochs: epochs that it did before.
        now: function that gives the time, seconds.
    """

    def __init__(self, io, interruption, started, n_epochs=0, now=time.monotonic):
        self.io = io
        self.interruption = interruption
        self.started = started
        self.n_epochs = n_epochs
        self._now = now
        self._asked = None
        self._longest = 0.0

    def count_epoch(self):
        """An epoch has ended."""
        self.n_epochs += 1

    def reason(self):
        """Why to stop now, or None."""
        now = self._now()
        if self._asked is not None:  # the first stretch compiles
            self._longest = max(self._longest, now - self._asked)
        self._asked = now
        if self.interruption.is_requested:
            return self.interruption.name
        left = (self.io.max_time or float("inf")) - (now - self.started)
        if left < self._longest + ROOM:
            return f"max_time = {self.io.max_time:g} s"
        if self.n_epochs >= (self.io.max_epochs_per_run or float("inf")):
            return f"max_epochs_per_run = {self.io.max_epochs_per_run}"
        return None
