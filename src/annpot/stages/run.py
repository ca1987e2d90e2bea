"""Running stages one after the other, each from the network of the one before."""

import time
from pathlib import Path

from annpot.errors import InputError, NotFinished
from annpot.stages.plan_keeper import PlanKeeper
from annpot.stages.state import DONE, MODELS, PLANNED, RUNNING, stage_state
from annpot.training.best_checkpoint import best_checkpoint
from annpot.training.facts import run_text
from annpot.training.limits import ROOM
from annpot.training.origin import StageOrigin
from annpot.training.restart import find_start
from annpot.training.same_run import compare_settings
from annpot.training.saved_state import load_state
from annpot.training.trainer import train

GOES_ON = ("default", "continue_from_last_ckpt")  # what a finished stage stays with


def run_stages(plan, chosen, seed, screen, callbacks=(), started=None):
    """Train the chosen stages of a plan in turn.

    Args:
        plan: TrainPlan.
        chosen: StageConfigs to train, in order.
        seed: seed of the plan.
        screen: Screen.
        callbacks: function that gives the user's Keras callbacks, new ones each time.
        started: time.monotonic() at which the command began.

    Returns:
        Outcome of the last stage.

    Raises:
        InputError: a stage has no parent to start from, or its settings do not fit.
        NotFinished: a limit or a signal ended the stage at hand.
    """
    started = time.monotonic() if started is None else started
    n_epochs, outcome = 0, None
    for number, stage in enumerate(chosen, start=1):
        place = f" ({number} of {len(chosen)})" if len(chosen) > 1 else ""
        origin = stage_origin(plan, stage, seed)
        if number < len(chosen) and (done := _done_before(stage, origin)):
            screen.line(f"stage {stage.name}{place} {done}")
            continue
        screen.line(f"stage {stage.name}{place}")
        outcome = train(
            stage.config,
            screen,
            origin=origin,
            extra_callbacks=(PlanKeeper(plan, seed), *callbacks()),
            started=started,
            epochs_before=n_epochs,
        )
        n_epochs += outcome.n_epochs
        reason = outcome.stopped or _limit(plan.base.io, n_epochs, started)
        if reason and number < len(chosen):
            raise NotFinished(_not_finished(plan, stage, chosen[number], reason))
    return outcome


def _done_before(stage, origin):
    """What to tell of a stage that an earlier command finished, else None.

    Its data are not read again; the later stages read theirs.

    Raises:
        InputError: its settings are not those that it was trained with.
    """
    state, config = stage_state(stage), stage.config
    if state.name != DONE or config.io.restart_mode not in GOES_ON:
        return None
    start = find_start(config, origin)
    notes = compare_settings(config, start, run_text(config, origin.base_seed))
    others = origin.note_on_parent(start.stored.get("stage"))
    told = "".join(f"\nnote: {note}" for note in (*others, *notes))
    return f"is done: epoch {state.epoch}, step {state.step}{told}"


def _limit(io, n_epochs, started):
    """The limit that a command has reached between two stages, in words, or None."""
    most, seconds = io.max_epochs_per_run, io.max_time
    if most is not None and n_epochs >= most:
        return f"max_epochs_per_run = {most}"
    if seconds is not None and time.monotonic() - started + ROOM > seconds:
        return f"max_time = {seconds:g} s"
    return None


def _not_finished(plan, stage, following, reason):
    """What to tell when a sequence stops between two stages."""
    told = f"stopped by {reason}: stage {stage.name} is done, stage {following.name}"
    if plan.base.io.restart_mode == "force_default":
        return (
            f"{told} is not. restart_mode = force_default begins each stage anew: to "
            f"go on, set it to default, or run app_train --stage {following.name}."
        )
    return f"{told} is not. Run the same command to go on."


def stage_origin(plan, stage, seed):
    """StageOrigin: the network of the parent, or first weights without one.

    Raises:
        InputError: the parent has not ended, or it has no checkpoint.
    """
    parent = plan.stages.get(stage.parent)
    common = {
        "name": stage.name,
        "base_seed": seed,
        "sequence": plan.sequence,
        "keep_optimizer": stage.keep_optimizer,
    }
    if parent is None:
        return StageOrigin(**common)
    is_anew = stage.config.io.restart_mode == "force_default"
    try:
        started_from = _network(parent, stage)
    except InputError:
        if is_anew or not stage_state(stage).is_begun:
            raise
        return StageOrigin(**common, parent=parent.name)  # it has its own checkpoints
    return StageOrigin(**common, parent=parent.name, **started_from)


def _network(parent, stage):
    """prefix and state of the checkpoint of its parent that a stage starts from.

    Raises:
        InputError: there is none yet, or it cannot be read.
    """
    state = stage_state(parent)
    _require_end(parent, state, stage)
    prefix = state.run.prefix
    if stage.parent_network == "best":
        prefix = best_checkpoint(Path(parent.config.io.train_dir) / MODELS).prefix
    state = load_state(prefix)
    if stage.parent_weights == "averaged":
        state = state.with_averaged()
    return {"prefix": prefix, "state": state}


def _require_end(parent, state, stage):
    if state.name == PLANNED:
        raise InputError(
            f"stage {stage.name} starts from stage {parent.name}, which has not been "
            f"trained. Train it first: app_train --stage {parent.name}."
        )
    if state.name == RUNNING:
        raise InputError(
            f"stage {stage.name} starts from stage {parent.name}, which is being "
            "trained at this moment. Wait until it ends."
        )
    if state.name != DONE:
        raise InputError(
            f"stage {stage.name} starts from stage {parent.name}, which ends after "
            f"epoch {parent.config.training.max_epochs} and is at epoch {state.epoch}. "
            f"Go on with it first: app_train --stage {parent.name}."
        )
