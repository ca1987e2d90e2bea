"""Problems of many structures, told together, the first of them in full."""

from annpot.errors import InputError

PROBLEMS_SHOWN = 20


class ProblemList:
    """Problems found one after the other; all are counted, some are kept."""

    def __init__(self):
        self.shown, self.n_problems = [], 0

    def __bool__(self):
        """Whether there is any."""
        return self.n_problems > 0

    def add(self, error):
        """Add the problems of an InputError."""
        self.n_problems += len(error.problems)
        room = PROBLEMS_SHOWN - len(self.shown)
        self.shown += error.problems[: max(room, 0)]

    def refuse(self):
        """Raise an InputError with the problems, if there are any."""
        if not self:
            return
        n_shown = len(self.shown)
        capped = f"; the first {n_shown} are shown" if n_shown < self.n_problems else ""
        summary = f"{self.n_problems} problems{capped}."
        raise InputError(self.shown, summary if self.n_problems > 1 else None)
