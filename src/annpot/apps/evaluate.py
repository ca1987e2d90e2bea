"""app_evaluate: energies of a data set by the networks of checkpoints."""

from annpot.apps.command import run_command


def main(argv=None):
    """Entry point of app_evaluate."""
    return run_command("app_evaluate", "Evaluate networks on a data set.", _run, argv)


def _run(path):
    from annpot import files
    from annpot.config import load_evaluate
    from annpot.evaluation import evaluate
    from annpot.progress import progress

    config = load_evaluate(path)
    told = set()
    _tell((*config.source.notices, *_unused(config)), told)

    def announce(description, total):
        return progress(description, total, "structures")

    evaluations = []
    for evaluation in evaluate(config, _train_config(config), announce):
        _tell(evaluation.notices, told)
        _show(evaluation, config)
        evaluations.append(evaluation)
    text = config.source.expanded_text()
    files.write_text(config.io.eval_dir / "evaluate.expanded.ini", text)
    _conclude(evaluations, config)


def _train_config(config):
    """TrainConfig of `train_ini`; None when it was left out and is not there."""
    from annpot.config import load_train

    train_ini = config.io.train_ini
    if config.source.is_given("IO_INFORMATION", "train_ini") or train_ini.exists():
        return load_train(train_ini)
    return None


def _unused(config):
    """Notices of keys that need `single_step`."""
    options = config.validation
    for key in ("epoch_number", "step_number"):
        if getattr(options, key) is not None and not options.single_step:
            where = config.source.where("VALIDATION_OPTIONS", key)
            yield f"{where}: {key} has no effect without single_step = True."


def _tell(notices, told):
    """Print the notices that were not told before."""
    for notice in notices:
        if notice not in told:
            print(notice)
        told.add(notice)


def _show(evaluation, config):
    from annpot import reports, result_tables

    result_tables.show(result_tables.accuracy_table(evaluation))
    if config.validation.plot:
        stem = config.io.eval_dir / evaluation.checkpoint.name
        reports.parity_plot(evaluation, f"{stem}_parity.png")
        reports.error_histogram(evaluation, f"{stem}_errors.png")


def _conclude(evaluations, config):
    from annpot import reports, result_tables

    if len(evaluations) > 1:
        result_tables.show(result_tables.checkpoint_table(evaluations))
        if config.validation.plot:
            path = config.io.eval_dir / "checkpoints.png"
            reports.checkpoint_curve(evaluations, path)
    print(f"Energies of {len(evaluations)} checkpoints: {config.io.eval_dir}")
