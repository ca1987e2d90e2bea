"""PANNA's old names and spellings, and the present ones, as tables.

Keys of PANNA 2.0 that have no effect here, or are not available yet, are declared with
the other keys in `annpot.config.schema`; the tables below hold what PANNA 2.0 itself
no longer knows, or knows under another name. `annpot.config.compatibility` uses them.
"""

from collections.abc import Callable
from dataclasses import dataclass

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
