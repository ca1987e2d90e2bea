"""The file as one stage sees it: its overrides in place of what the file says."""

from dataclasses import replace

from annpot.config.findings import Findings
from annpot.config.load import Reading, checked
from annpot.config.schema.train import TrainConfig

IO, TRAINING = "IO_INFORMATION", "TRAINING_PARAMETERS"
LENGTHS = ((TRAINING, "max_epochs"), (TRAINING, "max_steps"))


def stage_reading(base, section, settings, findings):
    """Reading of a stage, checked with all rules.

    Args:
        base: Reading of the file without its stages.
        section: StageSection.
        settings: {Setting: Entry} of what the stage overrides.
        findings: Findings, gets what is wrong with the stage and not with the base:
            at the line of an override where one is to blame, else of the header.
    """
    ini = _overridden(base, section, settings)
    own = {id(entry) for entry in settings.values()}
    found = Findings(section.path)
    parts = checked(TrainConfig, (_only_lines_of(ini, own), base.local), found).parts
    known = {text for _, text in base.findings.problems}
    for line, text in found.problems:
        if line is not None or text not in known:
            findings.problem(_of_stage(section, text), line or section.line)
    for line, text in found.own_notices:
        findings.notice(_of_stage(section, text), line)
    return Reading(ini, base.local, findings, parts)


def _of_stage(section, text):
    """A text that names its stage."""
    named = f"[{section.header}]"
    return text if text.startswith(named) else f"{named} {text}"


def _overridden(base, section, settings):
    """IniFile of the base with the entries of a stage and the stage's folder."""
    entries = dict(base.ini.entries)
    entries.pop((TRAINING, "stages"), None)
    for place in _replaced_lengths(settings):
        entries.pop(place, None)
    folder = base.parts.io.train_dir
    if folder is not None and (IO, "train_dir") in entries:
        entry = entries[IO, "train_dir"]
        text = str(folder / "stages" / section.name)
        entries[IO, "train_dir"] = replace(entry, text=text)
    entries |= {setting.place: entry for setting, entry in settings.items()}
    return base.ini.with_content(base.ini.headers, entries)


def _replaced_lengths(settings):
    """Places of max_epochs or max_steps where a stage gives the other of the two."""
    given = {
        setting.place
        for setting, entry in settings.items()
        if (entry.text or "").lower() not in ("", "none")
    }
    return [place for place in LENGTHS if given & {*LENGTHS} == {*LENGTHS} - {place}]


def _only_lines_of(ini, own):
    """The same file, with no line but those of some entries."""
    entries = {
        place: entry if id(entry) in own else replace(entry, line=None)
        for place, entry in ini.entries.items()
    }
    return ini.with_content(dict.fromkeys(ini.headers), entries)
