"""Offsets of the elements from the data: `output_offset = auto`."""

import math

import numpy as np

from annpot.errors import InputError
from annpot.networks.builder import AUTO

# Singular values below this part of the largest count as zero; counts are whole.
RANK_TOLERANCE = 1e-9
TOGETHER = 1e-6  # part of two elements in what the compositions leave open


def choose_offsets(config, opened, known):
    """Offsets of the elements that the INI file says `auto` of.

    An element of the network that training starts from keeps the offset that it has
    there: its weights were trained with it. Others are fitted.

    Args:
        config: TrainConfig.
        opened: OpenedData of training.
        known: {element: offset, eV} of the network that training starts from.

    Returns:
        {element: eV}; list of sentences for the user.

    Raises:
        InputError: there is no energy, or the data do not tell the elements apart.
    """
    elements = config.data.atomic_sequence
    stated = [config.element_network(element).output_offset for element in elements]
    auto = [e for e, value in zip(elements, stated, strict=True) if value == AUTO]
    kept = {element: known[element] for element in auto if element in known}
    fitted = [element for element in auto if element not in kept]
    if not fitted:
        return kept, []
    given = {e: v for e, v in zip(elements, stated, strict=True) if v != AUTO}
    fixed = {e: known.get(e, 0.0) if v is None else v for e, v in given.items()} | kept
    where = config.source.where("DATA_INFORMATION", "output_offset")
    energies = opened.data.energies * config.data.energy_rescale
    values, rmse = fit_offsets(
        energies, opened.data.element_counts, elements, fixed, where
    )
    told = ", ".join(f"{element} {value:.6f}" for element, value in values.items())
    return kept | values, [
        f"output_offset = auto: {told} eV, a least-squares fit to {len(energies)} "
        f"energies; what it leaves has an RMSE of {1e3 * rmse:.4g} meV/atom."
    ]


def fit_offsets(energies, counts, elements, fixed, where="output_offset"):
    """Offsets o that bring the sum over atoms closest to the energies.

    min over o of sum_k (E_k - sum_s n_ks o_s)^2, in float64; records without an
    energy (NaN) have no part.

    Args:
        energies: (n_records,) eV.
        counts: (n_records, n_elements) atoms of each element.
        elements: their symbols.
        fixed: {element: offset, eV} of those that are not fitted.
        where: file:line for messages.

    Returns:
        {element: eV} of the others; root mean square of what is left, eV/atom.

    Raises:
        InputError: no energy, an element without atoms, or elements whose numbers of
            atoms depend on each other.
    """
    has_energy = np.isfinite(energies)
    if not has_energy.any():
        raise InputError(
            f"{where}: output_offset = auto needs energies, but no structure of the "
            "training data has one. Give numbers."
        )
    counts = np.asarray(counts, np.float64)[has_energy]
    left = np.asarray(energies, np.float64)[has_energy]
    given = np.array([fixed.get(element, 0.0) for element in elements])
    left = left - counts @ given
    free = [i for i, element in enumerate(elements) if element not in fixed]
    symbols = [elements[i] for i in free]
    _require_full_rank(counts[:, free], symbols, where)
    found, *_ = np.linalg.lstsq(counts[:, free], left, rcond=None)
    per_atom = (left - counts[:, free] @ found) / counts.sum(axis=1)
    rmse = math.sqrt(np.mean(per_atom**2))
    return dict(zip(symbols, map(float, found), strict=True)), rmse


def _require_full_rank(counts, symbols, where):
    """Refuse compositions that leave offsets open; say which."""
    missing = [s for s, n in zip(symbols, counts.sum(axis=0), strict=True) if n == 0]
    problems = []
    if missing:
        problems.append(
            f"{where}: output_offset = auto finds no atom of {', '.join(missing)} in "
            "the training data."
        )
    present = [i for i, symbol in enumerate(symbols) if symbol not in missing]
    for group in tied_elements(counts[:, present]):
        names = [symbols[present[i]] for i in group]
        problems.append(
            f"{where}: output_offset = auto cannot tell {_listed(names)} apart: in the "
            "training data their numbers of atoms depend on each other in all "
            "structures."
        )
    if problems:
        raise InputError(
            problems,
            "Give numbers for as many of these elements as it takes, for example "
            f"output_offset = {', '.join(['0', *['auto'] * (len(symbols) - 1)])}.",
        )


def tied_elements(counts):
    """Groups of columns that are linearly dependent, lists of indices.

    Two columns are of one group where the projection on the null space of the matrix
    of compositions joins them.

    Args:
        counts: (n_records, n_elements), no column zero.
    """
    unique = np.unique(counts, axis=0)
    _, values, right = np.linalg.svd(unique, full_matrices=True)
    largest = values.max(initial=0.0)
    rank = int((values > RANK_TOLERANCE * largest).sum())
    null = right[rank:]
    joined = np.abs(null.T @ null) > TOGETHER
    groups = []
    for index in np.flatnonzero(joined.diagonal()).tolist():
        if not any(index in group for group in groups):
            groups.append(_connected(joined, index))
    return groups


def _connected(joined, first):
    """Sorted indices that a symmetric matrix of booleans connects with `first`."""
    group, new = {first}, {first}
    while new:
        new = {int(j) for i in new for j in np.flatnonzero(joined[i])} - group
        group |= new
    return sorted(group)


def _listed(names):
    return ", ".join(names[:-1]) + f" and {names[-1]}"
