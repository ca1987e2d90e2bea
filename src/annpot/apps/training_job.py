"""What app_train is going to do, decided before TensorFlow is imported."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from annpot.errors import InputError

IO = "IO_INFORMATION"
MODELS = "_models"


@dataclass(frozen=True)
class TrainingJob:
    """A training that is ready to start.

    Attributes:
        config: TrainConfig, of a plan that of what its stages have in common.
        threads: of one operation of TensorFlow; the same for all stages, as the last
            bits of a result follow it.
        run: function of (screen, function that gives callbacks, time of the start)
            that trains and returns an Outcome.
        advice: what to do afterwards.
    """

    config: object
    threads: int
    run: Callable
    advice: str = "app_evaluate and app_extract_weights"


def job_of_ini(path, stage=None):
    """TrainingJob of an INI file.

    Args:
        path: the INI file.
        stage: name of the one stage to train; None trains the sequence, the first
            stage without a sequence, or the whole file without stages.

    Raises:
        InputError: the file, a stage or the data do not fit.
    """
    from annpot.config import load_plan
    from annpot.stages.stored_plan import opened_plan

    plan = opened_plan(load_plan, path)
    chosen = plan.chosen(stage)
    if stage is None:
        _refuse_stored_stages_only(plan)
    if not chosen:
        return TrainingJob(plan.base, check_data(plan.base), _of_config(plan.base))
    for one in chosen:
        check_data(one.config)
    return _job_of_stages(plan, chosen, load_plan)


def _refuse_stored_stages_only(plan):
    """Refuse to guess whether a file without stages means those of an earlier plan."""
    if not plan.stages or len(plan.stored) < len(plan.stages):
        return
    from annpot.stages.stored_plan import plan_path

    folder = plan.base.io.train_dir
    raise InputError(
        f"{plan.base.source.path}: has no section [STAGE:name], but the plan of "
        f"{folder}, {plan_path(folder)}, has: {', '.join(plan.stages)}. Name one with "
        "--stage, give the plan itself with -c, or choose another train_dir."
    )


def job_of_checkpoint(path, stage=None):
    """TrainingJob that goes on from a checkpoint, which holds its INI text.

    Args:
        path: a train_dir, its folder _models, or the prefix of one checkpoint.
        stage: must be None.

    Raises:
        InputError: there is no checkpoint of annpot, or its data are not there.
    """
    from annpot.config import load_train_text
    from annpot.networks.stored_run import read_stored_run

    if stage is not None:
        raise InputError("--stage needs -c INI: a checkpoint is of one stage already.")
    prefix, given = _place(Path(path))
    run = read_stored_run(prefix)
    if not run.facts.get("ini"):
        raise InputError(
            f"{prefix}: written by another program, does not hold its settings. Give "
            "an INI file with -c and restart_mode = continue_from_last_ckpt."
        )
    given = {(IO, key): str(text) for key, text in given.items()}
    config = load_train_text(run.facts["ini"], str(prefix), given)
    _refuse_without_validation(config, run)
    check_data(config)
    return TrainingJob(config, run.facts["threads"], _going_on(config, run.facts))


def _refuse_without_validation(config, run):
    """Refuse where the folder to validate on stood in [LOCAL]."""
    validated = (run.facts.get("data_sha256") or {}).get("validation")
    if validated and not (config.validation.data_dir or config.data.validation_split):
        raise InputError(
            f"{run.prefix}: was validated on data whose folder stood in [LOCAL], which "
            "checkpoints do not hold. Go on with the INI file: -c INI, and --stage "
            "NAME for a stage."
        )


def _place(path):
    """(prefix of the checkpoint, {key of [IO_INFORMATION]: value}) of a path."""
    from annpot.networks.checkpoint_files import list_checkpoints
    from annpot.stages.state import newest_run

    if not path.is_dir():
        prefix = Path(str(path).removesuffix(".index"))
        if not Path(f"{prefix}.index").is_file():
            raise InputError(
                f"{path}: no such folder or checkpoint: expected a train_dir, its "
                f"{MODELS}, or a checkpoint without its ending .index."
            )
        train_dir = prefix.parent
        train_dir = train_dir.parent if train_dir.name == MODELS else train_dir
        mode = {"restart_mode": "specific_ckpt", "restart_file": prefix}
        return prefix, {"train_dir": train_dir, **mode}
    models = path if path.name == MODELS else path / MODELS
    if not models.is_dir():
        _refuse_plan(path)
    list_checkpoints(models)
    run = newest_run(models)
    if run is None:
        raise InputError(
            f"{models}: no whole checkpoint of annpot in this folder. Train with -c."
        )
    return run.prefix, {"train_dir": models.parent, "restart_mode": "default"}


def _refuse_plan(path):
    """Refuse the train_dir of a plan, whose stages have the checkpoints."""
    from annpot.stages.stored_plan import plan_path

    folder = plan_path(path).parent
    stages = sorted(one.parent.name for one in folder.glob(f"*/{MODELS}"))
    if stages:
        raise InputError(
            f"{path}: a run of several stages. Give the folder of one: "
            f"{', '.join(str(folder / name) for name in stages)}; or go on with all of "
            f"them: app_train -c {plan_path(path)}."
        )


def _of_config(config):
    """Function that trains as one INI file without stages says."""

    def run(screen, callbacks, started):
        from annpot.training.trainer import train

        return train(config, screen, None, callbacks(), started)

    return run


def _going_on(config, facts):
    """Function that trains on from a checkpoint, which may be one of a stage."""

    def run(screen, callbacks, started):
        from annpot.training.origin import StageOrigin
        from annpot.training.trainer import train

        stage = facts.get("stage")
        origin = stage and StageOrigin(
            stage["name"], facts["seed"], keep_optimizer=stage["keep_optimizer"]
        )
        return train(config, screen, origin, callbacks(), started)

    return run


def _job_of_stages(plan, chosen, load_plan):
    def run(screen, callbacks, started):
        from annpot.stages.run import run_stages
        from annpot.stages.stored_plan import differing, seed_of, store_plan

        seed = seed_of(plan, load_plan)
        if names := ", ".join(differing(plan, load_plan)):
            screen.line(
                f"note: The stored plan has other settings for {names}; those of "
                f"{plan.base.source.path} count."
            )
        outcome = run_stages(plan, chosen, seed, screen, callbacks, started)
        store_plan(plan, seed)
        return outcome

    advice = f"app_stages show -c {plan.base.source.path}, app_stages plot"
    return TrainingJob(plan.base, check_data(plan.base), run, advice)


def check_data(config):
    """Refuse at once what can be, before seconds go into importing TensorFlow.

    Returns:
        number of threads for TensorFlow, which has to know it from the start.
    """
    from annpot.training.data_checks import data_facts, descriptor_length
    from annpot.training.threads import number_of_threads
    from annpot.training.wandb_package import require_wandb

    if config.io.wandb_project is not None:
        require_wandb()
    n_features = descriptor_length(config)
    if config.descriptor is None:
        data_facts(config, n_features)
    return number_of_threads(config, n_features)
