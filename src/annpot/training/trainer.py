"""The training loop: chunks of steps, epochs, validation, checkpoints."""

import time
from itertools import tee

from annpot import files
from annpot.errors import NotFinished
from annpot.networks.element_network import keras, tf
from annpot.training.callbacks import ChunkRecord
from annpot.training.facts import save_expanded_ini
from annpot.training.interruption import deferred_interruption
from annpot.training.limits import Limits
from annpot.training.observers import epoch_logs, observers
from annpot.training.outcome import Outcome
from annpot.training.progress import is_finished
from annpot.training.setup import prepare
from annpot.training.user_callbacks import raise_failures


def train(
    config, screen, origin=None, extra_callbacks=(), started=None, epochs_before=0
):
    """Train as an INI file says; results go to its train_dir.

    Args:
        config: TrainConfig.
        screen: Screen that shows what happens.
        origin: StageOrigin where the run is a stage of a plan.
        extra_callbacks: Keras callbacks of the user. One that sets
            `model.stop_training = True` ends the run after that epoch; what it gives as
            `model.stop_reason` is stored. See `annpot.training.stateful` for those that
            remember something.
        started: time.monotonic() at which the command began, for `max_time`; now when
            None.
        epochs_before: epochs that the command did before, for `max_epochs_per_run`.

    Returns:
        Outcome.

    Raises:
        InputError: settings or data do not fit.
        TrainingError: the loss is not a number.
        NotFinished: a limit was reached or a signal came; the state was saved.
        KeyboardInterrupt: a second Ctrl-C came.
    """
    started = time.monotonic() if started is None else started
    with files.only_one_in(config.io.train_dir, "app_train"):
        run = prepare(config, screen.reading, origin)
        screen.summary(config, run)
        if is_finished(run.stored, config):
            screen.nothing_to_do(config, run)
            return Outcome(None, run.stored.get("ended"))
        save_expanded_ini(config, run.plan)
        watching = observers(config, run, extra_callbacks)
        run.callback_states.watch(watching)
        callbacks = keras.callbacks.CallbackList(
            [*watching, *screen.callbacks(config, run)], model=run.potential
        )
        with deferred_interruption() as interruption:
            limits = Limits(config.io, interruption, started, epochs_before)
            logs = _watched(run, callbacks, limits)
        raise_failures(extra_callbacks)
        n_epochs = limits.n_epochs - epochs_before
        return Outcome(logs, run.ended, interruption.name, n_epochs)


def _watched(run, callbacks, limits):
    """Run all epochs; callbacks and the last checkpoint end whatever happens."""
    run.potential.stop_training = False
    callbacks.on_train_begin()
    run.callback_states.restore((run.stored or {}).get("memory", {}))
    try:
        logs = _run_epochs(run, callbacks, limits)
        run.recorder.wait()
        return logs
    except tf.errors.ResourceExhaustedError as error:
        raise MemoryError(error.message.splitlines()[0]) from error
    finally:
        run.recorder.settle()
        callbacks.on_train_end()


def _run_epochs(run, callbacks, limits):
    progress, logs = run.start, None
    segments, ahead = tee(run.plan.segments(progress))
    pieces = run.feed.pieces((s.first_step, s.n_steps) for s in ahead)
    for segment in segments:
        if segment.starts_epoch:
            callbacks.on_epoch_begin(progress.epoch)
        while progress.step < segment.end:
            with run.clock.part("input"):
                piece = next(pieces)
            progress = _run_piece(run, callbacks, piece, progress)
            if progress.step < segment.end:
                _stop_if_due(run, progress, limits)
        if segment.completes_epoch:
            run.parameters.after_epoch(progress.epoch + 1)
        if segment.ends_epoch:
            run.parameters.write_back()
            logs = epoch_logs(run, progress)
            epoch = progress.epoch
            progress = progress.next_epoch() if segment.completes_epoch else progress
            run.potential.progress, run.potential.save_is_due = progress, segment.saves
            callbacks.on_epoch_end(epoch, logs)
            limits.count_epoch()
            if run.potential.stop_training:
                break
        elif segment.saves:
            run.save(progress)
        if progress.step < run.plan.total_steps:
            _stop_if_due(run, progress, limits)
    return logs


def _stop_if_due(run, progress, limits):
    """Where a limit is reached or a signal came, save where the run is and end it."""
    reason = limits.reason()
    if reason is None:
        return
    run.parameters.write_back()
    if run.recorder.saved != progress:
        run.save(progress)
    run.recorder.wait()
    prefix = run.recorder.prefix_of(progress)
    way_on = "Run the same command to go on."
    if limits.io.restart_mode == "force_default":
        way_on = "To go on set restart_mode = default: force_default begins anew."
    raise NotFinished(
        f"{prefix.parent.parent}: stopped by {reason} at {progress.in_words()} of "
        f"{run.plan.total_steps}; saved as {prefix.name}. {way_on}"
    )


def _run_piece(run, callbacks, piece, progress):
    callbacks.on_train_batch_begin(progress.step)
    with run.clock.part("compute"):
        trace = run.program.run(piece.tables, piece.chunk)
    run.potential.last_chunk = ChunkRecord(progress.step, trace)
    progress = progress.after(trace)
    callbacks.on_train_batch_end(progress.step, {"loss": float(trace[-1, 0])})
    return progress
