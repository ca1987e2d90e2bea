"""Keys of app_tfr_packer."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from annpot.config.grammar import BOOLEAN, INTEGER, PATH, WORD
from annpot.config.schema.keys import REQUIRED, Section, key
from annpot.config.source import IniSource


class TfrIo(Section):
    """Descriptors or structures in, TFRecords out."""

    name: ClassVar[str] = "IO_INFORMATION"
    about: ClassVar[str] = "Descriptors or structures in, TFRecords out."

    input_dir: Path = key(
        PATH,
        REQUIRED,
        help="folder of .bin files or of .example files, or a file that ASE reads",
    )
    input_format: Literal["auto", "bin", "example"] = key(
        WORD,
        "auto",
        ours=True,
        help="bin: descriptors; example: structures (.example or a file that ASE "
        "reads); auto: bin where there are .bin files",
    )
    output_dir: Path = key(
        PATH, REQUIRED, affects_result=False, help="folder of the TFRecords; created"
    )
    elements_per_file: int = key(
        INTEGER,
        1000,
        ge=1,
        le=10**9,
        unit="structures",
        affects_result=False,
        help="records in each TFRecord file",
    )
    prefix: str | None = key(
        WORD,
        None,
        affects_result=False,
        help="files are named prefix-i-N.tfrecord",
        default_text="i-N.tfrecord",
    )
    shuffle_seed: int | None = key(
        INTEGER,
        None,
        ge=0,
        le=10**18,
        ours=True,
        help="shuffle the records with this seed",
        default_text="records in the order of their names",
    )


class TfrContent(Section):
    """What a record of descriptors holds."""

    name: ClassVar[str] = "CONTENT_INFORMATION"
    about: ClassVar[str] = (
        "What a record holds beside descriptors and energy. Records of structures hold "
        "energy, forces and virial where the structure has them."
    )

    mbp_generation: int | None = key(
        INTEGER,
        None,
        ge=0,
        le=3,
        ours=True,
        help="generation of mBP of .bin files without dataset.json",
        default_text="as dataset.json says, else 3 is assumed",
    )
    include_derivatives: bool = key(
        BOOLEAN, False, help="the derivatives and forces of the .bin files"
    )
    sparse_derivatives: bool = key(
        BOOLEAN, False, help="only derivatives that are not 0, with their indices"
    )
    include_per_atom_quantity: bool = key(
        BOOLEAN, False, help="the per-atom quantity of the .bin files"
    )
    long_range_el: bool = key(
        BOOLEAN,
        False,
        help="the long-range kernels of the .bin files",
        instead="Set long_range_el = False.",
    )


@dataclass(frozen=True)
class TfrConfig:
    """What app_tfr_packer is asked to do."""

    io: TfrIo
    content: TfrContent
    source: IniSource = field(compare=False, repr=False)
    command: ClassVar[str] = "app_tfr_packer"
