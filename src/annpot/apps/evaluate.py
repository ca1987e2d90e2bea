"""app_evaluate: energies and forces of a data set by checkpoints or by a model."""

from annpot.apps.command import run_command


def main(argv=None):
    """Entry point of app_evaluate."""
    return run_command("app_evaluate", "Evaluate networks on a data set.", _run, argv)


def _run(path):
    from annpot import files
    from annpot.config import load_evaluate
    from annpot.evaluation.run import OF_STRUCTURES, evaluate
    from annpot.progress import progress

    config = load_evaluate(path)
    told = set()
    _tell((*config.source.notices, *_unused(config)), told)

    def announce(description, total):
        return progress(description, total, "structures")

    if config.io.input_format in OF_STRUCTURES:
        from annpot.compiled import start_without_scipy

        start_without_scipy()
    evaluations = []
    for evaluation in evaluate(config, _train_config(config), announce):
        _tell((*evaluation.notices, *evaluation.label_notices), told)
        _show(evaluation, config)
        evaluations.append(evaluation)
    text = config.source.expanded_text()
    files.write_text(config.io.eval_dir / "evaluate.expanded.ini", text)
    _conclude(evaluations, config)


def _train_config(config):
    """TrainConfig of `train_ini`; None without it, and for a model."""
    from annpot.config import load_train

    train_ini = config.io.train_ini
    if config.io.model_dir is not None:
        return None
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

    for table in result_tables.evaluation_tables(evaluation):
        result_tables.show(table)
    if not config.validation.plot:
        return
    stem = config.io.eval_dir / evaluation.stem
    if evaluation.accuracy.count:
        reports.parity_plot(evaluation, f"{stem}_parity.png")
        reports.error_histogram(evaluation, f"{stem}_errors.png")
    if evaluation.forces is not None and evaluation.forces.accuracy.count:
        reports.force_parity_plot(evaluation, f"{stem}_forces_parity.png")


def _conclude(evaluations, config):
    from annpot import reports, result_tables
    from annpot.evaluation.results import words_of_part
    from annpot.wording import counted

    if len(evaluations) > 1:
        result_tables.show(result_tables.checkpoint_table(evaluations))
        if config.validation.plot and evaluations[0].accuracy.count:
            part = "" if evaluations[0].part is None else f"_{evaluations[0].part}"
            path = config.io.eval_dir / f"checkpoints{part}.png"
            reports.checkpoint_curve(evaluations, path)
    what = "Energies and forces" if config.validation.compute_forces else "Energies"
    number = counted(len(evaluations), "checkpoint")
    if config.io.model_dir is not None:
        number = str(config.io.model_dir)
    part = words_of_part(config.validation.split)
    print(f"{what} of {number}{part}: {config.io.eval_dir}")
