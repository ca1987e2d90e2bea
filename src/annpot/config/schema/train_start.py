"""Keys of app_train: where data come from, and how to start."""

from pathlib import Path
from typing import Literal

from annpot.config.grammar import INTEGER, PATH, WORD
from annpot.config.schema.keys import REQUIRED, Section, key, stage_key

RESTART_MODES = Literal[
    "default",
    "force_default",
    "continue_from_last_ckpt",
    "specific_ckpt",
    "metadata",
    "no",
]


class Start(Section):
    """The first keys of [IO_INFORMATION]: where data come from, how to start."""

    data_dir: Path = stage_key(
        PATH,
        Path("tfrs"),
        help="folder of the data to train on; a file for input_format = example",
    )
    train_dir: Path = key(
        PATH, REQUIRED, affects_result=False, help="folder of everything the run writes"
    )
    input_format: Literal["tfr", "example", "structure"] = stage_key(
        WORD,
        "tfr",
        help="data: TFRecords of descriptors, .example files (or a file that ASE "
        "reads), or TFRecords of structures (structure is ours)",
    )
    gvect_ini: Path | None = key(
        PATH,
        None,
        help="INI file of app_gvect_calculator whose [SYMMETRY_FUNCTION] and "
        "[GVECT_PARAMETERS] say which descriptors to make, for input_format = example "
        "or structure",
    )
    restart_mode: RESTART_MODES = key(
        WORD,
        "default",
        help="how to start, see Restart modes",
    )
    restart_file: Path | None = key(
        PATH, None, help="checkpoint of restart_mode = specific_ckpt, without .index"
    )
    restart_epoch: int | None = key(
        INTEGER,
        None,
        ge=0,
        le=10**9,
        help="for a checkpoint of another program: epochs done; annpot's own know",
        default_text="read from the checkpoint, else 0",
    )
    restart_step: int | None = key(
        INTEGER,
        None,
        ge=0,
        le=10**12,
        help="for a checkpoint of another program: steps done; annpot's own know",
        default_text="read from the checkpoint, else 0",
    )
