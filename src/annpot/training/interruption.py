"""Ctrl-C between steps, never inside one."""

import contextlib
import signal
import threading


class Interruption:
    """Whether the user asked to stop."""

    def __init__(self):
        self.is_requested = False

    def request(self, signal_number, frame):
        """Remember the first Ctrl-C; a second one stops at once."""
        if self.is_requested:
            raise KeyboardInterrupt
        self.is_requested = True


@contextlib.contextmanager
def deferred_interruption():
    """Context whose value is an Interruption that Ctrl-C sets.

    Outside the main thread, where signals cannot be handled, nothing is deferred.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    earlier = signal.signal(signal.SIGINT, interruption.request)
    try:
        yield interruption
    finally:
        signal.signal(signal.SIGINT, earlier)
