"""One thing at a time, done beside the training."""

import threading


class Background:
    """Does one job at a time in a thread of its own.

    The thread ends with its job. Python waits for it at its exit, so that what was
    begun is finished unless the process is killed.
    """

    def __init__(self):
        self._thread = self._error = None

    def start(self, job):
        """Begin a job, a function without arguments, when the one before is done.

        Raises:
            Exception: what the job before raised.
        """
        self.wait()
        self._thread = threading.Thread(target=self._run, args=(job,))
        self._thread.start()

    def wait(self):
        """Wait for the job.

        Raises:
            Exception: what the job raised; once.
        """
        if self._thread is not None:
            self._thread.join()
        self._thread, error, self._error = None, self._error, None
        if error is not None:
            raise error

    def settle(self):
        """Wait for the job, whose error nobody asks for any more."""
        if self._thread is not None:
            self._thread.join()
        self._thread = self._error = None

    def _run(self, job):
        try:
            job()
        except BaseException as error:  # raised by `wait`
            self._error = error
