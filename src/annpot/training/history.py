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
        self._rows = [[float(value) for value in row] for row in rows]

    def __len__(self):
        return len(self._rows)

    @property
    def table(self):
        """(n_epochs, n_columns) float64; NaN where an epoch lacks a column."""
        return np.array(self._rows, np.float64).reshape(-1, len(self.columns))

    def lines(self):
        """Rows as texts, all digits, whole numbers of epochs and steps as such."""
        return [_line(self.columns, row) for row in self._rows]

    def keep(self, n_epochs):
        """Forget epochs after the first `n_epochs`: they are going to be done again."""
        first = self.columns.index(EPOCH)
        self._rows = [row for row in self._rows if row[first] <= n_epochs]

    def add(self, values):
        """Add the row of an epoch, {column: value}.

        Returns:
            its line, or None when it brought new columns: all lines are others then.
        """
        new = tuple(name for name in values if name not in self.columns)
        self.columns += new
        for row in self._rows:
            row += [math.nan] * len(new)
        row = [float(values.get(name, math.nan)) for name in self.columns]
        self._rows.append(row)
        return None if new else _line(self.columns, row)


def _line(columns, row):
    named = zip(columns, row, strict=True)
    return ",".join(
        str(int(value)) if name in (EPOCH, "step") else repr(value)
        for name, value in named
    )
