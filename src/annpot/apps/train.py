"""app_train: structures or TFRecords to networks."""

import time

from annpot.apps.command import run_command


def main(argv=None):
    """Entry point of app_train."""
    return run_command("app_train", "Train the networks of a potential.", _run, argv)


def _run(path):
    started = time.monotonic()
    from annpot.config import load_train

    config = load_train(path)
    threads = check_before_tensorflow(config)
    from annpot.tensorflow_import import import_tensorflow

    import_tensorflow(threads, config.io.accelerator)
    from annpot.apps.training_screen import Screen
    from annpot.training.trainer import train

    screen = Screen()
    outcome = train(config, screen, started=started)
    if outcome.logs is not None:
        screen.line(
            f"Done. Watch: tensorboard --logdir {config.io.train_dir}; next: "
            "app_evaluate and app_extract_weights."
        )


def check_before_tensorflow(config):
    """Refuse at once what can be, before seconds go into importing TensorFlow.

    Returns:
        number of threads for TensorFlow, which has to know it from the start.
    """
    from annpot.training.data_checks import data_facts, descriptor_length
    from annpot.training.threads import number_of_threads

    n_features = descriptor_length(config)
    if config.descriptor is None:
        data_facts(config, n_features)
    return number_of_threads(config, n_features)
