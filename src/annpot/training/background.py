"""One thing at a time, done beside the training."""

from concurrent.futures import ThreadPoolExecutor


class Background:
    """Does one job at a time in a thread of its own.

    Python waits for the job at its exit, so that what was begun is finished unless the
    process is killed.
    """

    def __init__(self):
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._job = None

    def start(self, job):
        """Begin a job, a function without arguments, when the one before is done.

        Raises:
            Exception: what the job before raised.
        """
        self.wait()
        self._job = self._thread.submit(job)

    def wait(self):
        """Wait for the job.

        Raises:
            Exception: what the job raised; once.
        """
        job, self._job = self._job, None
        if job is not None:
            job.result()

    def settle(self):
        """Wait for the job, whose error nobody asks for any more."""
        job, self._job = self._job, None
        if job is not None:
            job.exception()
