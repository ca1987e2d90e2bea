"""Keys of app_gvect_calculator."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from annpot.config.grammar import (
    BOOLEAN,
    BOOLEAN_LIST,
    ELEMENT_LIST,
    INTEGER,
    NUMBER,
    PATH,
    WORD,
)
from annpot.config.schema.gvect_parameters import GvectParameters
from annpot.config.schema.keys import REQUIRED, Section, key
from annpot.config.source import IniSource

NO_KERNEL = "descriptors are computed without long-range kernels"


class GvectIo(Section):
    """Structures in, descriptors out."""

    name: ClassVar[str] = "IO_INFORMATION"
    about: ClassVar[str] = "Structures in, descriptors out."

    input_json_dir: Path = key(
        PATH,
        REQUIRED,
        help="folder of .example files, or any file that ASE reads (extxyz, ...)",
    )
    output_gvect_dir: Path = key(
        PATH,
        Path("./bin"),
        affects_result=False,
        help="folder of the .bin files; created",
    )
    log_dir: Path = key(
        PATH,
        Path("."),
        affects_result=False,
        help="folder of gvect_already_computed.dat, the list of finished structures",
    )


class SymmetryFunction(Section):
    """The kind of descriptor."""

    name: ClassVar[str] = "SYMMETRY_FUNCTION"
    about: ClassVar[str] = "The kind of descriptor and its species."

    type: Literal["mBP", "BP"] = key(
        WORD, REQUIRED, help="modified or original Behler-Parrinello functions"
    )
    species: tuple[str, ...] = key(
        ELEMENT_LIST, REQUIRED, help="elements, in the order of the descriptor's blocks"
    )
    mbp_generation: int = key(
        INTEGER,
        3,
        ge=0,
        le=3,
        ours=True,
        help="published form of mBP, see Generations of mBP",
    )
    include_derivatives: bool = key(
        BOOLEAN,
        False,
        help="store the derivatives of the descriptors and the forces",
    )
    sparse_derivatives: bool = key(
        BOOLEAN,
        False,
        help="store only derivatives that are not 0, with their indices",
    )


class GvectParallelization(Section):
    """How many structures at a time."""

    name: ClassVar[str] = "PARALLELIZATION"
    about: ClassVar[str] = "How many cores."

    number_of_process: int = key(
        INTEGER,
        1,
        ge=1,
        le=10**6,
        affects_result=False,
        help="cores that compute descriptors",
    )


class Pbc(Section):
    """Periodic directions."""

    name: ClassVar[str] = "PBC"
    about: ClassVar[str] = "Periodic directions of all structures."

    use_pbc: tuple[bool, ...] | None = key(
        BOOLEAN_LIST,
        None,
        help="periodic directions along the three cell vectors",
        default_text="what each structure says; along each cell vector that is not 0",
    )


class Misc(Section):
    """What else is stored."""

    name: ClassVar[str] = "MISC"
    about: ClassVar[str] = "What else is stored."

    per_atom_energy: bool = key(
        BOOLEAN, False, help="store the per_atom_energy of each structure, eV"
    )


class GvectLongRange(Section):
    """Long-range electrostatics."""

    name: ClassVar[str] = "LONG_RANGE"
    about: ClassVar[str] = "Long-range electrostatics."

    long_range_el: bool = key(
        BOOLEAN,
        False,
        help="store long-range kernels",
        instead="Set long_range_el = False.",
    )
    acc_factor: float = key(
        NUMBER, 1e-6, gt=0, help="accuracy", without_effect=NO_KERNEL
    )
    kmax: float | None = key(
        NUMBER, None, gt=0, help="largest wave vector", without_effect=NO_KERNEL
    )
    r_screen: float | None = key(
        NUMBER, None, gt=0, help="screening radius", without_effect=NO_KERNEL
    )
    pbc: bool = key(
        BOOLEAN, True, spelling="PBC", help="periodic kernels", without_effect=NO_KERNEL
    )


@dataclass(frozen=True)
class GvectConfig:
    """What app_gvect_calculator is asked to do."""

    io: GvectIo
    symmetry_function: SymmetryFunction
    gvect_parameters: GvectParameters
    parallelization: GvectParallelization
    pbc: Pbc
    misc: Misc
    long_range: GvectLongRange
    source: IniSource = field(compare=False, repr=False)
    command: ClassVar[str] = "app_gvect_calculator"
