"""The documents of the keywords are in step with the schema; loading stays light."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from annpot.config import reference
from annpot.config.schema.keys import (
    NOT_AVAILABLE,
    SUPPORTED,
    WITHOUT_EFFECT,
    declared,
    grammar_of,
    parse,
    spelling_of,
)

ROOT = Path(__file__).parents[2]
STATUSES = {SUPPORTED, WITHOUT_EFFECT, NOT_AVAILABLE}
KEYS = [
    pytest.param(section, name, id=f"{config.command}-{section.name}-{name}")
    for config in reference.CONFIGS
    for section in reference.all_sections(config)
    for name in section.model_fields
]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("keywords.md", reference.keywords_markdown),
        ("keywords.schema.json", reference.keywords_json),
    ],
)
def test_documents_are_in_step_with_the_schema(name, text):
    """When this fails: python -m annpot.config.reference"""
    assert (ROOT / "doc" / name).read_text(encoding="utf-8") == text()


@pytest.mark.parametrize(("section", "name"), KEYS)
def test_every_key_is_declared_in_full(section, name):
    field = section.model_fields[name]
    told = declared(field)
    assert field.description
    assert told["status"] in STATUSES
    assert spelling_of(section, name).lower().replace("layern_", "layer_") == (
        name.replace("_files", "_file")
    )
    if field.default not in (reference.REQUIRED, None, {}):
        assert parse(field, grammar_of(field).format(field.default)) == field.default


def test_the_writer_makes_both_documents(tmp_path):
    reference.main(tmp_path / "doc")
    assert sorted(path.name for path in (tmp_path / "doc").iterdir()) == [
        "keywords.md",
        "keywords.schema.json",
    ]


def test_the_json_schema_describes_a_key():
    schema = json.loads(reference.keywords_json())
    training = schema["properties"]["app_train"]["properties"]["TRAINING_PARAMETERS"]
    assert training["required"] == ["batch_size"]
    assert training["properties"]["batch_size"] == {
        "affects_result": True,
        "description": "structures per step",
        "grammar": "integer",
        "maximum": 10**7,
        "minimum": 1,
        "per_stage": True,
        "status": "supported",
        "type": "integer",
        "unit": "structures",
    }


def test_limits_of_zero_are_in_the_json_schema():
    schema = json.loads(reference.keywords_json())
    training = schema["properties"]["app_train"]["properties"]["TRAINING_PARAMETERS"]
    assert training["properties"]["seed"]["anyOf"][0] == {
        "maximum": 10**18,
        "minimum": 0,
        "type": "integer",
    }
    assert training["properties"]["learning_rate"]["exclusiveMinimum"] == 0


def test_the_json_schema_knows_stages_and_local_keys():
    """Keys written elsewhere refer to their own declarations."""
    schema = json.loads(reference.keywords_json())
    train = schema["properties"]["app_train"]
    (stage,) = (
        one for name, one in train["patternProperties"].items() if "STAGE" in name
    )
    local = train["properties"]["LOCAL"]["properties"]
    place = "#/properties/app_train/properties"
    rate = {"$ref": f"{place}/TRAINING_PARAMETERS/properties/learning_rate"}
    assert stage["properties"]["learning_rate"] == rate
    assert stage["properties"]["keep_optimizer"]["type"] == "boolean"
    assert r"^[A-Z][a-z]?\.trainable$" in stage["patternProperties"]
    assert not {"seed", "architecture", "train_dir"} & set(stage["properties"])
    assert local["max_time"] == {"$ref": f"{place}/IO_INFORMATION/properties/max_time"}
    assert not {"learning_rate", "threads"} & set(local)
    for key in (*stage["properties"].values(), *local.values()):
        at = schema
        for step in key.get("$ref", "#").split("/")[1:]:
            at = at[step]


def test_loading_imports_nothing_heavy():
    """A wrong INI file is told before anything slow is imported."""
    heavy = ["numpy", "ase", "tensorflow", "keras", "numba", "matplotlib", "rich"]
    code = (
        "import sys; from annpot import config; "
        f"config.load_train({str(ROOT / 'input_files' / 'train1.ini')!r}); "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
