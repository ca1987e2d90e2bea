"""What a run measured in each epoch, as one table of numbers."""

import math

import numpy as np

EPOCH = "epoch"  # first column, counted from 1


class History:
    """One row of float64 for each epoch that was done.

    Attributes:
        columns: names of the columns; `epoch` is the first.

    Args:
        columns: as above; more are added when a row has them.
        rows: (n_epochs, n_columns).
    """

    def __init__(self, columns=(EPOCH,), rows=()):
        self.columns = tuple(columns)
        # Room for more rows than there are, so that adding one copies none.
        self._room = np.array(rows, np.float64).reshape(-1, len(self.columns))
        self._n = len(self._room)

    def __len__(self):
        return self._n

    @property
    def table(self):
        """(n_epochs, n_columns) float64, copied; NaN where an epoch lacks a column."""
        return self._room[: self._n].copy()

    def latest(self):
        """{column: value} of the last epoch; {} before there is one."""
        if not self._n:
            return {}
        return dict(zip(self.columns, self._room[self._n - 1].tolist(), strict=True))

    def column(self, name):
        """(n_epochs,) values of a column; NaN where there is none of this name."""
        if name not in self.columns:
            return np.full(len(self), np.nan)
        return self._room[: self._n, self.columns.index(name)].copy()

    def lines(self):
        """Rows as texts, all digits, whole numbers of epochs and steps as such."""
        return [_line(self.columns, row) for row in self._room[: self._n].tolist()]

    def keep(self, n_epochs):
        """Forget epochs after the first `n_epochs`: they are going to be done again."""
        table = self._room[: self._n]
        self._room = table[table[:, self.columns.index(EPOCH)] <= n_epochs]
        self._n = len(self._room)

    def add(self, values):
        """Add the row of an epoch, {column: value}.

        Returns:
            its line, or None when it brought new columns: all lines are others then.
        """
        new = tuple(name for name in values if name not in self.columns)
        self.columns += new
        self._make_room(len(new))
        row = [float(values.get(name, math.nan)) for name in self.columns]
        self._room[self._n] = row
        self._n += 1
        return None if new else _line(self.columns, row)

    def _make_room(self, n_columns):
        """Room for one more row, and for `n_columns` more columns."""
        n_rows = len(self._room)
        if n_columns or self._n == n_rows:
            more = max(n_rows, 16) if self._n == n_rows else 0
            room = np.full((n_rows + more, len(self.columns)), math.nan)
            room[:n_rows, : self._room.shape[1]] = self._room
            self._room = room


def _line(columns, row):
    named = zip(columns, row, strict=True)
    return ",".join(
        str(int(value)) if name in (EPOCH, "step") else repr(value)
        for name, value in named
    )
