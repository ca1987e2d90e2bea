"""Ctrl-C: the run is saved where it is, and goes on from there to the same end."""

import contextlib
import signal

import pytest

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
        with pytest.raises(KeyboardInterrupt):
            finished(tmp_path, small_data, **keys)
    models = tmp_path / "run" / "_models"
    assert (models / "epoch_1_step_1.index").exists()  # one chunk is one step here
    run = finished(tmp_path, small_data)
    assert "Continuing from" in run.shown
    assert_same_run(run, finished_run)


def test_a_second_ctrl_c_stops_at_once():
    from annpot.training.interruption import deferred_interruption

    with deferred_interruption() as interruption:
        signal.raise_signal(signal.SIGINT)
        assert interruption.is_requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)  # the usual handler is back


def test_changed_settings_and_data_are_told_on_resume():
    from annpot.training.facts import changes_since

    def facts(rate, fingerprint):
        ini = f"[TRAINING_PARAMETERS]\nlearning_rate = {rate}\n"
        return {"ini": ini, "data": {"fingerprint": fingerprint}}

    assert changes_since(None, facts(1, "a")) == []
    assert changes_since(facts(1, "a"), facts(1, "a")) == []
    assert changes_since(facts(0.1, "a"), facts(0.2, "b")) == [
        "Settings changed since the checkpoint: [TRAINING_PARAMETERS] learning_rate: "
        "0.1 -> 0.2.",
        "The training data are not those of the checkpoint.",
    ]
