"""Keys of app_evaluate."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from annpot.config.descriptor_config import DescriptorConfig
from annpot.config.grammar import BOOLEAN, INTEGER, PATH, WORD
from annpot.config.schema.keys import REQUIRED, Section, key
from annpot.config.source import IniSource


class EvaluateIo(Section):
    """Data and networks in, energies out."""

    name: ClassVar[str] = "IO_INFORMATION"
    about: ClassVar[str] = "Data and networks in, energies out."

    data_dir: Path = key(PATH, REQUIRED, help="folder of the data to evaluate")
    networks_dir: Path | None = key(
        PATH,
        None,
        help="folder of checkpoints, usually train_dir/_models; this or model_dir is "
        "required",
        default_text="none",
    )
    model_dir: Path | None = key(
        PATH,
        None,
        ours=True,
        help="folder of a model (model.json) that app_extract_weights wrote with "
        "output_type = ASE or LAMMPS, instead of networks_dir",
        default_text="none",
    )
    eval_dir: Path = key(
        PATH, REQUIRED, affects_result=False, help="folder of the results; created"
    )
    train_ini: Path = key(
        PATH,
        Path("train.ini"),
        help="INI file of the training, for checkpoints of PANNA",
    )
    input_format: Literal["tfr", "bin", "example", "structure"] | None = key(
        WORD,
        None,
        help="data: TFRecords of descriptors, .bin files, .example files (or a file "
        "that ASE reads), or TFRecords of structures (bin and structure are ours)",
        default_text="as train_ini says, else tfr",
    )
    gvect_ini: Path | None = key(
        PATH,
        None,
        help="INI file with [SYMMETRY_FUNCTION] and [GVECT_PARAMETERS], for "
        "input_format = example or structure",
        default_text="the checkpoint tells, else as train_ini says",
    )


class EvaluateValidation(Section):
    """Which checkpoints, which numbers."""

    name: ClassVar[str] = "VALIDATION_OPTIONS"
    about: ClassVar[str] = (
        "Which checkpoints. They are sorted by epoch and step; without a key all of "
        "them are evaluated."
    )

    single_step: bool = key(
        BOOLEAN,
        False,
        help="one checkpoint: the last, or that of epoch_number and step_number",
    )
    epoch_number: int | None = key(
        INTEGER,
        None,
        ge=-1,
        le=10**9,
        help="epoch of the one checkpoint, -1 for any",
        default_text="any",
    )
    step_number: int | None = key(
        INTEGER,
        None,
        ge=-1,
        le=10**12,
        help="step of the one checkpoint, -1 for the last",
        default_text="the last",
    )
    subsampling: int | None = key(
        INTEGER, None, ge=1, le=10**9, help="every n-th checkpoint", default_text="each"
    )
    start: int = key(INTEGER, 0, help="index of the first checkpoint, as in a slice")
    end: int | None = key(
        INTEGER,
        None,
        help="index after the last checkpoint, as in a slice",
        default_text="number of checkpoints",
    )
    batch_size: int = key(
        INTEGER,
        1,
        help="structures evaluated together",
        without_effect="structures are evaluated in blocks that fit into memory",
    )
    compute_forces: bool = key(
        BOOLEAN,
        False,
        help="evaluate forces too, and virials of periodic structures; records need "
        "derivatives for it",
    )
    split: Literal["train", "validation", "test"] | None = key(
        WORD,
        None,
        ours=True,
        help="evaluate those structures of data_dir that validation_split and "
        "test_split of the training gave to this part",
        default_text="all structures",
    )
    weights: Literal["averaged", "trained"] = key(
        WORD,
        "averaged",
        ours=True,
        help="which weights of a training that averages them (`average`)",
    )
    precision: Literal["float32", "float64"] = key(
        WORD, "float64", ours=True, help="precision of the evaluation"
    )
    plot: bool = key(
        BOOLEAN,
        False,
        ours=True,
        affects_result=False,
        help="draw parity and error histogram of each checkpoint (PNG)",
    )


class EvaluateLongRange(Section):
    """Long-range interactions."""

    name: ClassVar[str] = "LONG_RANGE"
    about: ClassVar[str] = "Long-range interactions."

    long_range_el: bool = key(
        BOOLEAN,
        False,
        help="long-range electrostatics",
        instead="Set long_range_el = False.",
    )
    long_range_vdw: bool = key(
        BOOLEAN,
        False,
        help="long-range dispersion",
        without_effect="no program of this family computes it",
    )


@dataclass(frozen=True)
class EvaluateConfig:
    """What app_evaluate is asked to do.

    Attributes:
        source: where all this was read.
        descriptor: DescriptorConfig of gvect_ini for structures, else None; the
            checkpoint may tell as well.
    """

    io: EvaluateIo
    validation: EvaluateValidation
    long_range: EvaluateLongRange
    source: IniSource = field(compare=False, repr=False)
    descriptor: DescriptorConfig | None = None
    command: ClassVar[str] = "app_evaluate"
