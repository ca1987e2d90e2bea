"""Stress and virial: six components, their unit, their sign (doc/conventions.md).

    sigma = (1/V) dE/d(strain), tension positive;   W = -V sigma

Six components are ordered xx, yy, zz, yz, xz, xy.
"""

import numpy as np

from annpot import units
from annpot.errors import InputError

GPA_PER_EV_ANGSTROM3 = 160.2176634  # exact, from the charge of the electron
# Row and column of each of the six components; component of each matrix element.
X_OF, Y_OF = (0, 1, 2, 1, 0, 0), (0, 1, 2, 2, 2, 1)
COMPONENT_OF = ((0, 5, 4), (5, 1, 3), (4, 3, 2))
SYMMETRY_TOLERANCE = 1e-2  # of the largest component; printed tensors are rounded
AGREEMENT = 1e-2  # of the largest component, between a stress and a virial
ROUNDING = 1e-5  # eV/angstrom^3, of printed stresses: 0.02 kbar
NEEDS_CELL = (
    "the stress was not used: it needs a cell that repeats in three directions "
    "(give 'virial' instead where one or two directions repeat)"
)
NEEDS_PERIODICITY = "the virial was not used: nothing repeats"
UNIT_NAMES = {
    "eV/angstrom^3": ("ev/angstrom^3", "ev/angstrom**3", "ev/a^3", "ev/a**3", "ev/å^3"),
    "GPa": ("gpa",),
    "kbar": ("kbar", "kb"),
    "Ry/bohr^3": ("ry/bohr^3", "ry/bohr**3", "ry/au^3", "ry/au**3"),
    "Ha/bohr^3": ("ha/bohr^3", "ha/bohr**3", "ha/au^3", "ha/au**3", "hartree/bohr^3"),
}
SIGNS = {"tension": 1.0, "compression": -1.0}  # what is positive


def stress_unit(name, constants=units.CODATA_2022):
    """Factor that turns a stress in unit `name` (any case) into eV/angstrom^3.

    Raises:
        InputError: an unknown unit; it names the known ones.
    """
    spelled = str(name).replace(" ", "").lower()
    factors = {
        "eV/angstrom^3": 1.0,
        "GPa": 1 / GPA_PER_EV_ANGSTROM3,
        "kbar": 0.1 / GPA_PER_EV_ANGSTROM3,
        "Ry/bohr^3": constants.rydberg / constants.bohr**3,
        "Ha/bohr^3": constants.hartree / constants.bohr**3,
    }
    for known, spellings in UNIT_NAMES.items():
        if spelled in spellings:
            return factors[known]
    raise InputError(
        f"unknown stress unit {name!r}: expected one of {', '.join(UNIT_NAMES)}."
    )


def stress_sign(name):
    """+1 where tension is positive, -1 where compression is.

    Raises:
        InputError: another word.
    """
    if name in SIGNS:
        return SIGNS[name]
    raise InputError(
        f"unknown sign {name!r}: expected 'tension' (positive: the cell wants to "
        "shrink, as in ASE) or 'compression' (positive: it wants to expand, as "
        "Quantum ESPRESSO and VASP print it)."
    )


def six_components(values):
    """(6,) float64 components xx, yy, zz, yz, xz, xy of a symmetric tensor.

    Args:
        values: 3 x 3, nine numbers row by row, or six in the order above.

    Raises:
        InputError: another shape, a number that is not finite or a 3 x 3 tensor that
            is not symmetric.
    """
    try:
        tensor = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise InputError(_NOT_A_TENSOR.format(str(values)[:80])) from None
    is_tensor = tensor.shape in ((6,), (9,), (3, 3))
    if not is_tensor or not np.isfinite(tensor).all():
        raise InputError(_NOT_A_TENSOR.format(str(values)[:80]))
    if tensor.shape == (6,):
        return tensor
    tensor = tensor.reshape(3, 3)
    if abs(tensor - tensor.T).max() > SYMMETRY_TOLERANCE * abs(tensor).max():
        raise InputError(f"{tensor.tolist()}: the tensor is not symmetric.")
    mean = (tensor + tensor.T) / 2
    return mean[X_OF, Y_OF]


def full_tensor(components):
    """(..., 3, 3) symmetric tensors of (..., 6) components xx, yy, zz, yz, xz, xy."""
    return np.asarray(components)[..., np.array(COMPONENT_OF)]


def periodic_projectors(cells, pbc):
    """(n, 3, 3) orthogonal projectors on the span of the periodic cell vectors.

    P = V^+ V with the periodic vectors as the rows of V; 0 where nothing repeats.

    Args:
        cells: (n, 3, 3), rows are vectors, angstrom.
        pbc: (n, 3) bool.
    """
    vectors = cells * pbc[:, :, None]
    found = np.linalg.pinv(vectors) @ vectors
    return np.where(pbc.all(axis=1)[:, None, None], np.eye(3), found)


def virial_of_stress(stress, cell):
    """W = -V sigma.

    Args:
        stress: (6,) eV/angstrom^3, tension positive.
        cell: (3, 3) rows are the cell vectors, angstrom; all three repeat.

    Returns:
        (6,) virial, eV.
    """
    return -abs(np.linalg.det(cell)) * stress


def virial_label(stress, virial, cell, pbc, tell):
    """The virial of a structure from what its file gives.

    Without three periodic directions there is no volume to multiply a stress with; it
    is left out. Where nothing repeats there is no strain, and so no virial.

    Args:
        stress: (6,) eV/angstrom^3, tension positive, or None.
        virial: (6,) eV, or None; wins where both agree.
        cell, pbc: of the structure.
        tell: called with a text about a label that is left out.

    Returns:
        (6,) virial, eV, or None.

    Raises:
        InputError: stress and virial contradict each other.
    """
    if stress is not None and not np.all(pbc):
        tell(NEEDS_CELL)
        stress = None
    if virial is not None and not np.any(pbc):
        tell(NEEDS_PERIODICITY)
        virial = None
    if stress is None:
        return virial
    expected = virial_of_stress(stress, cell)
    if virial is None:
        return expected
    volume = abs(np.linalg.det(cell))
    allowed = AGREEMENT * max(abs(virial).max(), abs(expected).max())
    if abs(virial - expected).max() > allowed + ROUNDING * volume:
        raise InputError(
            f"virial = {_listed(virial)} eV, but the stress gives -V stress = "
            f"{_listed(expected)} eV (xx, yy, zz, yz, xz, xy; tension positive): "
            "expected the same. Correct sign or unit of one, or leave one out."
        )
    return virial


_NOT_A_TENSOR = (
    "{}: expected six finite numbers (xx, yy, zz, yz, xz, xy) or a 3 x 3 tensor."
)


def _listed(components):
    return ", ".join(f"{value:.6g}" for value in components)
