"""Sheets of a train_dir: of one run, or of a plan of stages."""

import configparser
from pathlib import Path

from annpot.errors import InputError
from annpot.inspection.checkpoints import models_folder_sheet
from annpot.inspection.sheet import Listing, Sheet
from annpot.networks.checkpoint_files import saved_checkpoints
from annpot.networks.stored_run import read_stored_run
from annpot.stages.state import DONE, PLANNED, RUNNING, UNFINISHED, is_in_use
from annpot.stages.stored_plan import FOLDER as STAGES
from annpot.stages.stored_plan import PLAN

MODELS = "_models"
EXPANDED = "train.expanded.ini"
STAGE = "STAGE:"


def run_sheets(folder):
    """Sheets of a train_dir: of its own run and of its stages, as far as there are any.

    Raises:
        InputError: what says which checkpoint is the newest cannot be read.
    """
    folder = Path(folder)
    if (folder / STAGES).is_dir():
        yield _plan_sheet(folder)
        if not (folder / MODELS).is_dir():
            return
    yield _run_sheet(folder)


def _run_sheet(folder):
    """Sheet of a folder with _models or train.expanded.ini."""
    facts, tables, notes, settings = {}, (), (), None
    if (folder / MODELS).is_dir():
        inner = models_folder_sheet(folder / MODELS)
        facts, tables, notes = inner.facts, inner.tables, inner.notes
        settings = inner.settings
    if settings is None and (folder / EXPANDED).is_file():
        settings = (folder / EXPANDED).read_text(encoding="utf-8", errors="replace")
    others = sorted(p.name for p in folder.glob("previous_*"))[:5]
    facts = (
        {"state": state_of(folder) or "no checkpoint yet"}
        | facts
        | {"set_aside": others or None}
    )
    return Sheet(str(folder), "training run", facts, tables, notes, settings)


def _plan_sheet(folder):
    """Sheet of a folder whose `stages` holds stages."""
    plan = _parsed(folder / STAGES / PLAN)
    sequence = _words(plan.get("TRAINING_PARAMETERS", "stages", fallback=""))
    planned = [s.removeprefix(STAGE) for s in plan.sections() if s.startswith(STAGE)]
    there = sorted(p.name for p in (folder / STAGES).iterdir() if p.is_dir())
    names = list(dict.fromkeys([*planned, *there]))
    rows, notes = [], []
    for name in names:
        inner = folder / STAGES / name
        facts = models_folder_sheet(inner / MODELS).facts
        rows.append(
            (
                name,
                plan.get(f"{STAGE}{name}", "parent", fallback=None)
                or _before(name, sequence),
                state_of(inner) or PLANNED,
                facts.get("epochs_done", 0),
                facts.get("step", 0),
                facts.get("best_metric"),
                facts.get("best_value"),
            )
        )
    columns = ("stage", "parent", "state", "epochs", "steps", "metric", "best")
    if not planned:
        notes.append(f"No stored plan {STAGES}/{PLAN}.")
    facts = {"stages": len(names), "sequence": sequence or None}
    path = folder / STAGES / PLAN
    text = path.read_text(encoding="utf-8", errors="replace") if planned else None
    listing = Listing("stages", columns, tuple(rows))
    return Sheet(
        str(folder), "training in stages", facts, (listing,), tuple(notes), text
    )


def state_of(folder):
    """Whether a run goes on, is done or is not; None without a checkpoint."""
    if is_in_use(folder):
        return RUNNING
    saved = saved_checkpoints(Path(folder) / MODELS)
    if not saved:
        return None
    newest = max(saved, key=lambda one: one.step)
    try:
        run = read_stored_run(newest.prefix)
    except InputError:
        return f"{UNFINISHED}, the newest checkpoint is damaged"
    if not run.facts:
        return "of another program"
    return DONE if _is_finished(run) else UNFINISHED


def _is_finished(run):
    """Whether a run has the length that its own settings ask for, or ended before."""
    length = run.facts.get("run_length") or {}
    progress = {"step": 0, "epoch": 0} | (run.facts.get("progress") or {})
    if run.facts.get("ended") is not None:
        return True
    if length.get("max_steps") is not None:
        return progress["step"] >= length["max_steps"]
    return progress["epoch"] >= (length.get("max_epochs") or float("inf"))


def _parsed(path):
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str
    try:
        parser.read_string(path.read_text(encoding="utf-8", errors="replace"))
    except (OSError, configparser.Error):
        return configparser.RawConfigParser()
    return parser


def _words(text):
    return [word.strip() for word in text.split(",") if word.strip()]


def _before(name, sequence):
    """The stage before another in a sequence, or None."""
    place = sequence.index(name) if name in sequence else 0
    return sequence[place - 1] if place else None
