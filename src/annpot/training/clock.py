"""Where the time of a run goes."""

import time
from contextlib import contextmanager

PARTS = (
    "input",  # waiting for the next chunk of batches
    "compute",  # the compiled steps, compiling included
    "validation",
    "checkpoint",
    "other",  # files, TensorBoard, the screen, callbacks of the user
)
OTHER = PARTS[-1]


class Clock:
    """Seconds of a run, each of them counted for one part.

    Parts may be nested: the inner one stops the outer one. What no part claims is
    "other". All seconds since the clock was made are in the sum of the parts.

    Args:
        now: function that gives the time, seconds.
    """

    def __init__(self, now=time.perf_counter):
        self._now = now
        self._running, self._since = OTHER, now()
        self._lap = dict.fromkeys(PARTS, 0.0)
        self._total = dict.fromkeys(PARTS, 0.0)

    @contextmanager
    def part(self, name):
        """Context whose seconds are those of a part."""
        before = self._switch(name)
        try:
            yield
        finally:
            self._switch(before)

    def lap(self):
        """{part: seconds} since the lap before; the next one begins."""
        self._switch(self._running)
        ended, self._lap = self._lap, dict.fromkeys(PARTS, 0.0)
        return ended

    def total(self):
        """{part: seconds} since the clock was made."""
        self._switch(self._running)
        return dict(self._total)

    def _switch(self, name):
        """Count for another part from now on; return the one before."""
        now, before = self._now(), self._running
        for seconds in (self._lap, self._total):
            seconds[before] += now - self._since
        self._running, self._since = name, now
        return before
