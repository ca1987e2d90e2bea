"""app_train: TFRecords to networks."""

from annpot.apps.command import run_command


def main(argv=None):
    """Entry point of app_train."""
    return run_command(
        "app_train", "Train the networks of a potential from TFRecords.", _run, argv
    )


def _run(path):
    from annpot.config import load_train

    config = load_train(path)
    check_before_tensorflow(config)
    from annpot.tensorflow_import import import_tensorflow

    import_tensorflow(config.io.threads)
    from annpot.apps.training_screen import Screen
    from annpot.training.trainer import train

    screen = Screen()
    logs = train(config, screen)
    if logs is not None:
        screen.line(
            f"Done. Watch: tensorboard --logdir {config.io.train_dir}; next: "
            "app_evaluate and app_extract_weights."
        )


def check_before_tensorflow(config):
    """What can be refused at once, before seconds go into importing TensorFlow."""
    from annpot.training.data_checks import data_facts, descriptor_length

    data_facts(config, descriptor_length(config))
