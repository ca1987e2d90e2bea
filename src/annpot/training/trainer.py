"""The training loop: chunks of steps, epochs, validation, checkpoints."""

from itertools import tee
from pathlib import Path

from annpot import files
from annpot.networks.element_network import keras, tf
from annpot.training.callbacks import (
    Checkpoints,
    ChunkRecord,
    StopOnNaN,
    TensorBoardLog,
)
from annpot.training.facts import save_expanded_ini
from annpot.training.interruption import deferred_interruption
from annpot.training.metrics import measures
from annpot.training.metrics_file import MetricsFile
from annpot.training.setup import prepare
from annpot.training.trace import by_name


def train(config, screen):
    """Train as an INI file says; results go to its train_dir.

    Args:
        config: TrainConfig.
        screen: Screen that shows what happens.

    Returns:
        logs of the last epoch, None when there was nothing to do.

    Raises:
        InputError: settings or data do not fit.
        TrainingError: the loss is not a number.
        KeyboardInterrupt: the user pressed Ctrl-C; the state was saved.
    """
    with files.only_one_in(config.io.train_dir, "app_train"):
        return _train(config, screen)


def _train(config, screen):
    run = prepare(config, screen.reading)
    screen.summary(config, run)
    if run.start.step >= run.plan.total_steps:
        screen.nothing_to_do(config, run)
        return None
    save_expanded_ini(config, run.plan)
    callbacks = keras.callbacks.CallbackList(
        [*_recording_callbacks(config, run), *screen.callbacks(config, run)],
        model=run.potential,
    )
    callbacks.on_train_begin()
    try:
        with deferred_interruption() as interruption:
            logs = _run_epochs(run, callbacks, interruption)
    except tf.errors.ResourceExhaustedError as error:
        raise MemoryError(error.message.splitlines()[0]) from error
    finally:
        callbacks.on_train_end()
    return logs


def _recording_callbacks(config, run):
    folder = Path(config.io.train_dir)
    return [
        StopOnNaN(folder),
        TensorBoardLog(
            folder,
            config.io.log_frequency,
            run.plan.step.learning_rate,
            run.start.step,
        ),
        MetricsFile(folder / "metrics.dat", config.io.metrics, run.start.epoch),
        Checkpoints(run.recorder, run.facts),
    ]


def _run_epochs(run, callbacks, interruption):
    progress, logs = run.start, None
    segments, ahead = tee(run.plan.segments(progress))
    pieces = run.feed.pieces((s.first_step, s.n_steps) for s in ahead)
    for segment in segments:
        if segment.starts_epoch:
            callbacks.on_epoch_begin(progress.epoch)
        while progress.step < segment.end:
            progress = _run_piece(run, callbacks, next(pieces), progress)
            if interruption.is_requested and progress.step < segment.end:
                _stop(run, progress)
        run.parameters.write_back()
        if segment.ends_epoch:
            logs = _epoch_logs(run, progress)
            epoch = progress.epoch
            progress = progress.next_epoch() if segment.completes_epoch else progress
            run.potential.to_save = progress if segment.saves else None
            callbacks.on_epoch_end(epoch, logs)
        elif segment.saves:
            run.recorder.save(progress, run.facts)
        if interruption.is_requested and progress.step < run.plan.total_steps:
            _stop(run, progress)
    return logs


def _stop(run, progress):
    """Save where the run is and end it as Ctrl-C does."""
    run.parameters.write_back()
    run.recorder.save(progress, run.facts)
    raise KeyboardInterrupt


def _run_piece(run, callbacks, piece, progress):
    callbacks.on_train_batch_begin(progress.step)
    trace = run.program.run(piece.tables, piece.chunk)
    run.potential.last_chunk = ChunkRecord(progress.step, trace)
    progress = progress.after(trace)
    callbacks.on_train_batch_end(progress.step, {"loss": float(trace[-1, 0])})
    return progress


def _epoch_logs(run, progress):
    """Averages of the epoch that ends, and those over the validation data."""
    logs = measures(by_name(progress.sums), progress.steps_in_epoch)
    if run.validator is not None:
        validation = run.validator.measures(run.potential, run.program.networks)
        logs |= {f"val_{name}": value for name, value in validation.items()}
    return logs | {"steps": progress.step}
