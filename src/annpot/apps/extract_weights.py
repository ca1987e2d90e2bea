"""app_extract_weights: networks for re-training and for dynamics."""

from annpot.apps.command import run_command


def main(argv=None):
    """Entry point of app_extract_weights."""
    return run_command(
        "app_extract_weights",
        "Extract the networks of a checkpoint for re-training or other programs.",
        _run,
        argv,
    )


def _run(path):
    from annpot import files
    from annpot.config import load_extract, load_train

    config = load_extract(path)
    for notice in config.source.notices:
        print(notice)
    train_input = config.io.train_input
    train_config = load_train(train_input) if train_input else None
    from annpot.extraction.run import extract

    extraction = extract(config, train_config, _best(config))
    text = config.source.expanded_text()
    files.write_text(extraction.folder / "extract.expanded.ini", text)
    _show(extraction)


def _best(config):
    """The best checkpoint where the INI file asks for it, else None."""
    from annpot.training.best_checkpoint import best_checkpoint

    is_asked = config.io.checkpoint == "best"
    return best_checkpoint(config.io.network_dir) if is_asked else None


def _show(extraction):
    from annpot.extraction.report import report_lines
    from annpot.result_tables import network_table, show

    show(network_table(extraction.networks))
    for line in report_lines(extraction):
        print(line)
