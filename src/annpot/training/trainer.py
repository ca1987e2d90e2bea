"""The training loop: chunks of steps, epochs, validation, checkpoints."""

from itertools import tee
from pathlib import Path

from annpot import files
from annpot.networks.element_network import keras, tf
from annpot.training.callbacks import ChunkRecord, StopOnNaN, TensorBoardLog
from annpot.training.facts import save_expanded_ini
from annpot.training.metrics import measures
from annpot.training.metrics_file import MetricsFile
from annpot.training.setup import prepare


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
        logs = _run_epochs(run, callbacks)
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
    ]


def _run_epochs(run, callbacks):
    progress, logs = run.start, None
    segments, ahead = tee(run.plan.segments(progress))
    pieces = run.feed.pieces((s.first_step, s.n_steps) for s in ahead)
    for segment in segments:
        if segment.starts_epoch:
            callbacks.on_epoch_begin(progress.epoch)
        while progress.step < segment.end:
            progress = _run_piece(run, callbacks, next(pieces), progress)
        run.parameters.write_back()
        if segment.ends_epoch:
            logs = _epoch_logs(run, progress)
            callbacks.on_epoch_end(progress.epoch, logs)
        if segment.completes_epoch:
            progress = progress.next_epoch()
        if segment.saves:
            run.recorder.save(progress, run.facts)
    return logs


def _run_piece(run, callbacks, piece, progress):
    callbacks.on_train_batch_begin(progress.step)
    trace = run.program.run(piece.tables, piece.chunk)
    run.potential.last_chunk = ChunkRecord(
        progress.step, trace, run.plan.step.batch_size
    )
    progress = progress.after(trace)
    callbacks.on_train_batch_end(progress.step, {"loss": float(trace[-1, 0])})
    return progress


def _epoch_logs(run, progress):
    """Averages of the epoch that ends, and those over the validation data."""
    logs = measures(progress.sums, progress.steps_in_epoch, run.plan.step.batch_size)
    if run.validator is not None:
        validation = run.validator.measures(run.potential)
        logs |= {f"val_{name}": value for name, value in validation.items()}
    return logs | {"steps": progress.step}
