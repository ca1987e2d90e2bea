"""Plans of several stages: each stage is the rest of the file with its overrides.

A stage is checked with all rules, like a file of its own; what is wrong with the rest
of the file is told once, what is wrong with a stage at the stage's own lines.
"""

from dataclasses import dataclass, replace

from annpot.config.findings import Findings
from annpot.config.load import Reading, built, checked, present, read
from annpot.config.plan import UNSET, StageConfig, TrainPlan
from annpot.config.schema.stage import StageKeys
from annpot.config.schema.train import TrainConfig
from annpot.config.stage_order import (
    parents_of,
    sequence_of,
    starts_of,
    tell_of_starts,
)
from annpot.config.stage_readings import stage_reading
from annpot.config.stage_sections import (
    StageSection,
    load_stage_sections,
    overrides,
    stored_stage_sections,
    tell_bad_names,
    without_stages,
)

IO = "IO_INFORMATION"
SEQUENCE = ("TRAINING_PARAMETERS", "stages")


def load_plan(path, stored=None, given=None, text=None):
    """TrainPlan of an INI file.

    Args:
        path: the file.
        stored: path of a stored plan, from which stages are taken that the file lacks,
            or function that gives it for a train_dir; may not exist.
        given: {(section, key): text} that wins over the file, as from a flag.
        text: the content, where it is not read from `path`.

    Raises:
        InputError: with every problem of the file and of its stages.
    """

    def joined(own, _, train_dir):
        place = stored(train_dir) if callable(stored) else stored
        return own if place is None else stored_stage_sections(place) | own

    return _plan(path, joined, given, text)


def appended_plan(stored_path, stage_ini, replace=False, text=None):
    """TrainPlan of a stored plan with the stages of another file added.

    Args:
        stored_path: the stored plan.
        stage_ini: file with sections [STAGE:name].
        replace: whether a stage that the plan has already is replaced.
        text: content of the stored plan, where it is not what the disk has.

    Raises:
        InputError: with every problem of the whole, or a stage is there already.
    """
    added = load_stage_sections(stage_ini)

    def joined(own, findings, _):
        for section in added.values():
            if section.name in own and not replace:
                findings.problem(
                    f"[{section.header}]: the plan in {stored_path} has this stage. "
                    "Choose another name, or --replace it.",
                    section.line,
                    section.path,
                )
        return own | added

    return _plan(stored_path, joined, text=text, adds=True)


def _plan(path, join, given=None, text=None, adds=False):
    """TrainPlan of a file whose stages are `join(own stages, findings, train_dir)`.

    With `adds` those that join gives are new, else they are from a stored plan.
    """
    ini, findings = read(TrainConfig, path, text)
    ini, own = without_stages(ini)
    base = checked(TrainConfig, present(TrainConfig, ini, findings, given), findings)
    sections = join(own, findings, base.parts.io.train_dir)
    drafts, sequence = _drafts(base, sections)
    stored = () if adds else tuple(name for name in sections if name not in own)
    _tell_of_stored([drafts[name] for name in stored])
    notices = findings.notices
    for draft in drafts.values():
        findings.take(draft.reading.findings)
    findings.raise_if_wrong()
    plan_base = built(TrainConfig, base, notices)
    if sections:
        plan_base = _without_sequence(plan_base)
    stages = {name: _stage(draft, plan_base) for name, draft in drafts.items()}
    return TrainPlan(plan_base, stages, sequence, stored)


def _tell_of_stored(drafts):
    """Say what to do about wrong stages that the file itself does not have."""
    for draft in drafts:
        findings, section = draft.reading.findings, draft.section
        lines = [line for line, _ in findings.problems]
        if lines:
            findings.problem(
                f"[{section.header}] stands in this file only. Correct it here, or "
                "delete the section.",
                max(line or section.line for line in lines),
            )


@dataclass(frozen=True)
class _Draft:
    """A stage whose file is checked, not yet its configuration."""

    section: StageSection
    settings: dict
    start: StageKeys
    parent: str | None
    reading: Reading


def _drafts(base, sections):
    """({name: _Draft}, sequence) of the stages of a file."""
    findings = {name: Findings(one.path) for name, one in sections.items()}
    tell_bad_names(sections, base.findings)
    if sections:
        _tell_of_one_checkpoint(base)
    starts = starts_of(sections, findings)
    sequence = sequence_of(base.parts, sections, base.ini, base.findings)
    parents = parents_of(sections, starts, sequence, findings)
    drafts = {}
    for name, section in sections.items():
        symbols = base.parts.data.atomic_sequence or ()
        settings = overrides(TrainConfig, section, symbols, findings[name])
        reading = stage_reading(base, section, settings, findings[name])
        drafts[name] = _Draft(section, settings, starts[name], parents[name], reading)
    parts_of = {name: draft.reading.parts for name, draft in drafts.items()}
    tell_of_starts(sections, starts, parents, parts_of, findings)
    return drafts, sequence


def _tell_of_one_checkpoint(base):
    """Stages start from the base network or a parent, not from a checkpoint."""
    if base.parts.io.restart_mode == "specific_ckpt":
        base.findings.problem(
            f"[{IO}] restart_mode = specific_ckpt cannot be used with stages, which "
            "start from the base network or from their parents. Extract the checkpoint "
            "with app_extract_weights and give [DEFAULT_NETWORK] networks_metadata.",
            base.ini.line(IO, "restart_mode"),
        )


def _stage(draft, base):
    """StageConfig of a draft without problems.

    Args:
        draft: _Draft.
        base: TrainConfig of the file without its stages.
    """
    name, reading = draft.section.name, draft.reading
    notices = base.source.notices + reading.findings.notices
    config = _without_sequence(built(TrainConfig, reading, notices, stage=name))
    changes = tuple(_changes(draft.settings, base.source, config.source))
    if not changes:
        note = f"[{draft.section.header}] changes no setting of the rest of the file."
        notices += (f"{draft.section.where()}: {note}",)
        config = replace(config, source=replace(config.source, notices=notices))
    return StageConfig(
        name=name,
        parent=draft.parent,
        parent_network=draft.start.parent_network,
        keep_optimizer=draft.start.keep_optimizer,
        parent_weights=draft.start.parent_weights,
        config=config,
        changes=changes,
        overrides=tuple(
            (setting.name, _text(setting, config.source.given_keys) or "None")
            for setting in draft.settings
        ),
    )


def _without_sequence(config):
    """The same without `stages` in its expanded text, which has no stages."""
    keys = tuple(key for key in config.source.keys if key.place != SEQUENCE)
    return replace(config, source=replace(config.source, keys=keys))


def _changes(settings, base, stage):
    """(setting, base text, stage text) of the overrides that differ from the base."""
    for setting in settings:
        before, now = (_text(setting, one.keys) for one in (base, stage))
        if before != now:
            yield setting.name, before or UNSET, now or UNSET


def _text(setting, keys):
    """Value of a setting among ExpandedKeys as an INI file writes it, or None."""
    return next((key.text() for key in keys if key.place == setting.place), None)
