"""What the layouts of `panna.in` and the programs that read them cannot hold."""

import numpy as np

from annpot.deploy.panna.layouts import (
    LARGEST_DEVIATION,
    OF_GVERSION,
    PARTS,
    middles,
    step_of,
)
from annpot.descriptors.settings import GENERATIONS
from annpot.errors import InputError
from annpot.networks.activations import ACTIVATIONS

READERS = {
    0: "OpenKIM's driver and PANNA's older plugin",
    1: "PANNA's plugin",
}
COMPUTED = {0: (0, 1, 3), 1: (0, 1, 3, 4)}  # numbers of activations
REMEDY = (
    "output_type = ASE holds them exactly; `pair_style annpot` of LAMMPS and "
    "AnnpotCalculator read it."
)


def require_layout_holds(settings, specs, generation, gversion, form=None):
    """Refuse networks that a layout of `panna.in` cannot hold.

    Args:
        settings: DescriptorSettings.
        specs: NetworkSpec of each element.
        generation: of mBP; None where it is not mBP or nobody says.
        gversion: 0 or 1.
        form: what the layout is written for, for messages; None for the layout.

    Raises:
        InputError: with every reason.
    """
    if settings.kind != "mBP":
        reasons = [f"descriptors of type {settings.kind}: it holds mBP alone"]
    else:
        reasons = list(_of_descriptors(settings, generation, gversion))
        if gversion == 0:
            reasons += _of_equal_steps(settings)
    reasons += _of_networks(specs, gversion)
    if reasons:
        form = form or f"panna.in with gversion {gversion}"
        what = f"{form} ({READERS[gversion]}) cannot hold"
        raise InputError([f"{what} {reason}." for reason in reasons], REMEDY)


def _of_descriptors(settings, generation, gversion):
    computed = OF_GVERSION[gversion]
    if generation != computed:
        found = "an mBP of unknown generation" if generation is None else (
            f"mBP of generation {generation}"
        )  # fmt: skip
        yield f"{found}: what is computed there is generation {computed}"
    plain = {"cosine_scale": 1, "radial_prefactor": 1}
    if generation == computed:
        fixed = GENERATIONS[computed]
        plain |= {"epsilon": fixed.epsilon, "pair_weight": fixed.pair_weight}
    for name, value in plain.items():
        if getattr(settings, name) != value:
            yield f"{name} = {getattr(settings, name):g}: it knows {value:g} alone"
    fractions = [zeta for zeta in settings.zetas if zeta != int(zeta)]
    if fractions:
        yield f"zeta = {fractions[0]:g}: it would be cut to {int(fractions[0])}"


def _of_equal_steps(settings):
    for short, part in PARTS:
        etas = getattr(settings, f"{part}_etas")
        if len(set(etas)) > 1:
            yield f"several eta_{short} ({_few(etas)}): it has one for all centres"
        centres = getattr(settings, f"{part}_centres")
        r_cut = getattr(settings, f"r_cut_{part}")
        if step_of(centres, r_cut)[1] > LARGEST_DEVIATION:
            yield f"{part} centres in unequal steps ({_few(centres)} angstrom)"
    if len(set(settings.zetas)) > 1:
        yield f"several zeta ({_few(settings.zetas)}): it has one for all angles"
    usual = middles(len(settings.thetas))
    if np.abs(np.subtract(settings.thetas, usual)).max() > LARGEST_DEVIATION:
        found = _few(np.degrees(settings.thetas))
        yield f"angles of {found} degree: expected (k + 1/2) 180 / N"


def _of_networks(specs, gversion):
    for spec in specs:
        numbers = [layer.activation for layer in spec.layers]
        for number in sorted(set(numbers) - set(COMPUTED[gversion])):
            name = ACTIVATIONS[number].name
            known = ", ".join(ACTIVATIONS[one].name for one in COMPUTED[gversion])
            yield f"the activation {name} of {spec.element}: it knows {known}"
        if numbers[-1] != 0 and spec.offset != 0:
            yield (
                f"the offset of {spec.element}, whose last layer is "
                f"{ACTIVATIONS[numbers[-1]].name}: it becomes part of the last bias, "
                "which only a linear layer adds to the energy"
            )


def _few(values):
    shown = [f"{value:.6g}" for value in values]
    return ", ".join(shown[:4]) + (", ..." if len(shown) > 4 else "")
