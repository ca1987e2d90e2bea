"""Which stage starts from which: parents, the sequence, circles."""

from difflib import get_close_matches

from annpot.config.ini import IniFile
from annpot.config.schema.stage import StageKeys
from annpot.config.validate import section_values

TRAINING = "TRAINING_PARAMETERS"


def starts_of(sections, stage_findings):
    """{name: StageKeys} of stages; wrong keys are None.

    Args:
        sections: {name: StageSection}.
        stage_findings: {name: Findings}, get a problem for each wrong value.
    """
    return {
        name: section_values(
            StageKeys, section.header, _own_keys(section), stage_findings[name]
        )
        for name, section in sections.items()
    }


def _own_keys(section):
    entries = {
        (section.header, key): entry
        for key in StageKeys.model_fields
        if (entry := section.entry(key)) is not None
    }
    return IniFile(section.path, {section.header: section.line}, entries)


def sequence_of(parts, sections, ini, findings):
    """Names of the stages that run one after the other; () without `stages`.

    Args:
        parts: sections of the training.
        sections: {name: StageSection}.
        ini: IniFile.
        findings: Findings, gets a problem for names that do not exist or come twice.
    """
    line, names = ini.line(TRAINING, "stages"), parts.training.stages or ()
    for name in dict.fromkeys(names):
        if name not in sections:
            findings.problem(
                f"[{TRAINING}] stages: there is no section [STAGE:{name}]. "
                f"{_meant(name, sections)}",
                line,
            )
        if names.count(name) > 1:
            findings.problem(
                f"[{TRAINING}] stages names {name} twice. A stage runs once; give the "
                "second one a section and a name of its own.",
                line,
            )
    return tuple(name for name in dict.fromkeys(names) if name in sections)


def parents_of(sections, starts, sequence, stage_findings):
    """{name: name of the stage it starts from, or None}.

    Args:
        sections: {name: StageSection}.
        starts: {name: StageKeys}.
        sequence: names; each one's parent is the one before.
        stage_findings: {name: Findings}, get a problem for each parent that does not
            exist, contradicts the sequence or is a descendant.
    """
    before = dict(zip(sequence[1:], sequence, strict=False))
    parents = {}
    for name, section in sections.items():
        asked, findings = starts[name].parent, stage_findings[name]
        parents[name] = before.get(name, asked)
        if asked is None:
            continue
        line = section.line_of("parent")
        written = f"[{section.header}] parent = {asked}"
        if asked not in sections:
            findings.problem(
                f"{written}: there is no section [STAGE:{asked}]. "
                f"{_meant(asked, sections)}",
                line,
            )
        elif before.get(name, asked) != asked:
            findings.problem(
                f"{written}: [{TRAINING}] stages = {', '.join(sequence)} runs it after "
                f"{before[name]}, from whose network it starts. Remove parent, or "
                "change stages.",
                line,
            )
    _tell_circles(sections, parents, stage_findings)
    return parents


def _tell_circles(sections, parents, stage_findings):
    told = set()
    for name in sections:
        circle = _circle_through(name, parents)
        if circle and told.isdisjoint(circle):
            told.update(circle)
            steps = " -> ".join((*circle, name))
            stage_findings[name].problem(
                f"[{sections[name].header}] parents go in a circle: {steps}. One of "
                "them has to start without a parent.",
                sections[name].line_of("parent"),
            )


def _circle_through(name, parents):
    """Names from a stage along its parents back to itself; () when they end."""
    way, at = [name], parents.get(name)
    while at is not None and at not in way:
        way.append(at)
        at = parents.get(at)
    return tuple(way) if at == name else ()


def tell_of_starts(sections, starts, parents, parts_of, stage_findings):
    """Tell of ways to start that cannot be, or that have no effect.

    Args:
        sections, starts, parents: by name.
        parts_of: {name: sections of the training in this stage}.
        stage_findings: {name: Findings}.
    """
    for name, section in sections.items():
        start, parent, findings = starts[name], parents[name], stage_findings[name]
        if parent is None:
            for key in ("parent_network", "parent_weights", "keep_optimizer"):
                default = StageKeys.model_fields[key].default
                if getattr(start, key) not in (None, default):
                    findings.notice(
                        f"[{section.header}] {key} has no effect: the stage has no "
                        "parent.",
                        section.line_of(key),
                    )
        elif (
            start.parent_network == "best"
            and parent in sections
            and parts_of[parent].io.keep_best == 0
        ):
            findings.problem(
                f"[{section.header}] parent_network = best, but [STAGE:{parent}] keeps "
                "no best network: keep_best = 0. Set keep_best = 1 there, or "
                "parent_network = final.",
                section.line_of("parent_network"),
            )


def _meant(name, sections):
    close = get_close_matches(name, sections, n=1)
    if close:
        return f"Did you mean {close[0]}?"
    return f"Stages: {', '.join(sections)}." if sections else "Add the section."
