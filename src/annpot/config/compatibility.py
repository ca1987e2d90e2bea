"""PANNA's old names and spellings, translated into the present ones.

This is the only module that knows them: behind it there is one name for each key.
Keys of PANNA 2.0 that have no effect here, or are not available yet, are declared with
the other keys in `annpot.config.schema`; the tables below hold what PANNA 2.0 itself
no longer knows, or knows under another name.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from annpot.config.ini import Entry, IniFile

ALL_NETWORKS = "network sections"  # [DEFAULT_NETWORK] and the element sections


@dataclass(frozen=True)
class Renamed:
    """A key with an old name.

    Attributes:
        command: `app_train`.
        old: (section, key) of old.
        new: (section, key) of today.
        yields: whether the new name wins without complaint when both are given.
        convert: old text -> new text.
        note: what convert does, for the reference of keywords.
    """

    command: str
    old: tuple[str, str]
    new: tuple[str, str]
    yields: bool = False
    convert: Callable[[str], str] = str
    note: str = ""


@dataclass(frozen=True)
class Retired:
    """A key of old that is only looked at.

    Attributes:
        command: `app_train`.
        old: (section, key).
        why: why it has no effect.
        off: texts, in lower case, that ask for nothing; None when all do.
        instead: what to do when another text is given.
    """

    command: str
    old: tuple[str, str]
    why: str
    off: tuple[str, ...] | None = None
    instead: str = ""


def _models_folder(text):
    return f"{text.rstrip('/')}/_models"


TRAIN, EVALUATE, EXTRACT = "app_train", "app_evaluate", "app_extract_weights"
IO, PARALLEL = "IO_INFORMATION", "PARALLELIZATION"
IN_MODELS = "the folder _models inside it"
FALSE = ("0", "no", "false", "off")
TRUE = ("1", "yes", "true", "on")
DIRECTIONS = (("PBC", "pbc1"), ("PBC", "pbc2"), ("PBC", "pbc3"))

SECTIONS = {(TRAIN, "LEARNING_PARAMETERS"): "TRAINING_PARAMETERS"}

RENAMED = (
    *(
        Renamed(TRAIN, (PARALLEL, key), (IO, key), yields=True)
        for key in (
            "num_parallel_readers",
            "num_parallel_calls",
            "shuffle_buffer_size_multiplier",
            "prefetch_buffer_size_multiplier",
            "dataset_cache",
        )
    ),
    Renamed(TRAIN, (PARALLEL, "intra_op_parallelism_threads"), (IO, "threads")),
    Renamed(
        TRAIN, (IO, "tensorboard_log_frequency"), (IO, "log_frequency"), yields=True
    ),
    Renamed(TRAIN, (IO, "avg_speed_steps"), (IO, "avg_speed_step")),
    Renamed(EVALUATE, (IO, "example_format"), (IO, "input_format")),
    *(
        Renamed(command, (IO, "train_dir"), (IO, new), False, _models_folder, IN_MODELS)
        for command, new in ((EVALUATE, "networks_dir"), (EXTRACT, "network_dir"))
    ),
)

RETIRED = (
    Retired(
        TRAIN,
        ("DATA_INFORMATION", "scaffold_type"),
        "there is one kind of scaffold",
        off=("panna",),
        instead="Remove the key.",
    ),
    Retired(
        TRAIN,
        (PARALLEL, "inter_op_parallelism_threads"),
        "operations run one after the other",
    ),
    Retired(
        "app_tfr_packer",
        ("CONTENT_INFORMATION", "n_species"),
        "dataset.json and the records tell the species",
    ),
    Retired(
        "app_gvect_calculator",
        ("MISC", "long_range"),
        "off is the only choice",
        off=FALSE,
        instead="Remove the key.",
    ),
    Retired(
        EVALUATE,
        (IO, "networks_format"),
        "checkpoints are evaluated",
        off=("tf_checkpoint",),
        instead="Give networks_dir a folder of checkpoints and remove the key.",
    ),
    Retired(EVALUATE, (IO, "networks_folder"), "checkpoints are evaluated"),
    Retired(
        EVALUATE,
        (PARALLEL, "number_of_process"),
        "threads are chosen by the linear algebra library",
    ),
    Retired(
        EVALUATE,
        ("VALIDATION_OPTIONS", "add_offset"),
        "energies include the offsets",
        off=TRUE,
        instead="Remove the key; energies include the offsets.",
    ),
    Retired(EVALUATE, ("TFR_STRUCTURE", "g_size"), "the records tell it"),
    Retired(EVALUATE, ("TFR_STRUCTURE", "sparse_derivatives"), "the records tell it"),
    Retired(EXTRACT, (IO, "species_list"), "the checkpoint tells the species"),
)

INPUT_FORMATS = {"tfr": "tfr", "example": "example"}
VALUES = {  # old spelling, in lower case -> present spelling
    (TRAIN, IO, "input_format"): INPUT_FORMATS,
    (TRAIN, "VALIDATION_OPTIONS", "input_format"): INPUT_FORMATS,
    (EVALUATE, IO, "input_format"): {"tfr": "tfr", "single_files": "bin"},
    (TRAIN, ALL_NETWORKS, "nn_type"): dict.fromkeys(
        ("a2aff", "a2ff", "ff", "a2a"), "a2aff"
    ),
}

GONE_LOSSES = {
    "exp_quad_std_atom": "exp_quad_atom",
    "quad_exp_tanh": "quad",
    "quad_exp_tanh_atom": "quad_atom",
    "quad_exp_tanh_std_atom": "quad_std_atom",
    "quad_atom_exp_tanh_atom": "quad_atom",
}
GONE_FORCE_LOSSES = {"exp_quad_atom": "quad_atom"}
GONE = {"loss_function": GONE_LOSSES, "floss_function": GONE_FORCE_LOSSES}
GONE_VALUES = {  # values that PANNA 2.0 dropped -> what to write instead
    (TRAIN, "TRAINING_PARAMETERS", key): {
        old: f"PANNA 2.0 dropped it. Write {key} = {new}." for old, new in gone.items()
    }
    for key, gone in GONE.items()
}


def modernised(command, known_sections, ini, findings):
    """IniFile with all old names replaced by present ones; lines stay.

    Args:
        command: `app_train`.
        known_sections: sections of today; others are emptied and dropped.
        ini: IniFile as written.
        findings: Findings, gets a notice for each old name and a problem for each
            old key that asks for something not available.
    """
    headers, entries = _rename_sections(command, ini, findings)
    for rule in RENAMED:
        if rule.command == command and _lower(rule.old) in entries:
            _rename(rule, entries, findings)
    if command == "app_gvect_calculator":
        _join_periodic_directions(entries, findings)
    for rule in RETIRED:
        if rule.command == command and _lower(rule.old) in entries:
            _retire(rule, entries, findings)
    for name, entry in entries.items():
        entries[name] = _present_value(command, entry, findings)
    for section in old_sections(command) - set(known_sections):
        _close_section(section, headers, entries, findings)
    return IniFile(ini.path, headers, entries)


def old_sections(command):
    """Sections that old keys of a command may stand in."""
    return {rule.old[0] for rule in (*RENAMED, *RETIRED) if rule.command == command}


def _lower(name):
    section, key = name
    return section, key.lower()


def _rename_sections(command, ini, findings):
    headers, entries = dict(ini.headers), dict(ini.entries)
    for (owner, old), new in SECTIONS.items():
        if owner != command or old not in headers or new in headers:
            continue
        findings.notice(f"[{old}] is an old name of [{new}].", ini.headers[old])
        headers[new] = headers.pop(old)
        for section, key in [name for name in entries if name[0] == old]:
            entries[(new, key)] = replace(entries.pop((section, key)), section=new)
    return headers, entries


def _rename(rule, entries, findings):
    entry = entries.pop(_lower(rule.old))
    section, key = rule.new
    old, new = f"[{entry.section}] {entry.key}", f"[{section}] {key}"
    text = entry.text if entry.text is None else rule.convert(entry.text)
    present = entries.get(_lower(rule.new))
    if present is None:
        note = f", {rule.note}" if rule.note else ""
        findings.notice(f"{old} is an old name of {new}{note}.", entry.line)
        entries[_lower(rule.new)] = Entry(section, key, text, entry.line)
    elif rule.yields or text == present.text:
        findings.notice(f"{old} has no effect: {new} is given.", entry.line)
    else:
        findings.problem(
            f"{old} = {entry.text}: it is an old name of {new}, which is given in line "
            f"{present.line} with another value. Keep one.",
            entry.line,
        )


def _join_periodic_directions(entries, findings):
    """pbc1, pbc2, pbc3, each False when absent -> use_pbc."""
    found = {name: entries.pop(name) for name in DIRECTIONS if name in entries}
    if not found:
        return
    first = min(found.values(), key=lambda entry: entry.line)
    if ("PBC", "use_pbc") in entries:
        findings.notice(
            "[PBC] pbc1 .. pbc3 have no effect: use_pbc is given.", first.line
        )
        return
    texts = [
        found[name].text or "" if name in found else "False" for name in DIRECTIONS
    ]
    findings.notice("[PBC] pbc1 .. pbc3 are old names of [PBC] use_pbc.", first.line)
    entries[("PBC", "use_pbc")] = Entry("PBC", "use_pbc", ", ".join(texts), first.line)


def _retire(rule, entries, findings):
    entry = entries.pop(_lower(rule.old))
    asked = (entry.text or "").strip().lower()
    written = f"[{entry.section}] {entry.key}"
    if rule.off is None or asked in rule.off:
        findings.notice(f"{written} has no effect: {rule.why}.", entry.line)
    else:
        findings.problem(
            f"{written} = {entry.text}: not available. {rule.instead}", entry.line
        )


def _present_value(command, entry, findings):
    """The entry with the present spelling of its value."""
    section, key = entry.section, entry.key.lower()
    asked = (entry.text or "").strip().lower()
    gone = GONE_VALUES.get((command, section, key), {})
    if asked in gone:
        findings.problem(
            f"[{section}] {entry.key} = {entry.text}: not available. {gone[asked]}",
            entry.line,
        )
        return replace(entry, text=None)
    spellings = VALUES.get((command, section, key)) or VALUES.get(
        (command, ALL_NETWORKS, key), {}
    )
    present = spellings.get(asked)
    if present is None or present == entry.text:
        return entry
    findings.notice(
        f"[{section}] {entry.key} = {entry.text} is read as {present}.", entry.line
    )
    return replace(entry, text=present)


def _close_section(section, headers, entries, findings):
    """Drop an old section; what is left in it is unknown."""
    headers.pop(section, None)
    for name in [name for name in entries if name[0] == section]:
        entry = entries.pop(name)
        findings.problem(
            f"unknown key '{entry.key}' in [{section}]. Remove it or check its "
            "section.",
            entry.line,
        )
