"""history.csv: one line for each epoch, the same whatever happened to the run."""

import csv
import math

import numpy as np
import pytest

from annpot.errors import InputError
from annpot.training.history import History

LOGS = {"loss": 0.5, "mae_per_atom": 1 / 3, "val_loss": math.nan, "steps": 7}


def history_file(folder, history):
    """HistoryFile of a constant rate, as at the start of a run."""
    from annpot.training.clock import Clock
    from annpot.training.history_file import HistoryFile
    from annpot.training.schedules import LearningRate
    from annpot.training.step_settings import LearningRateSettings

    callback = HistoryFile(
        folder,
        history,
        LearningRate(LearningRateSettings(0.01, "exponential", 10, 0.5)),
        Clock(),
    )
    callback.on_train_begin()
    return callback


def rows(folder):
    """Lines of history.csv as dicts of texts."""
    with open(folder / "history.csv", newline="") as stream:
        return list(csv.DictReader(stream))


def without_times(folder):
    """Rows without what no two runs have in common."""
    return [
        {k: v for k, v in row.items() if not k.startswith("seconds")}
        for row in rows(folder)
    ]


def test_a_line_has_every_digit_of_each_measure(tmp_path):
    callback = history_file(tmp_path, History())
    callback.on_epoch_end(0, LOGS)
    callback.on_epoch_end(1, LOGS | {"steps": 14})
    first, second = rows(tmp_path)
    assert (first["epoch"], first["step"]) == ("1", "7")
    assert (second["epoch"], second["step"]) == ("2", "14")
    assert float(first["mae_per_atom"]) == 1 / 3
    assert first["val_loss"] == "nan"
    # The rate of the last step, which counts from 0 in the schedule.
    assert float(second["learning_rate"]) == 0.01 * 0.5 ** (13 / 10)
    columns = list(first)
    assert columns[:5] == ["epoch", "step", "learning_rate", "loss", "mae_per_atom"]
    assert columns[5:8] == ["val_loss", "seconds", "seconds_input"]
    parts = [float(value) for name, value in second.items() if "seconds_" in name]
    assert len(parts) == 5
    assert sum(parts) == pytest.approx(float(second["seconds"]))


def test_a_resumed_file_is_that_of_the_uninterrupted_run(tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir()
    cut.mkdir()
    epochs = [(e, LOGS | {"steps": 7 * e + 7, "loss": 1 / (e + 3)}) for e in range(4)]
    history = History()
    callback = history_file(whole, history)
    for epoch in epochs:
        callback.on_epoch_end(*epoch)
    # Killed after the third epoch; the last checkpoint is that of the second.
    saved = History()
    callback = history_file(cut, saved)
    for epoch in epochs[:2]:
        callback.on_epoch_end(*epoch)
    columns, table = saved.columns, saved.table
    callback.on_epoch_end(*epochs[2])
    resumed = History(columns, table)
    resumed.keep(2)
    callback = history_file(cut, resumed)
    assert len(rows(cut)) == 2
    for epoch in epochs[2:]:
        callback.on_epoch_end(*epoch)
    assert without_times(cut) == without_times(whole)
    assert (tmp_path / "cut/history.csv").read_text().splitlines()[0] == (
        (tmp_path / "whole/history.csv").read_text().splitlines()[0]
    )


def test_a_lost_file_comes_back_from_the_checkpoint(tmp_path):
    history = History()
    callback = history_file(tmp_path, history)
    callback.on_epoch_end(0, LOGS)
    before = (tmp_path / "history.csv").read_text()
    (tmp_path / "history.csv").unlink()
    history_file(tmp_path, History(history.columns, history.table))
    assert (tmp_path / "history.csv").read_text() == before


def test_a_fresh_start_leaves_no_line_of_an_earlier_run(tmp_path):
    history_file(tmp_path, History()).on_epoch_end(0, LOGS)
    history_file(tmp_path, History())
    assert not (tmp_path / "history.csv").exists()


def test_an_epoch_that_is_not_complete_is_done_again(tmp_path):
    history = History(("epoch", "step"), [(1, 7), (2, 10)])  # the second had 3 steps
    history.keep(1)
    np.testing.assert_array_equal(history.table, [[1, 7]])


def test_new_measures_widen_the_table(tmp_path):
    callback = history_file(tmp_path, History())
    callback.on_epoch_end(0, LOGS)
    callback.on_epoch_end(1, LOGS | {"mae_force": 0.25})
    first, second = rows(tmp_path)
    assert (first["mae_force"], second["mae_force"]) == ("nan", "0.25")
    assert callback.history.table.shape == (2, len(first))


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    callback = history_file(tmp_path, History())
    callback.path = tmp_path / "file" / "history.csv"
    with pytest.raises(InputError, match=r"history.csv: cannot be written .Not a dir"):
        callback.on_epoch_end(0, LOGS)
