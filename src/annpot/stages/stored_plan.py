"""The plan of a run as its folder keeps it: `train_dir/stages/plan.ini`."""

import contextlib
import fcntl
import os
import secrets
from pathlib import Path

from annpot import files

FOLDER = "stages"
PLAN = "plan.ini"
SEED_LIMIT = 2**31
WRITTEN = ", by annpot "  # in the first line of every INI text that annpot writes


def plan_path(train_dir):
    """Path of the stored plan of a train_dir, whether or not it exists."""
    return Path(train_dir) / FOLDER / PLAN


def opened_plan(load_plan, ini):
    """TrainPlan of an INI file, with the stages that its stored plan has besides.

    Args:
        load_plan: `annpot.config.load_plan`.
        ini: path of the INI file; a stored plan is that of the folder that it lies in,
            wherever that was moved or copied to.

    Raises:
        InputError: the INI file, or what is added to it, is wrong.
    """
    if is_stored_plan(ini):
        path = Path(ini) if len(Path(ini).parts) > 1 else Path(ini).absolute()
        return plan_of_folder(load_plan, path.parent.parent)
    return load_plan(ini, lambda train_dir: train_dir and plan_path(train_dir))


def is_stored_plan(ini):
    """Whether an INI file is the stored plan of a train_dir, not written by a user."""
    path = Path(ini).absolute()
    if (path.parent.name, path.name) != (FOLDER, PLAN) or not path.is_file():
        return False
    with open(path, encoding="utf-8", errors="replace") as stream:
        return WRITTEN in stream.readline()


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
    """Seed of a plan: the INI file's, else the one it was trained with, else None.

    That is in the stored plan, and in the checkpoints of each stage.
    """
    if plan.base.training.seed is not None:
        return plan.base.training.seed
    from annpot.stages.state import stage_state  # not needed to tell of a typo

    stored = plan_path(plan.base.io.train_dir)
    if stored.is_file():
        seed = load_plan(stored).base.training.seed
        if seed is not None:
            return seed
    runs = (stage_state(stage).run for stage in plan.stages.values())
    return next((run.facts["seed"] for run in runs if run is not None), None)


def seed_of(plan, load_plan):
    """Seed of a plan that is trained: the known one, else a new one, which is stored.

    Two commands that begin at the same moment get the same.
    """
    if plan.base.training.seed is not None:
        return plan.base.training.seed
    with _alone_in(plan_path(plan.base.io.train_dir).parent):
        seed = known_seed(plan, load_plan)
        if seed is None:
            seed = secrets.randbelow(SEED_LIMIT)
            store_plan(plan, seed)
        return seed


@contextlib.contextmanager
def _alone_in(folder):
    """Wait until no other process is in this block for a folder, which is created."""
    files.make_folder(folder)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def store_plan(plan, seed):
    """Write a plan into its train_dir, with the seed that was drawn for it.

    Args:
        plan: TrainPlan.
        seed: its seed; None leaves it open.
    """
    path = plan_path(plan.base.io.train_dir)
    files.make_folder(path.parent)
    files.write_text(path, plan.text(seed))
