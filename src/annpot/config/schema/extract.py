"""Keys of app_extract_weights."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from annpot.config.descriptor_config import DescriptorConfig
from annpot.config.grammar import BOOLEAN, INTEGER, PATH, WORD, WORD_LIST
from annpot.config.schema.keys import REQUIRED, Section, key
from annpot.config.source import IniSource

OutputType = Literal["PANNA", "LAMMPS", "ASE", "KIM"]


class ExtractIo(Section):
    """Networks in, networks out in other forms."""

    name: ClassVar[str] = "IO_INFORMATION"
    about: ClassVar[str] = (
        "A checkpoint in; networks for re-training, LAMMPS, ASE or OpenKIM out."
    )

    network_dir: Path = key(
        PATH,
        REQUIRED,
        help="folder of checkpoints, usually train_dir/_models; or a LAMMPS export of "
        "PANNA, the folder of panna.in or that file",
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
    output_type: tuple[OutputType, ...] = key(
        WORD_LIST,
        ("PANNA",),
        help="forms of the result: PANNA to train on, ASE the folder of a model for "
        "AnnpotCalculator and `pair_style annpot`, LAMMPS the same and the files of "
        "PANNA's plugin, KIM a portable model (PANNA 2.0's default is LAMMPS)",
    )
    output_file: str = key(
        WORD,
        "panna.in",
        help="LAMMPS: name of the file that PANNA's plugin reads",
    )
    gvector_input: Path | None = key(
        PATH,
        None,
        help="LAMMPS, ASE, KIM: INI file that describes the descriptors",
        default_text="the checkpoint tells",
    )
    gvector_version: int = key(
        INTEGER,
        1,
        ge=0,
        le=1,
        help="LAMMPS: layout of output_file, 1 for PANNA's plugin, 0 for its old one",
    )
    mbp_generation: int | None = key(
        INTEGER,
        None,
        ge=0,
        le=3,
        ours=True,
        help="LAMMPS, ASE, KIM: generation of mBP, where it was only assumed",
        default_text="the checkpoint or gvector_input tells",
    )
    golden_structures: Path | None = key(
        PATH,
        None,
        ours=True,
        help="LAMMPS, ASE: structures by which the model tests itself, a file that ASE "
        "reads or a folder of structures",
        default_text="three that the checkpoint keeps",
    )
    kim_model_name: str | None = key(
        WORD,
        None,
        ours=True,
        help="KIM: name of the model, NAME or NAME__MO_<12 digits>_<3 digits>",
        default_text="annpot_ and the elements",
    )
    long_range_el: bool = key(
        BOOLEAN,
        False,
        help="long-range electrostatics",
        instead="Set long_range_el = False.",
    )


@dataclass(frozen=True)
class ExtractConfig:
    """What app_extract_weights is asked to do.

    Attributes:
        io: the section.
        descriptor: DescriptorConfig of gvector_input, None where none is read.
        source: where all this was read.
    """

    io: ExtractIo
    descriptor: DescriptorConfig | None
    source: IniSource = field(compare=False, repr=False)
    command: ClassVar[str] = "app_extract_weights"
