"""The exceptions of annpot and the exit codes they stand for.

0 done, 1 a failed run (NaN in training, internal error), 2 bad input, 75 not finished:
the same command goes on.
"""

UNFINISHED = 75  # EX_TEMPFAIL of sysexits.h: try again


class AnnpotError(Exception):
    """A failure that is told to the user as a message, never as a traceback."""

    exit_code = 1


class InputError(AnnpotError):
    """Something the user gave is wrong: an INI value, a file, a folder, a number.

    Each problem reads: where - what was found - what was expected - what to do.

    Args:
        problems: one message, or several that were found together.
        summary: closing line printed after the problems, if any.
    """

    exit_code = 2

    def __init__(self, problems, summary=None):
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        self.summary = summary
        lines = self.problems + ([summary] if summary else [])
        super().__init__("\n".join(lines))


class TrainingError(AnnpotError):
    """Training cannot go on, for example because the loss is not a number."""


class NotFinished(AnnpotError):  # noqa: N818  (nothing went wrong)
    """A run ended before its end, everything is saved, and it can be gone on with.

    A limit was reached, or a signal asked to stop.
    """

    exit_code = UNFINISHED
