"""The schema as a document and as JSON.

    python -m annpot.config.reference [FOLDER]

writes `keywords.md` and `keywords.schema.json` into FOLDER, `doc` when left out.
"""

import json
import sys
from pathlib import Path

from annpot import files
from annpot.config.json_schema import json_schema
from annpot.config.local import has_local
from annpot.config.old_names import (
    ALL_NETWORKS,
    GONE_VALUES,
    RENAMED,
    RETIRED,
    SECTIONS,
    VALUES,
)
from annpot.config.reference_text import (
    ABOUT_LOCAL,
    INTRODUCTION,
    MORE_TOPICS,
    OLD_NAMES,
    TOPICS,
)
from annpot.config.schema.evaluate import EvaluateConfig
from annpot.config.schema.extract import ExtractConfig
from annpot.config.schema.gvect import GvectConfig
from annpot.config.schema.keys import (
    NOT_AVAILABLE,
    REQUIRED,
    SUPPORTED,
    WITHOUT_EFFECT,
    choices_of,
    declared,
    grammar_of,
    limits_of,
    spelling_of,
)
from annpot.config.schema.stage import StageKeys
from annpot.config.schema.tfr import TfrConfig
from annpot.config.schema.train import TrainConfig
from annpot.config.settings import affects_result, plain_sections, settings_of
from annpot.config.training_topics import TRAINING_TOPICS
from annpot.config.validate import sections_of

CONFIGS = (GvectConfig, TfrConfig, TrainConfig, EvaluateConfig, ExtractConfig)
COLUMNS = ("key", "type", "default", "unit", "result", "status", "what it does")
WITH_STAGES = (*COLUMNS[:5], "stage", *COLUMNS[5:])


def all_sections(config_type):
    """Section classes of a command, those of elements and stages included."""
    sections = [*sections_of(config_type).values()]
    element_type = getattr(config_type, "element_type", None)
    if element_type is not None:
        after = [section.name for section in sections].index("DEFAULT_NETWORK") + 1
        sections.insert(after, element_type)
    stage_type = getattr(config_type, "stage_type", None)
    return sections if stage_type is None else [*sections, stage_type]


def keywords_markdown():
    """Text of doc/keywords.md."""
    parts = [INTRODUCTION]
    for config_type in CONFIGS:
        parts.append(f"## {config_type.command}")
        for section in all_sections(config_type):
            has_stages = config_type is TrainConfig and section is not StageKeys
            table = _section_table(section, has_stages)
            parts += [f"### [{section.name}]", section.about, table]
        if has_local(config_type):
            parts += ["### [LOCAL]", ABOUT_LOCAL, _local_table(config_type)]
    topics = TOPICS + TRAINING_TOPICS + MORE_TOPICS
    parts += [topics, "## The three kinds of keys", *_three_lists(), _old_names()]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _section_table(section, has_stages):
    fields = section.model_fields.items()
    rows = [_row(section, name, field, has_stages) for name, field in fields]
    return _table(WITH_STAGES if has_stages else COLUMNS, rows)


def _local_table(config_type):
    """The keys that [LOCAL] may hold, by their own sections."""
    rows = []
    for section in plain_sections(config_type):
        free = [
            f"`{setting.name}`"
            for setting in settings_of(config_type, section.name, section)
            if not affects_result(setting)
            and declared(setting.field)["status"] == SUPPORTED
        ]
        if free:
            rows.append((f"[{section.name}]", ", ".join(free)))
    return _table(("instead of", "keys"), rows)


def _row(section, name, field, has_stages):
    told = declared(field)
    ours = " (ours)" if told["ours"] else ""
    stage = (_yes(told["per_stage"]),) if has_stages else ()
    return (
        f"`{spelling_of(section, name)}`{ours}",
        _type(field),
        _default(field),
        told["unit"],
        _yes(told["affects_result"]),
        *stage,
        told["status"],
        _help(field),
    )


def _yes(is_so):
    return "yes" if is_so else "no"


def _type(field):
    choices = choices_of(field)
    name = grammar_of(field).name
    if choices and name == "word":
        return "one of " + ", ".join(f"`{choice}`" for choice in choices)
    if choices and name == "comma list of words":
        return "comma list of " + ", ".join(f"`{choice}`" for choice in choices)
    return f"{name} {' and '.join(limits_of(field))}".strip()


def _default(field):
    if field.default is REQUIRED:
        return "**required**"
    if field.default is None or field.default == {}:
        return declared(field)["default_text"] or "not set"
    return f"`{grammar_of(field).format(field.default)}`"


def _help(field):
    later = declared(field)["later"]
    if not later:
        return field.description
    values = ", ".join(f"`{value}`" for value in later)
    return f"{field.description}; not available yet: {values}"


def _three_lists():
    """One list of keys for each status."""
    yield "### Supported"
    yield _table(
        ("command", "section", "keys"),
        [
            (config.command, f"[{section.name}]", keys)
            for config in CONFIGS
            for section in all_sections(config)
            if (keys := _supported(section))
        ],
    )
    yield "### Accepted without effect"
    yield "They are read, checked and told in one line."
    yield _table(
        ("command", "key", "why"),
        [
            (command, f"`[{section.name}] {key}`", told["without_effect"])
            for command, section, key, told in _keys_with(WITHOUT_EFFECT)
        ],
    )
    yield "### Not available"
    yield (
        "Asking for them is an error that says what to do. Their value for *off* is "
        "fine, so that files that name them still work."
    )
    yield _table(("command", "key", "what to do"), [*_unavailable()])


def _supported(section):
    return ", ".join(
        f"`{spelling_of(section, name)}`"
        for name, field in section.model_fields.items()
        if declared(field)["status"] == SUPPORTED
    )


def _keys_with(status):
    for config in CONFIGS:
        for section in all_sections(config):
            for name, field in section.model_fields.items():
                if declared(field)["status"] == status:
                    key = spelling_of(section, name)
                    yield config.command, section, key, declared(field)


def _unavailable():
    for command, section, key, told in _keys_with(NOT_AVAILABLE):
        yield command, f"`[{section.name}] {key}`", told["instead"]
    for command, section, key, told in _keys_with(SUPPORTED):
        for value, advice in told["later"].items():
            yield command, f"`[{section.name}] {key} = {value}`", advice
    for (command, section, key), values in GONE_VALUES.items():
        for value, advice in values.items():
            yield command, f"`[{section}] {key} = {value}`", advice
    for rule in RETIRED:
        if rule.off:
            fine = " or ".join(f"`{text}`" for text in rule.off)
            yield (
                rule.command,
                f"`[{rule.old[0]}] {rule.old[1]}` other than {fine}",
                rule.instead,
            )


def _old_names():
    rows = [
        (command, f"`[{old}]`", f"`[{new}]`")
        for (command, old), new in SECTIONS.items()
    ]
    for rule in RENAMED:
        note = f", {rule.note}" if rule.note else ""
        rows.append((rule.command, _written(rule.old), _written(rule.new) + note))
    rows.append(
        ("app_gvect_calculator", "`[PBC] pbc1`, `pbc2`, `pbc3`", "`[PBC] use_pbc`")
    )
    for (command, section, key), spellings in VALUES.items():
        for old, new in spellings.items():
            where = "" if section == ALL_NETWORKS else f"[{section}] "
            rows.append((command, f"`{where}{key} = {old}`, any case", f"`{new}`"))
    for rule in RETIRED:
        rows.append((rule.command, _written(rule.old), f"no effect: {rule.why}"))
    return f"{OLD_NAMES}\n\n{_table(('command', 'old', 'present'), rows)}"


def _written(name):
    return f"`[{name[0]}] {name[1]}`"


def _table(columns, rows):
    """A Markdown table; bars inside the cells are escaped."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(
        "| " + " | ".join(str(cell).replace("|", r"\|") for cell in line) + " |"
        for line in lines
    )


def keywords_json():
    """Text of doc/keywords.schema.json."""
    schema = json_schema({config: all_sections(config) for config in CONFIGS})
    return json.dumps(schema, indent=1) + "\n"


def main(folder="doc"):
    """Write both files."""
    files.make_folder(folder)
    files.write_text(Path(folder) / "keywords.md", keywords_markdown())
    files.write_text(Path(folder) / "keywords.schema.json", keywords_json())


if __name__ == "__main__":
    main(*sys.argv[1:])
