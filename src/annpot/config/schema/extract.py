"""Keys of app_extract_weights."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from annpot.config.grammar import BOOLEAN, INTEGER, PATH, WORD
from annpot.config.schema.keys import REQUIRED, Section, key
from annpot.config.source import IniSource

ONLY_PANNA = "Write output_type = PANNA."
FOR_PLUGINS = "it belongs to output_type = LAMMPS or ASE"


class ExtractIo(Section):
    """A checkpoint in, arrays out."""

    name: ClassVar[str] = "IO_INFORMATION"
    about: ClassVar[str] = "A checkpoint in, networks_metadata.json and .npy files out."

    network_dir: Path = key(
        PATH, REQUIRED, help="folder of checkpoints, usually train_dir/_models"
    )
    train_input: Path | None = key(
        PATH,
        None,
        help="INI file of the training, for checkpoints of PANNA",
        default_text="the checkpoint tells",
    )
    step_number: int = key(
        INTEGER, -1, ge=-1, le=10**12, help="step of the checkpoint, -1 for the last"
    )
    checkpoint: Literal["step", "best"] = key(
        WORD,
        "step",
        ours=True,
        help="the one of step_number, or the best by best_metric of the training",
    )
    weights: Literal["averaged", "trained"] = key(
        WORD,
        "averaged",
        ours=True,
        help="which weights of a training that averages them (`average`)",
    )
    output_dir: Path = key(
        PATH,
        Path("./saved_network"),
        affects_result=False,
        help="folder of the result; created",
    )
    output_type: Literal["PANNA", "LAMMPS", "ASE"] = key(
        WORD,
        "PANNA",
        help="format of the result (PANNA 2.0's default is LAMMPS)",
        later={"LAMMPS": ONLY_PANNA, "ASE": ONLY_PANNA},
    )
    output_file: str = key(
        WORD,
        "panna.in",
        help="name of the file of LAMMPS or ASE",
        without_effect=FOR_PLUGINS,
    )
    gvector_input: Path | None = key(
        PATH,
        None,
        help="INI file of the descriptors",
        without_effect=FOR_PLUGINS,
    )
    gvector_version: int = key(
        INTEGER,
        1,
        ge=0,
        le=1,
        help="layout of the file of LAMMPS",
        without_effect=FOR_PLUGINS,
    )
    long_range_el: bool = key(
        BOOLEAN,
        False,
        help="long-range electrostatics",
        instead="Set long_range_el = False.",
    )


@dataclass(frozen=True)
class ExtractConfig:
    """What app_extract_weights is asked to do."""

    io: ExtractIo
    source: IniSource = field(compare=False, repr=False)
    command: ClassVar[str] = "app_extract_weights"
