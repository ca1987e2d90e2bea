"""Changing what a checkpoint says of its run; its numbers stay as they are."""

import functools
import json
from pathlib import Path

from annpot import files
from annpot.config import load_train_text
from annpot.config.schema.keys import expected, grammar_of
from annpot.config.schema.train import TrainConfig
from annpot.config.settings import affects_result, find_setting
from annpot.errors import InputError
from annpot.inspection.changes import (
    Stored,
    Target,
    by_key,
    comment_of,
    generation_of,
    logged,
)
from annpot.networks.bundle_texts import replace_texts
from annpot.networks.stored_run import RUN, read_stored_run

GENERATION = "data.mbp_generation"
LENGTH = ("max_epochs", "max_steps")  # of a run: it may be another when it goes on
MODELS = "_models"


def checkpoint_target(prefix):
    """Target of a checkpoint of annpot.

    Raises:
        InputError: it is missing or damaged, or of another program.
    """
    prefix = Path(prefix)
    run = read_stored_run(prefix)
    run.bundle.verify()
    if not run.facts:
        raise InputError(
            f"{prefix}: a checkpoint of another program holds no description that "
            "could be changed."
        )
    facts = run.facts
    values = [comment_of(facts), generation_of(GENERATION, facts.get("data") or {})]
    values += _ini_values(facts.get("ini"), prefix)
    write = functools.partial(_write, prefix)
    values = by_key(values)
    return Target(str(prefix), "checkpoint", values, write, _why_not, _full_name)


def _ini_values(text, prefix):
    """Stored value of each key of the settings that may change."""
    if not text:
        return []
    config = load_train_text(text, f"{prefix} (settings)")
    shown = {
        key.place: None if key.value is None else key.format(key.value)
        for key in config.source.keys
    }
    for section, key in shown:
        setting = find_setting(TrainConfig, f"{section}.{key}")
        if setting is not None and _may_change(setting):
            name = f"{setting.section}.{setting.key}"
            parse = functools.partial(_parsed, setting)
            yield Stored(name, shown[section, key], parse)


def _may_change(setting):
    """Whether a key neither says what was trained nor how.

    Paths may have moved, the length of a run may grow, and whatever does not touch
    the result is free.
    """
    is_path = grammar_of(setting.field).name == "path"
    return is_path or setting.key in LENGTH or not affects_result(setting)


def _parsed(setting, text):
    """The text of a value, as an expanded INI file has it."""
    try:
        value = grammar_of(setting.field).parse(text)
        return grammar_of(setting.field).format(value)
    except ValueError:
        raise ValueError(f"expected {expected(setting.field)}.") from None


def _full_name(key):
    """`training_parameters.max_epochs` of `max_epochs`, the key itself else."""
    if key.lower() in (GENERATION, GENERATION.partition(".")[2]):
        return GENERATION
    setting = find_setting(TrainConfig, key)
    return f"{setting.section}.{setting.key}".lower() if setting else key.lower()


def _why_not(key):
    """Why a key cannot be set, "" where nobody knows it."""
    setting = find_setting(TrainConfig, key)
    if setting is None:
        return ""
    return (
        f"[{setting.section}] {setting.key} says what was trained, or how: to go on "
        "with another value give it in an INI file. "
    )


def _write(prefix, key, value, entry):
    """Store a value and renew the checksum.

    Raises:
        InputError: the settings with this value are wrong, a run is writing into the
            folder, or the disk is full.
    """
    with files.only_one_in(_run_folder(prefix), "app_train"):
        run = read_stored_run(prefix)
        facts = dict(run.facts)
        if key == GENERATION:
            stated = {"mbp_generation": value, "mbp_generation_source": "stated"}
            facts["data"] = {**(facts.get("data") or {}), **stated}
        elif "." in key:
            facts["ini"] = _with_value(facts["ini"], key, value, prefix)
        else:
            facts[key] = value
        text = json.dumps(logged(facts, entry), allow_nan=False).encode()
        replace_texts(run.bundle, {RUN: text})


def _run_folder(prefix):
    """Folder that a run into which the checkpoint belongs would lock."""
    folder = prefix.parent
    return folder.parent if folder.name == MODELS else folder


def _with_value(text, key, value, prefix):
    """The settings with another value of one key, read back before they are used."""
    section, _, name = key.partition(".")
    where = f"{prefix} (settings with {key} = {value})"
    title, _, _ = text.partition("\n")
    changed = load_train_text(text, where, {(section, name): value})
    _, _, body = changed.source.expanded_text().partition("\n")
    return f"{title}\n{body}"
