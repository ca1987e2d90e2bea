"""Is what goes on the run that was begun? Settings, data and programs compared.

`restart_mode = default` goes on with the same run only: what could change its numbers,
and is not its length, must be as it was. The other modes tell what differs.
"""

import configparser
import hashlib
import platform
from importlib.metadata import version

import numpy as np

from annpot import __version__
from annpot.errors import InputError

UNSET = "unset"
LIBRARIES = ("tensorflow", "keras", "numpy")
START = ("restart_mode", "restart_file", "restart_epoch", "restart_step")
LENGTH = ("max_epochs", "max_steps")
IO, TRAINING = "[IO_INFORMATION]", "[TRAINING_PARAMETERS]"
# Paths of what is compared by its content.
DATA = (f"{IO} data_dir", "[VALIDATION_OPTIONS] data_dir")
DESCRIPTORS = f"{IO} gvect_ini"
NETWORKS = ("architecture", "atomic_sequence")  # never change within a run
SAME_RUN = "restart_mode = default goes on with the same run only. Restore what differs"
ANEW = "force_default to start anew."
WAY_OUT = (
    f"{SAME_RUN}, or set restart_mode = continue_from_last_ckpt to go on all the same, "
    f"{ANEW}"
)


def program_facts():
    """What a checkpoint says of the programs and the machine, JSON-able."""
    return {
        "program": f"annpot {__version__}",
        "versions": {
            **{name: version(name) for name in LIBRARIES},
            "python": platform.python_version(),
        },
        "platform": f"{platform.system()} {platform.machine()}",
    }


def contents_hash(opened):
    """sha256 of the numbers of a data set that training sees, but for descriptors.

    Energies and element counts of all structures; positions, cells, forces and virials
    where there are structures.

    Args:
        opened: OpenedData, or None.
    """
    if opened is None:
        return None
    arrays = [opened.data.energies, opened.data.element_counts]
    if opened.structures is not None:
        one = opened.structures
        arrays += [one.batch.positions, one.batch.cells, one.forces, one.virials]
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def compare_settings(config, start, text):
    """Compare the settings and the programs with those of the checkpoint.

    Args:
        config: TrainConfig.
        start: Start.
        text: INI text of this run, as its checkpoints are going to hold it.

    Returns:
        list of sentences on what differs.

    Raises:
        InputError: something does that must not in this `restart_mode`.
    """
    if start.stored is None:
        return []
    now = program_facts()
    notes = [*_other_libraries(start.stored, now)]
    changes = _changes(config, start.stored, text)
    serious = {
        name: change
        for name, change in changes.items()
        if not _may_change(name, config, start.stored)
    }
    problems = [
        f"{config.source.where(*_split(name))}: {name} = {new}, but "
        f"{start.state.prefix} was trained {_with(old)}."
        for name, (old, new) in serious.items()
    ]
    if start.stored.get("program") not in (None, now["program"]):
        problems.append(
            f"{start.state.prefix}: was written by {start.stored['program']}, this is "
            f"{now['program']}."
        )
    if problems and config.io.restart_mode == "default":
        others = any(name.split()[-1] in NETWORKS for name in serious)
        way_out = f"{SAME_RUN}, or set restart_mode = {ANEW}" if others else WAY_OUT
        raise InputError(problems, way_out)
    if changes:
        listed = "; ".join(f"{k}: {old} -> {new}" for k, (old, new) in changes.items())
        notes.append(f"Settings changed since the checkpoint: {listed}.")
    return notes + problems[len(serious) :]


def compare_data(config, start, facts):
    """Compare the data with those of the checkpoint.

    Args:
        config: TrainConfig.
        start: Start.
        facts: `data` and `data_sha256` of this run.

    Returns:
        list of sentences on what differs.

    Raises:
        InputError: something does that must not in this `restart_mode`.
    """
    if start.stored is None:
        return []
    stored = start.stored.get("data_sha256") or {}
    differ = {
        part: part in stored and stored[part] != facts["data_sha256"][part]
        for part in ("training", "validation")
    }
    fingerprints = [
        (one.get("data") or {}).get("fingerprint") for one in (start.stored, facts)
    ]
    differ["training"] |= None not in fingerprints and len({*fingerprints}) > 1
    folders = {"training": config.io.data_dir, "validation": config.validation.data_dir}
    problems = [
        f"{folders[part] or 'the INI file'}: the {part} data are not those of "
        f"{start.state.prefix}."
        for part, is_other in differ.items()
        if is_other
    ]
    if problems and config.io.restart_mode == "default":
        raise InputError(problems, WAY_OUT)
    return problems


def _other_libraries(stored, now):
    """At most one sentence on libraries and machines that are others."""
    before = stored.get("versions", {}) | {"platform": stored.get("platform")}
    after = now["versions"] | {"platform": now["platform"]}
    changed = [
        f"{name} {before[name]} -> {after[name]}"
        for name in after
        if before.get(name) not in (None, after[name])
    ]
    if not changed:
        return []
    return [
        f"The run goes on with other libraries ({', '.join(changed)}): its last bits "
        "may differ from those of an uninterrupted run."
    ]


def _changes(config, stored, text):
    """{"[SECTION] key": (old, new)} of the settings that differ, as texts."""
    before, now = settings_of(stored.get("ini", "")), settings_of(text)
    free = config.source.free_keys  # may have moved to or from [LOCAL]
    return {
        name: (before.get(name, UNSET), now.get(name, UNSET))
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
        and name.split()[-1] not in START
        and (name not in free or (name in before and name in now))
        and (name in before or config.source.is_given(*_split(name)))
    }


def _may_change(name, config, stored):
    """Whether the same run may go on with another value of a setting."""
    source = config.source
    if name in source.free_keys or name in [f"{TRAINING} {key}" for key in LENGTH]:
        return True
    if name == f"{TRAINING} steps_per_epoch":  # it follows from max_steps if not given
        return not source.is_given(*_split(name))
    if name in DATA:
        return "data_sha256" in stored
    if name == DESCRIPTORS:
        return bool((stored.get("data") or {}).get("descriptor"))
    return False


def _with(text):
    """`with 0.01`, or `without it` of a setting that was not there."""
    return "without it" if text == UNSET else f"with {text}"


def _split(name):
    section, key = name[1:].split("] ")
    return section, key


def settings_of(text):
    """{"[SECTION] key": value} of an expanded INI text."""
    parser = configparser.RawConfigParser()
    parser.optionxform = str
    parser.read_string(text)
    return {
        f"[{section}] {key}": value
        for section in parser.sections()
        for key, value in parser.items(section)
    }
