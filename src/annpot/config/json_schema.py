"""The schema as JSON Schema (draft 2020-12), for editors and forms."""

from annpot.config.local import LOCAL, has_local
from annpot.config.schema.keys import is_numbered, spelling_of
from annpot.config.schema.stage import StageKeys, may_change
from annpot.config.settings import affects_result, plain_sections, settings_of

ELEMENT = "[A-Z][a-z]?"
STAGE_PATTERN = "^STAGE:[A-Za-z0-9_][A-Za-z0-9_.-]*$"


def json_schema(sections_by_config):
    """JSON Schema of the INI files of all commands, as a dictionary.

    Args:
        sections_by_config: {config class: its Section classes}.

    Returns:
        an object with one property per command, which has one property per section,
        which has one property per key. Beside the usual entries a key has `unit`,
        `affects_result`, `status`, `grammar` and, where they apply, `ours`,
        `per_stage`, `default_text`, `without_effect`, `instead`, `later`.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "INI files of annpot",
        "type": "object",
        "properties": {
            config.command: _command_schema(config, sections)
            for config, sections in sections_by_config.items()
        },
    }


def _command_schema(config, sections):
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    patterns = {}
    for section in sections:
        if section is StageKeys:
            patterns[STAGE_PATTERN] = _stage_schema(config)
        elif section.name == "X":
            patterns[f"^{ELEMENT}$"] = _section_schema(section)
        else:
            schema["properties"][section.name] = _section_schema(section)
    if has_local(config):
        schema["properties"][LOCAL] = _keys_elsewhere(
            config, lambda setting: not affects_result(setting)
        )
    return schema | ({"patternProperties": patterns} if patterns else {})


def _stage_schema(config):
    """Keys of a stage itself, and those of other sections that it may override."""
    schema = _section_schema(StageKeys)
    others = _keys_elsewhere(config, may_change)
    schema["properties"] |= others["properties"]
    of_elements = _section_schema(config.element_type)["properties"]
    schema["patternProperties"] = {
        rf"^{ELEMENT}\.{setting.key}$": of_elements[setting.key]
        for setting in settings_of(config, "X", config.element_type)
        if may_change(setting)
    }
    return schema


def _keys_elsewhere(config, fits):
    """Schema of a section that holds keys of others, by their shortest names."""
    place = f"#/properties/{config.command}/properties"
    keys = {
        setting.name: {"$ref": f"{place}/{section.name}/properties/{setting.key}"}
        for section in plain_sections(config)
        for setting in settings_of(config, section.name, section)
        if fits(setting)
    }
    return {"type": "object", "properties": keys, "additionalProperties": False}


def _section_schema(section):
    """Schema of one section, its keys spelled as in an INI file."""
    generated = section.model_json_schema()
    schema = {
        "type": "object",
        "description": section.about,
        "properties": {},
        "additionalProperties": False,
    }
    for attribute, entry in generated["properties"].items():
        spelling = spelling_of(section, attribute)
        if is_numbered(section.model_fields[attribute]):
            pattern = f"^{spelling.replace('N', '[0-9]+', 1)}$"
            schema.setdefault("patternProperties", {})[pattern] = _key_schema(entry)
        else:
            schema["properties"][spelling] = _key_schema(entry)
    required = generated.get("required", ())
    if required:
        schema["required"] = [spelling_of(section, name) for name in required]
    return schema


def _key_schema(entry):
    """Entry of one key without what says nothing."""
    dropped = ("title", "spelling")
    always = ("default", "affects_result")
    return {
        name: value
        for name, value in entry.items()
        if name not in dropped and (name in always or not _is_quiet(value))
    }


def _is_quiet(value):
    return value is None or value is False or value in ("", {})
