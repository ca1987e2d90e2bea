"""app_stages: the stages of a training plan: what they are, how far, what to do."""

import sys
from pathlib import Path

from annpot.apps.command import exit_code_of, make_parser
from annpot.errors import InputError

NAME = "app_stages"
MEGABYTE = 1e6


def main(argv=None):
    """Entry point of app_stages."""
    parser = make_parser(
        NAME, "Show, plot, extend or clean the stages of a training plan."
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, (_, about, add_flags) in ACTIONS.items():
        action = actions.add_parser(name, help=about, description=about)
        action.add_argument(
            "-c",
            "--config",
            required=True,
            metavar="INI",
            help="INI file of app_train, or the train_dir of a run",
        )
        add_flags(action)
    arguments = vars(parser.parse_args(argv))
    run, _, _ = ACTIONS[arguments.pop("action")]
    path, debug = arguments.pop("config"), arguments.pop("debug")
    return exit_code_of(NAME, lambda: run(path, **arguments), debug)


def _plan(path):
    """TrainPlan of an INI file or of a train_dir, which must have stages."""
    from annpot.config import load_plan
    from annpot.stages.stored_plan import opened_plan, plan_of_folder, plan_path

    stored = plan_path(path)
    if Path(path).is_dir() and not stored.is_file():
        raise InputError(
            f"{path}: no {stored.relative_to(path)} in this folder: expected the "
            "train_dir of a run with stages, or an INI file of app_train with "
            "[STAGE:name] sections."
        )
    read = plan_of_folder if stored.is_file() else opened_plan
    plan = read(load_plan, path)
    if not plan.stages:
        raise InputError(
            f"{path}: no section [STAGE:name] in this file. Write one for each stage, "
            "see doc/tutorial_5_stages.md."
        )
    return plan


def _show(path):
    from annpot.result_tables import show
    from annpot.stages.best import best_text
    from annpot.stages.stored_plan import plan_path
    from annpot.stages.table import stages_table

    plan = _plan(path)
    show(stages_table(plan, best_text))
    if plan.sequence:
        print(f"Sequence: {', '.join(plan.sequence)}.")
    if plan.stored:
        print(
            f"Not in {path}, but in {plan_path(plan.base.io.train_dir)}: "
            f"{', '.join(plan.stored)}. A stage leaves the plan with its section there."
        )


def _clean(path, stage, yes):
    from annpot.stages.cleaning import delete, n_bytes, results_of
    from annpot.stages.tree import descent

    plan = _plan(path)
    chosen = plan.chosen(stage) if stage else plan.stages.values()
    results = {one.name: results_of(one) for one in chosen}
    there = {name: paths for name, paths in results.items() if paths}
    if not there:
        print("Nothing to delete: no results.")
        return
    size = sum(n_bytes(paths) for paths in there.values()) / MEGABYTE
    what = f"the results of {', '.join(there)} ({size:.1f} MB)"
    if not yes:
        _ask(f"Delete {what}? Settings stay.")
    for paths in there.values():
        delete(paths)
    print(f"Deleted {what}. Train again: app_train, or app_train --stage NAME.")
    left = [
        name
        for name, other in plan.stages.items()
        if name not in results
        and set(descent(plan.stages, name)) & set(there)
        and results_of(other)
    ]
    if left:
        print(f"Results that started from them are still there: {', '.join(left)}.")


def _ask(question):
    """Ask on the terminal; without one, or with another answer than yes, stop."""
    if not sys.stdin.isatty():
        raise InputError(f"{question} There is no terminal to ask on: give --yes.")
    if input(f"{question} [y/N] ").strip().lower() not in ("y", "yes"):
        raise InputError("Nothing was deleted.")


def _append(path, stage_ini, replace):
    from annpot.config import appended_plan, load_plan
    from annpot.stages.state import stage_state
    from annpot.stages.stored_plan import known_seed, plan_path, store_plan

    plan = _plan(path)
    stored = plan_path(plan.base.io.train_dir)
    seed = known_seed(plan, load_plan)
    extended = appended_plan(stored, stage_ini, replace, plan.text(seed))
    changed = [
        name
        for name, stage in extended.stages.items()
        if name not in plan.stages or plan.stages[name].text() != stage.text()
    ]
    for name in changed:
        if name not in plan.stages:
            continue
        state = stage_state(plan.stages[name])
        if state.is_begun:
            raise InputError(
                f"{stage_ini}: [STAGE:{name}] has begun ({state.name}, epoch "
                f"{state.epoch}). Give the new stage another name, or delete its "
                f"results first: app_stages clean -c {path} --stage {name}."
            )
    if not changed:
        print(f"Nothing to store: {stored} has these stages with these settings.")
        return
    store_plan(extended, seed)
    print(f"Stored in {stored}: {', '.join(changed)}.")
    given = stored if Path(path).is_dir() else path
    print(f"Train it: app_train -c {given} --stage {changed[0]}")


def _plot(path, metric, output):
    from annpot.stages.best import draw_stages

    plan = _plan(path)
    output = output or Path(plan.base.io.train_dir) / "stages" / "convergence.png"
    shown, without, label = draw_stages(plan, metric, output)
    print(f"{label} of {', '.join(shown)}: {output}")
    if without:
        print(f"Not drawn, as they have no such values: {', '.join(without)}.")


def _add_stage(parser):
    parser.add_argument("--stage", metavar="NAME", help="this stage only")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def _add_stage_ini(parser):
    parser.add_argument(
        "--stage-ini",
        required=True,
        metavar="FILE",
        help="INI file with [STAGE:name] sections",
    )
    parser.add_argument(
        "--replace", action="store_true", help="replace planned stages of these names"
    )


def _add_picture(parser):
    parser.add_argument(
        "--metric", metavar="COLUMN", help="column of metrics.dat; best_metric"
    )
    parser.add_argument(
        "--output",
        metavar="FILE",
        help="picture (.png, .svg, .pdf); TRAIN_DIR/stages/convergence.png",
    )


ACTIONS = {  # name -> function, what it does, its flags
    "show": (
        _show,
        "Tree of the stages: settings that differ, state, epochs, best metric.",
        lambda parser: None,
    ),
    "clean": (_clean, "Delete results of stages; their settings stay.", _add_stage),
    "append": (
        _append,
        "Add stages to the stored plan of a run, or replace planned ones.",
        _add_stage_ini,
    ),
    "plot": (_plot, "Errors of all stages against steps, as PNG.", _add_picture),
}
