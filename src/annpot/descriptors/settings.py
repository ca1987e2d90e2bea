"""From the keys of [SYMMETRY_FUNCTION] and [GVECT_PARAMETERS] to constants."""

from typing import NamedTuple

import numpy as np

from annpot.descriptors.definition import KINDS, DescriptorSettings
from annpot.elements import is_element
from annpot.errors import InputError
from annpot.units import CODATA_2022, length_in_angstrom


class Generation(NamedTuple):
    """What one published generation of mBP fixes.

    Attributes:
        theta_shift: angular centres lie at (i + theta_shift) pi / N.
        pair_weight: weight of a pair of neighbours of one species.
        epsilon: smoothing of the sine at collinear neighbours.
    """

    theta_shift: float
    pair_weight: float
    epsilon: float


GENERATIONS = {
    0: Generation(theta_shift=0.0, pair_weight=2.0, epsilon=0.0),
    1: Generation(theta_shift=0.5, pair_weight=1.0, epsilon=0.0),
    2: Generation(theta_shift=0.5, pair_weight=1.0, epsilon=1e-2),
    3: Generation(theta_shift=0.5, pair_weight=1.0, epsilon=1e-3),
}
DEFAULT_GENERATION = 3


def descriptor_settings(config, constants=CODATA_2022):
    """DescriptorSettings of a configuration with the two descriptor sections.

    Lengths are in `gvect_parameters_unit`, etas in one over its square, angles in
    degree. `zeta` is a real number (the program these keys come from cuts it to an
    integer; an integer value means the same in both).

    Args:
        config: has .symmetry_function and .gvect_parameters with one attribute per
            key, None where not set; .source, if any, tells where a key stands.
        constants: UnitConstants that define the bohr.

    Raises:
        InputError: all that is missing, unknown or inconsistent, at once.
    """
    keys = _Keys(config, constants)
    kind = config.symmetry_function.type
    expand = {"mBP": _modified_bp, "BP": _behler_parrinello}.get(kind)
    if expand is None:
        keys.wrong("type", kind, f"one of {', '.join(KINDS)}", "SYMMETRY_FUNCTION")
    else:
        described = expand(keys)
    species = _species(keys)
    if keys.problems:
        raise InputError(keys.problems)
    return DescriptorSettings(
        kind=kind,
        species=species,
        radial_prefactor=float(keys.value("radial_prefactor", 1.0)),
        **described,
    )


class _Keys:
    """The keys of both sections in angstrom and radian, and what is wrong there.

    A key that is wrong is noted and read as something harmless, so that one pass
    finds all problems.
    """

    def __init__(self, config, constants):
        self.sections = {
            "SYMMETRY_FUNCTION": config.symmetry_function,
            "GVECT_PARAMETERS": config.gvect_parameters,
        }
        self.source = getattr(config, "source", None)
        self.problems = []
        self.unit = length_in_angstrom(
            self.value("gvect_parameters_unit", "angstrom"), constants
        )

    def value(self, key, default=None, section="GVECT_PARAMETERS"):
        """The key's value, or `default` where it is not set."""
        value = getattr(self.sections[section], key, None)
        return default if value is None else value

    def length(self, key, default=None):
        """A length, angstrom; required unless there is a default."""
        value = self.value(key, default)
        if value is None:
            self.wrong(key, None, "a length")
            return 1.0
        return float(value) * self.unit

    def cutoff(self, key, default=None):
        """A positive length, angstrom."""
        length = self.length(key, default)
        if not length > 0:
            self.wrong(key, self.value(key), "a length above 0")
        return length

    def numbers(self, key, default=None):
        """A list of numbers in the units of the file; required without default."""
        value = self.value(key, default)
        if value is None or np.size(value) == 0:
            self.wrong(key, None, "one number or a comma list")
            return (1.0,)
        return tuple(float(number) for number in np.atleast_1d(value))

    def etas(self, key, default=None):
        """Inverse squared widths, 1/angstrom^2."""
        values = self.numbers(key, default)
        if min(values) < 0:
            self.wrong(key, values, "no negative value")
        return tuple(value / self.unit**2 for value in values)

    def zetas(self):
        """Angular exponents."""
        values = self.numbers("zeta")
        if min(values) <= 0:
            self.wrong("zeta", values, "only values above 0")
        return values

    def cosine_scale(self):
        """Factor of the cosine of the angle; above 1 there would be no angle."""
        value = float(self.value("cosine_scale", 1.0))
        if not 0 < value <= 1:
            self.wrong("cosine_scale", value, "a number above 0, at most 1")
        return value

    def count(self, key):
        """A required number of functions."""
        value = self.value(key)
        if value is None or value < 1:
            self.wrong(key, value, "an integer of 1 or more")
            return 1
        return int(value)

    def centres(self, which, r_cut):
        """Radial centres: a given list, else N from Rs0 in steps (Rc - Rs0) / N."""
        given = self.value(f"rs_{which}_list")
        if given is not None and np.size(given):
            return tuple(float(value) * self.unit for value in np.atleast_1d(given))
        n = self.count(f"rsn_{which}")
        start = self.length(f"rs0_{which}", 0.0 if which == "rad" else None)
        step = (r_cut - start) / n
        return tuple(start + k * step for k in range(n))

    def one_or_each(self, key, values, n, what):
        """One value repeated, or one for each of the `n` functions."""
        if len(values) == n:
            return values
        if len(values) != 1:
            self.wrong(key, values, f"1 value or {n}, one for each {what}")
        return values[:1] * n

    def wrong(self, key, found, expected, section="GVECT_PARAMETERS"):
        """Note that `key` is not what was expected."""
        where = f"{self.source.where(section, key)}: " if self.source else ""
        shown = (
            ", ".join(f"{v:g}" for v in found) if isinstance(found, tuple) else found
        )
        text = "is not set" if found is None else f"= {shown}"
        self.problems.append(
            f"{where}[{section}] {_SPELLING.get(key, key)} {text}: expected {expected}."
        )


# Spelling of the keys in an INI file, where it is not lower case.
_SPELLING = {
    key.lower(): key
    for key in (
        "Rc_rad", "Rs0_rad", "RsN_rad", "Rs_rad_list",
        "Rc_ang", "Rs0_ang", "RsN_ang", "Rs_ang_list", "ThetasN", "Thetas_list",
    )
}  # fmt: skip


def _modified_bp(keys):
    """Constants of mBP: its generation, one eta per centre, one zeta per angle."""
    number = keys.value("mbp_generation", DEFAULT_GENERATION, "SYMMETRY_FUNCTION")
    if number not in GENERATIONS:
        choices = ", ".join(str(known) for known in GENERATIONS)
        keys.wrong("mbp_generation", number, f"one of {choices}", "SYMMETRY_FUNCTION")
    generation = GENERATIONS.get(number, GENERATIONS[DEFAULT_GENERATION])
    r_cut_radial, r_cut_angular = keys.cutoff("rc_rad"), keys.cutoff("rc_ang")
    radial = keys.centres("rad", r_cut_radial)
    angular = keys.centres("ang", r_cut_angular)
    thetas = _thetas(keys, generation.theta_shift)
    eta_rad, eta_ang, zeta = keys.etas("eta_rad"), keys.etas("eta_ang"), keys.zetas()
    return {
        "r_cut_radial": r_cut_radial,
        "r_cut_angular": r_cut_angular,
        "radial_centres": radial,
        "radial_etas": keys.one_or_each(
            "eta_rad", eta_rad, len(radial), "radial centre"
        ),
        "angular_centres": angular,
        "angular_etas": keys.one_or_each(
            "eta_ang", eta_ang, len(angular), "radial centre of the angular functions"
        ),
        "thetas": thetas,
        "zetas": keys.one_or_each("zeta", zeta, len(thetas), "angular centre"),
        "epsilon": generation.epsilon,
        "cosine_scale": keys.cosine_scale(),
        "pair_weight": generation.pair_weight,
    }


def _thetas(keys, shift):
    """Angular centres, radian: a list in degree, else (i + shift) pi / N."""
    given = keys.value("thetas_list")
    if given is not None and np.size(given):
        return tuple(float(np.radians(value)) for value in np.atleast_1d(given))
    n = keys.count("thetasn")
    return tuple((k + shift) * np.pi / n for k in range(n))


def _behler_parrinello(keys):
    """Constants of BP: every eta with every centre, every zeta with both signs."""
    r_cut_radial = keys.cutoff("rc_rad")
    centres = keys.centres("rad", r_cut_radial)
    etas = keys.etas("eta_rad")
    angular = keys.etas("eta_ang", keys.value("eta_rad"))
    zetas = keys.zetas()
    return {
        "r_cut_radial": r_cut_radial,
        "r_cut_angular": keys.cutoff("rc_ang", keys.value("rc_rad")),
        "radial_etas": tuple(eta for eta in etas for _ in centres),
        "radial_centres": centres * len(etas),
        "angular_etas": angular,
        "angular_centres": (0.0,) * len(angular),
        "thetas": (0.0, np.pi) * len(zetas),  # lambda = 1, then -1
        "zetas": tuple(zeta for zeta in zetas for _ in range(2)),
    }


def _species(keys):
    """Symbols in order, each a different element."""
    symbols = tuple(keys.value("species", (), "SYMMETRY_FUNCTION"))
    wrong = [symbol for symbol in symbols if not is_element(symbol)]
    if not symbols or wrong or len(set(symbols)) != len(symbols):
        keys.wrong(
            "species",
            ", ".join(symbols) or None,
            "a comma list of different chemical symbols",
            "SYMMETRY_FUNCTION",
        )
    return symbols
