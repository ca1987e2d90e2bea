"""Who watches a run: averages of an epoch, and those who write them down."""

from pathlib import Path

from annpot.training.callbacks import Checkpoints, StopOnNaN
from annpot.training.early_stopping import EarlyStopping, stopping_settings
from annpot.training.history_file import HistoryFile
from annpot.training.lbfgs.program import Converged
from annpot.training.metrics import complete, measures
from annpot.training.metrics_file import MetricsFile
from annpot.training.plateau import plateau_of
from annpot.training.tensorboard_log import TensorBoardLog
from annpot.training.trace import by_name
from annpot.training.user_callbacks import Failures


def observers(config, run, extra=()):
    """Keras callbacks of a run, in the order in which they are called.

    Args:
        config: TrainConfig.
        run: Run.
        extra: callbacks of the user.
    """
    folder, io = Path(config.io.train_dir), config.io
    plan, start, history = run.plan, run.start, run.history
    rate = run.program.learning_rate
    return [
        StopOnNaN(folder),
        MetricsFile(folder / "metrics.dat", io.metrics, start.epoch),
        HistoryFile(folder, history, rate, run.clock),
        TensorBoardLog(folder, io.log_frequency, plan, start.step, history, rate),
        *_wandb(io, run),
        *plateau_of(config.training, rate, run.validator is not None),
        *extra,
        *_early_stopping(config, run),
        *([Converged(run.program)] if plan.step.optimizer.name == "lbfgs" else []),
        Checkpoints(run.save, lambda: run.recorder.keeps.wants(history)),
        Failures(extra, run.save),
    ]


def _wandb(io, run):
    if io.wandb_project is None:
        return []
    from annpot.training.wandb_log import WandbLog

    return [WandbLog(io.wandb_project, io.train_dir, run.facts["ini"], run.history)]


def _early_stopping(config, run):
    settings = stopping_settings(config.training, run.validator is not None)
    if settings is None:
        return []
    return [EarlyStopping(settings, run.history, run.go_back)]


def epoch_logs(run, progress):
    """Averages of the epoch that ends, and those over the validation data.

    Returns:
        {name: value}: all measures of `annpot.training.metrics` of the labels that
        the data have, NaN in an epoch without; with `val_` those of the validation
        data; `steps`, the optimizer steps done.
    """
    labels, validator = run.data.labels, run.validator
    if validator is not None:
        labels = {*labels, *validator.labels}
    found = measures(by_name(progress.sums), progress.n_summed)
    logs = complete(found, labels)
    if validator is not None:
        with run.clock.part("validation"):
            found = validator.measures(run.potential, run.seen)
        logs |= {f"val_{k}": value for k, value in complete(found, labels).items()}
    return logs | {"steps": progress.step}
