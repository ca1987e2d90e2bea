"""Keys of app_gvect_calculator: the numbers of the descriptor."""

from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt, Le

from annpot.config.grammar import INTEGER, NUMBER, NUMBER_LIST, WORD
from annpot.config.schema.keys import REQUIRED, Section, key
from annpot.units import LENGTH_NAMES

STEP_FOLLOWS = (
    "it follows from Rc, Rs0 and RsN; a value that disagrees with them is an error, "
    "because PANNA 2.0 would silently ignore it"
)
LENGTH_UNITS = Literal[tuple(name for names in LENGTH_NAMES.values() for name in names)]
Positives = tuple[Annotated[float, Gt(0)], ...]
Exponents = tuple[Annotated[float, Gt(0), Le(1e6)], ...]
NotNegatives = tuple[Annotated[float, Ge(0)], ...]


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
        NUMBER,
        REQUIRED,
        gt=0,
        le=1000,
        spelling="Rc_rad",
        unit="length",
        help="radial cutoff",
    )
    rs0_rad: float = key(
        NUMBER, 0.0, ge=0, spelling="Rs0_rad", unit="length", help="first radial centre"
    )
    rsn_rad: int | None = key(
        INTEGER,
        None,
        ge=1,
        le=10000,
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
        help="distance of radial centres, (Rc_rad - Rs0_rad) / RsN_rad",
        without_effect=STEP_FOLLOWS,
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
        le=1000,
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
        le=10000,
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
        help="distance of these centres, (Rc_ang - Rs0_ang) / RsN_ang",
        without_effect=STEP_FOLLOWS,
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
        le=10000,
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
    zeta: Exponents = key(
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
