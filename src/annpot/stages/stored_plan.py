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
    plan = load_plan(ini)
    stored = plan_path(plan.base.io.train_dir)
    return load_plan(ini, stored) if stored.is_file() else plan


def seed_of(plan, load_plan):
    """Seed of a plan: the INI file's, else that of the stored plan, else a new one."""
    if plan.base.training.seed is not None:
        return plan.base.training.seed
    stored = plan_path(plan.base.io.train_dir)
    seed = load_plan(stored).base.training.seed if stored.is_file() else None
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
