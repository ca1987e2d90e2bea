"""Ctrl-C: the run is saved where it is, and goes on from there to the same end."""

import contextlib
import signal

import pytest

from annpot.errors import NotFinished
from reference.small_training import assert_same_run, finished


@contextlib.contextmanager
def asked_at_once():
    """An interruption that was requested before the first step."""
    from annpot.training.interruption import Interruption

    interruption = Interruption()
    interruption.request(signal.SIGINT, None)
    yield interruption


def test_an_interrupted_run_is_saved_and_goes_on_to_the_same_bits(
    tmp_path, small_data, finished_run, monkeypatch
):
    keys = {"IO_INFORMATION": {"dataset_cache": "False"}}  # short chunks
    with monkeypatch.context() as patch:
        patch.setattr("annpot.training.plan.CHUNK_BYTES", 1.0)
        patch.setattr("annpot.training.trainer.deferred_interruption", asked_at_once)
        with pytest.raises(NotFinished) as stopped:
            finished(tmp_path, small_data, **keys)
    assert str(stopped.value) == (
        f"{tmp_path / 'run'}: stopped by Ctrl-C at epoch 1, step 1 of 21; saved as "
        "epoch_1_step_1. Run the same command to go on."
    )
    models = tmp_path / "run" / "_models"
    assert (models / "epoch_1_step_1.index").exists()  # one chunk is one step here
    run = finished(tmp_path, small_data)
    assert "Continuing from" in run.shown
    assert_same_run(run, finished_run)
