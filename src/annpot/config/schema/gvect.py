"""Keys of app_gvect_calculator."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt

from annpot.config.grammar import (
    BOOLEAN,
    BOOLEAN_LIST,
    ELEMENT_LIST,
    INTEGER,
    NUMBER,
    NUMBER_LIST,
    PATH,
    WORD,
)
from annpot.config.schema.keys import REQUIRED, Section, key
from annpot.config.source import IniSource
from annpot.units import LENGTH_NAMES

NO_DERIVATIVES = "Set it to False; descriptors are computed without derivatives."
NO_KERNEL = "descriptors are computed without long-range kernels"
LENGTH_UNITS = Literal[tuple(name for names in LENGTH_NAMES.values() for name in names)]
Positives = tuple[Annotated[float, Gt(0)], ...]
NotNegatives = tuple[Annotated[float, Ge(0)], ...]


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
        instead=NO_DERIVATIVES,
    )
    sparse_derivatives: bool = key(
        BOOLEAN, False, help="store derivatives sparsely", instead=NO_DERIVATIVES
    )


class GvectParallelization(Section):
    """How many structures at a time."""

    name: ClassVar[str] = "PARALLELIZATION"
    about: ClassVar[str] = "How many cores."

    number_of_process: int = key(
        INTEGER, 1, ge=1, affects_result=False, help="cores that compute descriptors"
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


class GvectParameters(Section):
    """Numbers of the descriptor."""

    name: ClassVar[str] = "GVECT_PARAMETERS"
    about: ClassVar[str] = (
        "Numbers of the descriptor. Lengths are in gvect_parameters_unit, eta in its "
        "inverse square. A list of one value stands for all centres."
    )

    gvect_parameters_unit: LENGTH_UNITS = key(
        WORD, "angstrom", help="unit of all lengths of this section"
    )
    rc_rad: float = key(
        NUMBER, REQUIRED, gt=0, spelling="Rc_rad", unit="length", help="radial cutoff"
    )
    rs0_rad: float = key(
        NUMBER, 0.0, ge=0, spelling="Rs0_rad", unit="length", help="first radial centre"
    )
    rsn_rad: int | None = key(
        INTEGER,
        None,
        ge=1,
        spelling="RsN_rad",
        help="number of radial centres, (Rc_rad - Rs0_rad) / RsN_rad apart",
        default_text="needed without Rs_rad_list",
    )
    rs_rad_list: NotNegatives | None = key(
        NUMBER_LIST,
        None,
        spelling="Rs_rad_list",
        unit="length",
        help="radial centres, instead of Rs0_rad and RsN_rad",
        default_text="from Rs0_rad and RsN_rad",
    )
    rsst_rad: float | None = key(
        NUMBER,
        None,
        gt=0,
        spelling="Rsst_rad",
        unit="length",
        help="distance of radial centres",
        without_effect="it follows from Rc_rad, Rs0_rad and RsN_rad",
    )
    eta_rad: Positives = key(
        NUMBER_LIST,
        REQUIRED,
        unit="1/length^2",
        help="inverse squared widths: mBP one per radial centre, BP any number",
    )
    rc_ang: float | None = key(
        NUMBER,
        None,
        gt=0,
        spelling="Rc_ang",
        unit="length",
        help="angular cutoff",
        default_text="needed for mBP; Rc_rad for BP",
    )
    rs0_ang: float | None = key(
        NUMBER,
        None,
        ge=0,
        spelling="Rs0_ang",
        unit="length",
        help="mBP: first centre of the mean distance of a pair of neighbours",
        default_text="needed for mBP without Rs_ang_list",
    )
    rsn_ang: int | None = key(
        INTEGER,
        None,
        ge=1,
        spelling="RsN_ang",
        help="mBP: number of these centres, (Rc_ang - Rs0_ang) / RsN_ang apart",
        default_text="needed for mBP without Rs_ang_list",
    )
    rs_ang_list: NotNegatives | None = key(
        NUMBER_LIST,
        None,
        spelling="Rs_ang_list",
        unit="length",
        help="mBP: these centres, instead of Rs0_ang and RsN_ang",
        default_text="from Rs0_ang and RsN_ang",
    )
    rsst_ang: float | None = key(
        NUMBER,
        None,
        gt=0,
        spelling="Rsst_ang",
        unit="length",
        help="distance of these centres",
        without_effect="it follows from Rc_ang, Rs0_ang and RsN_ang",
    )
    eta_ang: Positives | None = key(
        NUMBER_LIST,
        None,
        unit="1/length^2",
        help="inverse squared widths: mBP one per centre, BP any number",
        default_text="needed for mBP; eta_rad for BP",
    )
    thetasn: int | None = key(
        INTEGER,
        None,
        ge=1,
        spelling="ThetasN",
        help="mBP: number of angles, evenly spaced",
        default_text="needed for mBP without Thetas_list",
    )
    thetas_list: tuple[float, ...] | None = key(
        NUMBER_LIST,
        None,
        spelling="Thetas_list",
        unit="degree",
        help="mBP: angles, instead of ThetasN",
        default_text="from ThetasN and mbp_generation",
    )
    zeta: Positives = key(
        NUMBER_LIST,
        REQUIRED,
        help="exponents: mBP one per angle, BP any number (PANNA 2.0 cuts to integers)",
    )
    cosine_scale: float = key(
        NUMBER,
        1.0,
        gt=0,
        le=1,
        ours=True,
        help="mBP: factor on the cosine of the angle (0.95 for the ANI AEV)",
    )
    radial_prefactor: float = key(
        NUMBER,
        1.0,
        gt=0,
        ours=True,
        help="mBP: factor on the radial functions (0.25 for the ANI AEV)",
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
