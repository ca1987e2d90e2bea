"""Section [GVECT_PARAMETERS] of `panna.in`: two layouts of the constants of mBP.

gversion 0, read by OpenKIM's driver and by PANNA's older plugin, holds one eta for all
centres, one zeta for all angles, and centres in equal steps:

    R_k = Rs0 + k Rsst, k = 0 ... RsN - 1;  theta_k = (k + 1/2) pi / ThetasN

gversion 1, read by PANNA's present plugin, lists them. Lengths in angstrom, angles in
radian. Keys are written so that counts precede what they count and, in gversion 0, so
that RsN and ThetasN come last: programs exist that make all centres when they meet
them, and compute wrong energies without a word from any other order.
"""

import numpy as np

from annpot.deploy.panna.text import DESCRIPTOR
from annpot.descriptors.definition import DescriptorSettings
from annpot.descriptors.settings import GENERATIONS

OF_GVERSION = {0: 2, 1: 3}  # gversion -> generation of mBP of the programs that read it
TYPICAL = ("Nspecies", "species")
PARTS = (("rad", "radial"), ("ang", "angular"))
KEYS = {
    0: (
        *TYPICAL,
        "eta_rad", "Rc_rad", "Rs0_rad", "Rsst_rad", "RsN_rad",
        "eta_ang", "Rc_ang", "Rs0_ang", "Rsst_ang", "RsN_ang",
        "zeta", "ThetasN",
    ),
    1: (
        *TYPICAL,
        "RsN_rad", "eta_rad", "Rc_rad", "Rs_rad",
        "RsN_ang", "eta_ang", "Rc_ang", "Rs_ang",
        "ThetasN", "zeta", "Thetas",
    ),
}  # fmt: skip
WEIGHTED = "weights"  # one number per species: another descriptor than mBP
LARGEST_DEVIATION = 1e-9  # angstrom or radian: equal but for rounding


def step_of(centres, r_cut):
    """(step, largest |R_0 + k step - R_k|) of the equal steps closest to centres.

    Of the steps that rounding makes possible the one is taken that gives the same
    float64 numbers again, where there is one.
    """
    first, n = centres[0], len(centres)
    steps = [(r_cut - first) / n]
    if n > 1:
        steps += [centres[1] - first, (centres[-1] - first) / (n - 1)]

    def deviation(step):
        return max(abs(first + k * step - centre) for k, centre in enumerate(centres))

    best = min(steps, key=deviation)
    return best, deviation(best)


def middles(n, shift=0.5):
    """Angles (k + shift) pi / n, radian."""
    return tuple((k + shift) * np.pi / n for k in range(n))


def layout_lines(settings, gversion):
    """Lines of the section for settings that the layout can hold."""
    values = {
        "Nspecies": len(settings.species),
        "species": ",".join(settings.species),
        "Rc_rad": settings.r_cut_radial,
        "Rc_ang": settings.r_cut_angular,
        "RsN_rad": len(settings.radial_centres),
        "RsN_ang": len(settings.angular_centres),
        "ThetasN": len(settings.thetas),
    }
    make = {0: _equal_steps, 1: _lists}[gversion]
    values |= make(settings)
    return [
        f"[{DESCRIPTOR}]",
        *(f"{key} = {_text(values[key])}" for key in KEYS[gversion]),
    ]


def _equal_steps(settings):
    values = {"zeta": settings.zetas[0]}
    for short, part in PARTS:
        centres = getattr(settings, f"{part}_centres")
        r_cut = getattr(settings, f"r_cut_{part}")
        values[f"eta_{short}"] = getattr(settings, f"{part}_etas")[0]
        values[f"Rs0_{short}"] = centres[0]
        values[f"Rsst_{short}"] = step_of(centres, r_cut)[0]
    return values


def _lists(settings):
    values = {"zeta": [int(zeta) for zeta in settings.zetas]}
    values["Thetas"] = list(settings.thetas)
    for short, part in PARTS:
        values[f"eta_{short}"] = list(getattr(settings, f"{part}_etas"))
        values[f"Rs_{short}"] = list(getattr(settings, f"{part}_centres"))
    return values


def _text(value):
    """repr of a number gives the same float64 again."""
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    return repr(float(value)) if isinstance(value, float) else str(value)


def layout_settings(told, species, generation):
    """DescriptorSettings of a file's section.

    Args:
        told: PluginText; what is wrong is noted there.
        species: its elements.
        generation: of mBP, which fixes what the section does not tell.
    """
    known = KEYS[told.gversion]
    if told.gversion == 1 and WEIGHTED in told.sections[DESCRIPTOR]:
        line = told.sections[DESCRIPTOR][WEIGHTED][1]
        told.wrong(line, f"{WEIGHTED}: weighted descriptors are not available.")
        known = (*known, WEIGHTED)
    told.know_only(DESCRIPTOR, known)
    fixed = GENERATIONS[generation]
    read = {0: _read_equal_steps, 1: _read_lists}[told.gversion]
    values = read(told, fixed.theta_shift)
    for short, part in PARTS:
        r_cut = told.number(DESCRIPTOR, f"Rc_{short}")
        if not r_cut > 0:
            told.wrong(
                told.sections[DESCRIPTOR][f"Rc_{short}"][1],
                f"[{DESCRIPTOR}] Rc_{short} = {r_cut}: expected a length above 0.",
            )
        values[f"r_cut_{part}"] = r_cut
    return DescriptorSettings(
        kind="mBP",
        species=species,
        epsilon=fixed.epsilon,
        pair_weight=fixed.pair_weight,
        **values,
    )


def _read_equal_steps(told, theta_shift):
    n_thetas = told.count(DESCRIPTOR, "ThetasN")
    values = {
        "thetas": middles(n_thetas, theta_shift),
        "zetas": (told.number(DESCRIPTOR, "zeta"),) * n_thetas,
    }
    for short, part in PARTS:
        n = told.count(DESCRIPTOR, f"RsN_{short}")
        first = told.number(DESCRIPTOR, f"Rs0_{short}")
        usual = (told.number(DESCRIPTOR, f"Rc_{short}") - first) / n
        step = told.number(DESCRIPTOR, f"Rsst_{short}", usual)
        values[f"{part}_centres"] = tuple(first + k * step for k in range(n))
        values[f"{part}_etas"] = (told.number(DESCRIPTOR, f"eta_{short}"),) * n
    return values


def _read_lists(told, theta_shift):
    n_thetas = told.count(DESCRIPTOR, "ThetasN")
    values = {
        "thetas": told.numbers(DESCRIPTOR, "Thetas", n_thetas),
        "zetas": told.numbers(DESCRIPTOR, "zeta", n_thetas),
    }
    for short, part in PARTS:
        n = told.count(DESCRIPTOR, f"RsN_{short}")
        values[f"{part}_centres"] = told.numbers(DESCRIPTOR, f"Rs_{short}", n)
        values[f"{part}_etas"] = told.numbers(DESCRIPTOR, f"eta_{short}", n)
    return values
