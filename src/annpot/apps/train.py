"""app_train: structures or TFRecords to networks."""

import time

from annpot.apps.command import exit_code_of, make_parser

NAME = "app_train"


def main(argv=None):
    """Entry point of app_train."""
    started = time.monotonic()
    arguments = vars(_parser().parse_args(argv))
    debug = arguments.pop("debug")
    return exit_code_of(NAME, lambda: _run(**arguments, started=started), debug)


def _parser():
    parser = make_parser(NAME, "Train the networks of a potential.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("-c", "--config", metavar="INI", help="INI file")
    what.add_argument(
        "--checkpoint",
        metavar="PATH",
        help="go on from a checkpoint alone: a train_dir, or one checkpoint in it",
    )
    parser.add_argument(
        "--stage", metavar="NAME", help="run this stage of the INI file"
    )
    parser.add_argument(
        "--callback",
        action="append",
        default=[],
        metavar="PACKAGE.MODULE:CLASS",
        help="a Keras callback of your own; may be given several times",
    )
    return parser


def _run(config, checkpoint, stage, callback, started):
    from annpot.apps.training_job import job_of_checkpoint, job_of_ini

    job = job_of_ini(config, stage) if config else job_of_checkpoint(checkpoint, stage)
    from annpot.tensorflow_import import import_tensorflow

    import_tensorflow(job.threads, job.config.io.accelerator)
    from annpot.apps.training_screen import Screen

    def callbacks():
        if not callback:
            return ()
        from annpot.training.user_callbacks import load_callbacks

        return load_callbacks(callback)

    callbacks()  # told before anything is read
    screen = Screen()
    outcome = job.run(screen, callbacks, started)
    if outcome.logs is not None:
        screen.line(
            f"Done. Watch: tensorboard --logdir {job.config.io.train_dir}; next: "
            f"{job.advice}."
        )
