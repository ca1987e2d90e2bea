"""Signals that end a command: at once, or between the steps of a run."""

import contextlib
import signal
import threading

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
NAMES = {signal.SIGINT: "Ctrl-C"}


class Interruption:
    """Whether a signal asked to stop, and which.

    Attributes:
        number: of the first signal; None without.
    """

    def __init__(self, number=None):
        self.number = number

    @property
    def is_requested(self):
        """Whether to stop."""
        return self.number is not None

    @property
    def name(self):
        """`Ctrl-C`, `SIGTERM` or `SIGUSR1`; None without a signal."""
        if self.number is None:
            return None
        return NAMES.get(self.number, signal.Signals(self.number).name)

    def stop_at_once(self, number, frame):
        """Handler that ends what is being done."""
        self.number = number if self.number is None else self.number
        raise KeyboardInterrupt

    def request(self, number, frame):
        """Handler that remembers the first signal; a second Ctrl-C stops at once."""
        if self.is_requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.number = number if self.number is None else self.number


@contextlib.contextmanager
def stopped_at_once():
    """Context in which SIGTERM and SIGUSR1 do what Ctrl-C does: KeyboardInterrupt."""
    interruption = Interruption()
    with _handled(interruption.stop_at_once):
        yield interruption


@contextlib.contextmanager
def deferred_interruption():
    """Context whose value is an Interruption that the signals set.

    One that came before, where Python could not raise (inside a callback of another
    library, say), is not forgotten.
    """
    before = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    number = before.number if isinstance(before, Interruption) else None
    interruption = Interruption(number)
    with _handled(interruption.request):
        yield interruption


@contextlib.contextmanager
def _handled(handler):
    """Give the signals a handler; outside the main thread they cannot have one."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    earlier = {number: signal.signal(number, handler) for number in SIGNALS}
    try:
        yield
    finally:
        for number, previous in earlier.items():
            signal.signal(number, previous)
