"""Running stages one after the other, each from the network of the one before."""

from pathlib import Path

from annpot.errors import InputError, NotFinished
from annpot.stages.state import DONE, MODELS, PLANNED, RUNNING, stage_state
from annpot.training.best_checkpoint import best_checkpoint
from annpot.training.origin import StageOrigin
from annpot.training.record import load_state
from annpot.training.trainer import train


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
    n_epochs, outcome = 0, None
    for number, stage in enumerate(chosen, start=1):
        place = f" ({number} of {len(chosen)})" if len(chosen) > 1 else ""
        screen.line(f"stage {stage.name}{place}")
        outcome = train(
            stage.config,
            screen,
            origin=stage_origin(plan, stage, seed),
            extra_callbacks=callbacks(),
            started=started,
            epochs_before=n_epochs,
        )
        n_epochs += outcome.n_epochs
        reason = outcome.stopped or _limit(plan.base.io, n_epochs)
        if reason and number < len(chosen):
            raise NotFinished(
                f"stopped by {reason}: stage {stage.name} is done, stage "
                f"{chosen[number].name} has not begun. Run the same command to go on."
            )
    return outcome


def _limit(io, n_epochs):
    """The limit that a command has reached with its epochs, in words, or None."""
    most = io.max_epochs_per_run
    if most is not None and n_epochs >= most:
        return f"max_epochs_per_run = {most}"
    return None


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
    state = stage_state(parent)
    if not stage_state(stage).is_begun:
        _require_end(parent, state, stage)
    elif state.run is None:
        return StageOrigin(**common, parent=parent.name)
    prefix = state.run.prefix
    if stage.parent_network == "best":
        prefix = best_checkpoint(Path(parent.config.io.train_dir) / MODELS).prefix
    return StageOrigin(
        **common, parent=parent.name, prefix=prefix, state=load_state(prefix)
    )


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
