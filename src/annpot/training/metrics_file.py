"""metrics.dat: one line of averages for each epoch."""

from pathlib import Path

from annpot import files
from annpot.networks.element_network import keras
from annpot.training.metrics import file_columns

MISSING = "nan"  # in lines of epochs that did not have the column


class MetricsFile(keras.callbacks.Callback):
    """Appends a line to metrics.dat after each epoch.

    Columns are separated by spaces: `epoch` (from 0), then the chosen metrics and
    `tot_st`, the optimizer steps done, in alphabetical order with upper case first,
    then those of the validation data. When a continued run asks for other columns the
    file gets all of them.

    Args:
        path: the file.
        chosen: metrics to write.
        first_epoch: lines of this epoch and later ones, left by a run that went on
            further than its last checkpoint, are dropped.
    """

    def __init__(self, path, chosen, first_epoch):
        super().__init__()
        self.path = Path(path)
        self.chosen = chosen
        self.first_epoch = first_epoch
        self._header = []

    def on_train_begin(self, logs=None):
        """Keep the lines of the epochs before this run."""
        if not self.path.exists():
            return
        text = self.path.read_text(encoding="utf-8", errors="replace")
        header, *lines = [line.split() for line in text.splitlines()] or [[]]
        kept = [line for line in lines if _epoch_of(line) < self.first_epoch]
        if len(kept) < len(lines):
            self._write([header, *kept])
        self._header = header

    def on_epoch_end(self, epoch, logs=None):
        """Write the line, and the header into an empty file."""
        columns = {"epoch": epoch} | self.columns(logs)
        if not self._header:
            self._header = list(columns)
            self._write([self._header])
        elif set(columns) - set(self._header):
            self._widen(columns)
        with (
            files.explained_write_errors(self.path),
            open(self.path, "a", encoding="utf-8") as stream,
        ):
            values = (str(columns.get(name, MISSING)) for name in self._header)
            stream.write(" ".join(values) + "\n")

    def columns(self, logs):
        """{column: value} of an epoch's logs."""
        columns = file_columns(self.chosen, logs) | {"tot_st": int(logs["steps"])}
        if "val_loss" in logs:
            validation = {
                name.removeprefix("val_"): value
                for name, value in logs.items()
                if name.startswith("val_")
            }
            columns |= file_columns(self.chosen, validation, prefix="val_")
        return dict(sorted(columns.items()))

    def _widen(self, columns):
        """Give the file further columns."""
        old = self._header
        names = sorted({*old, *columns} - {"epoch"})
        self._header = ["epoch", *names]
        _, *lines = [line.split() for line in self.path.read_text().splitlines()]
        rows = [dict(zip(old, line, strict=False)) for line in lines]
        table = [[row.get(name, MISSING) for name in self._header] for row in rows]
        self._write([self._header, *table])

    def _write(self, lines):
        files.write_text(self.path, "".join(" ".join(line) + "\n" for line in lines))


def _epoch_of(line):
    return int(line[0]) if line and line[0].isdigit() else -1
