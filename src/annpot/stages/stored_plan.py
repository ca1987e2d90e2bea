"""The plan of a run as its folder keeps it: `train_dir/stages/plan.ini`."""

import secrets
from pathlib import Path

from annpot import files

FOLDER = "stages"
PLAN = "plan.ini"
SEED_LIMIT = 2**31


def plan_path(train_dir):
    """Path of the stored plan of a train_dir, whether or not it exists."""
    return Path(train_dir) / FOLDER / PLAN


def opened_plan(load_plan, ini):
    """TrainPlan of an INI file, with the stages that its stored plan has besides.

    Args:
        load_plan: `annpot.config.load_plan`.
        ini: path of the INI file.

    Raises:
        InputError: the INI file, or what is added to it, is wrong.
    """
    return load_plan(ini, lambda train_dir: train_dir and plan_path(train_dir))


def plan_of_folder(load_plan, train_dir):
    """TrainPlan that a train_dir keeps, wherever the folder was moved to.

    Raises:
        InputError: the stored plan cannot be read.
    """
    given = {("IO_INFORMATION", "train_dir"): str(train_dir)}
    return load_plan(plan_path(train_dir), given=given)


def differing(plan, load_plan):
    """Names of the stages whose stored settings are not those of a TrainPlan."""
    stored = plan_path(plan.base.io.train_dir)
    before = load_plan(stored).stages if stored.is_file() else {}
    return [
        name
        for name, stage in plan.stages.items()
        if name in before and before[name].text() != stage.text()
    ]


def known_seed(plan, load_plan):
    """Seed of a plan: the INI file's, else that of the stored plan, else None."""
    if plan.base.training.seed is not None:
        return plan.base.training.seed
    stored = plan_path(plan.base.io.train_dir)
    return load_plan(stored).base.training.seed if stored.is_file() else None


def seed_of(plan, load_plan):
    """Seed of a plan that is trained: the known one, else a new one."""
    seed = known_seed(plan, load_plan)
    return secrets.randbelow(SEED_LIMIT) if seed is None else seed


def store_plan(plan, seed):
    """Write a plan into its train_dir, with the seed that was drawn for it.

    Args:
        plan: TrainPlan.
        seed: its seed; None leaves it open.
    """
    path = plan_path(plan.base.io.train_dir)
    files.make_folder(path.parent)
    files.write_text(path, plan.text(seed))
