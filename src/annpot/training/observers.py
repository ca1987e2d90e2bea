"""Who watches a run: averages of an epoch, and those who write them down."""

from pathlib import Path

from annpot.training.callbacks import Checkpoints, StopOnNaN, TensorBoardLog
from annpot.training.history_file import HistoryFile
from annpot.training.metrics import complete, measures
from annpot.training.metrics_file import MetricsFile
from annpot.training.trace import by_name


def observers(config, run, extra=()):
    """Keras callbacks of a run, in the order in which they are called.

    Args:
        config: TrainConfig.
        run: Run.
        extra: callbacks of the user.
    """
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
        HistoryFile(folder, run.history, run.plan.step.learning_rate, run.clock),
        *extra,
        Checkpoints(run.save),
    ]


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
            found = validator.measures(run.potential, run.program.networks)
        logs |= {f"val_{k}": value for k, value in complete(found, labels).items()}
    return logs | {"steps": progress.step}
