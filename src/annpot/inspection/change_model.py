"""Changing what extracted networks say of themselves in networks_metadata.json."""

import functools
import json
from dataclasses import replace
from pathlib import Path

from annpot import files
from annpot.errors import InputError
from annpot.inspection.changes import (
    Target,
    by_key,
    comment_of,
    generation_of,
    logged,
)
from annpot.models.names import MODEL
from annpot.networks.metadata import ABOUT, read_specs
from annpot.networks.metadata_layouts import FILE_NAME

GENERATION = "mbp_generation"
IN_MODEL = (
    f"it is part of {MODEL}, and the energies of its golden structures depend on it. "
    "Extract the model again with [IO_INFORMATION] mbp_generation = N."
)


def model_target(folder):
    """Target of a folder of extracted networks.

    Raises:
        InputError: the description is missing or malformed.
    """
    folder = Path(folder)
    path = folder / FILE_NAME
    if not path.is_file():
        raise InputError(f"{path}: there is no such file. Extract the networks again.")
    read_specs(folder)
    about = _about(json.loads(path.read_bytes()))
    generation = generation_of(GENERATION, about.get("data") or {})
    if (folder / MODEL).exists():
        generation = replace(generation, refusal=IN_MODEL)
    values = comment_of(about), generation
    write = functools.partial(_write, folder)
    return Target(str(path), "extracted model", by_key(values), write)


def _write(folder, key, value, entry):
    """Store a value; the arrays are not touched."""
    with files.only_one_in(folder, "command"):
        document = json.loads((folder / FILE_NAME).read_bytes())
        about = _about(document)
        if key == GENERATION:
            stated = {GENERATION: value, f"{GENERATION}_source": "stated"}
            about = {**about, "data": {**(about.get("data") or {}), **stated}}
        else:
            about = {**about, key: value}
        document[ABOUT] = logged(about, entry)
        files.write_text(folder / FILE_NAME, json.dumps(document, indent=2) + "\n")


def _about(document):
    about = document.get(ABOUT)
    return about if isinstance(about, dict) else {}
