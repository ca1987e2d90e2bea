"""The schema as JSON Schema (draft 2020-12), for editors and forms."""

from annpot.config.schema.keys import is_numbered, spelling_of

ELEMENT_PATTERN = "^[A-Z][a-z]?$"


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
            config.command: _command_schema(sections)
            for config, sections in sections_by_config.items()
        },
    }


def _command_schema(sections):
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    for section in sections:
        if section.name == "X":
            schema["patternProperties"] = {ELEMENT_PATTERN: _section_schema(section)}
        else:
            schema["properties"][section.name] = _section_schema(section)
    return schema


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
