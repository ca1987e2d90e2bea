"""Compiled radial and angular symmetry functions of the atoms of a batch.

The sums are those of DescriptorSettings, accumulated in float64. An angular term is
a product of a part of the distances, one number per (eta, R), and a part of the
angle, one number per (theta_s, zeta): a triple costs n_eta + n_theta exponentials
or powers and n_eta * n_theta multiplications.

All compiled functions stand in this one file (see annpot.compiled). Kernels that
differentiate the same functions belong here too, beside what they share.
"""

from typing import NamedTuple

import numba
import numpy as np

from annpot.compiled import compiled

ATOMS_PER_BLOCK = 8  # atoms that share scratch arrays; a block runs in one thread


class KernelConstants(NamedTuple):
    """DescriptorSettings as arrays.

    Attributes:
        r_cut_radial, r_cut_angular: angstrom.
        radial_prefactor: factor of the radial functions.
        radial_eta, radial_centre: (n_radial,), 1/angstrom^2 and angstrom.
        with_r_jk: whether the angular functions depend on r_jk (BP).
        angular_eta, angular_centre: (n_eta,), 1/angstrom^2 and angstrom.
        cosine_scale: factor of cos(theta_ijk).
        cos_theta, sin_theta: (n_theta,) of the angular centres.
        smoothing: (n_theta,) epsilon sin(theta_s)^2.
        norm: (n_theta,) 1 / (1 + sqrt(1 + smoothing)).
        zeta: (n_theta,) exponents.
        zeta_bits: number of binary digits of the largest exponent when all are
            integers, else 0.
        block_start: (n_species, n_species) first component of a species pair.
        block_factor: (n_species, n_species) 2 w of a species pair.
    """

    r_cut_radial: float
    r_cut_angular: float
    radial_prefactor: float
    radial_eta: np.ndarray
    radial_centre: np.ndarray
    with_r_jk: bool
    angular_eta: np.ndarray
    angular_centre: np.ndarray
    cosine_scale: float
    cos_theta: np.ndarray
    sin_theta: np.ndarray
    smoothing: np.ndarray
    norm: np.ndarray
    zeta: np.ndarray
    zeta_bits: int
    block_start: np.ndarray
    block_factor: np.ndarray


def kernel_constants(settings):
    """The KernelConstants of a DescriptorSettings."""
    thetas = np.array(settings.thetas)
    zetas = np.array(settings.zetas)
    smoothing = settings.epsilon * np.sin(thetas) ** 2
    start, factor = _species_pair_tables(settings)
    integers = bool(np.all(zetas == np.round(zetas)))
    return KernelConstants(
        r_cut_radial=settings.r_cut_radial,
        r_cut_angular=settings.r_cut_angular,
        radial_prefactor=settings.radial_prefactor,
        radial_eta=np.array(settings.radial_etas),
        radial_centre=np.array(settings.radial_centres),
        with_r_jk=settings.kind == "BP",
        angular_eta=np.array(settings.angular_etas),
        angular_centre=np.array(settings.angular_centres),
        cosine_scale=settings.cosine_scale,
        cos_theta=np.cos(thetas),
        sin_theta=np.sin(thetas),
        smoothing=smoothing,
        norm=1 / (1 + np.sqrt(1 + smoothing)),
        zeta=zetas,
        zeta_bits=int(zetas.max()).bit_length() if integers else 0,
        block_start=start,
        block_factor=factor,
    )


def _species_pair_tables(settings):
    """First component and prefactor of the angular block of two species."""
    n = len(settings.species)
    start, factor = np.zeros((n, n), np.int64), np.full((n, n), 2.0)
    np.fill_diagonal(factor, 2.0 * settings.pair_weight)
    length = len(settings.angular_etas) * len(settings.thetas)
    for block, (a, b) in enumerate(settings.species_pairs):
        start[a, b] = start[b, a] = settings.n_radial_features + block * length
    return start, factor


@compiled(parallel=True, nogil=True)
def fill_descriptors(species, neighbors, constants, out):
    """Write the descriptor of every atom of a batch into `out`.

    Args:
        species: (n_atoms,) int64 species index.
        neighbors: (j, vectors, distances, first) of a NeighborList of at least the
            larger cutoff.
        constants: KernelConstants.
        out: (n_atoms, n_features) float32 or float64; sums are float64.
    """
    n_atoms = len(species)
    for block in numba.prange((n_atoms + ATOMS_PER_BLOCK - 1) // ATOMS_PER_BLOCK):
        start = block * ATOMS_PER_BLOCK
        stop = min(start + ATOMS_PER_BLOCK, n_atoms)
        _fill_block(start, stop, species, neighbors, constants, out)


@compiled()
def _fill_block(start, stop, species, neighbors, constants, out):
    """Descriptors of atoms start to stop."""
    j, vectors, distances, first = neighbors
    most = 0
    for i in range(start, stop):
        most = max(most, first[i + 1] - first[i])
    near = np.empty((most, 5))
    near_species = np.empty(most, np.int64)
    row = np.empty(out.shape[1])
    scratch = np.empty(len(constants.radial_eta))
    radial_part = np.empty(len(constants.angular_eta))
    angle_part = np.empty((2, len(constants.zeta)))
    for i in range(start, stop):
        row[:] = 0.0
        n_near = 0
        for p in range(first[i], first[i + 1]):
            r, s = distances[p], species[j[p]]
            if r < constants.r_cut_radial:
                _add_radial(r, s, constants, scratch, row)
            if r < constants.r_cut_angular:
                for x in range(3):
                    near[n_near, x] = vectors[p, x] / r
                near[n_near, 3] = r
                near[n_near, 4] = cutoff(r, constants.r_cut_angular)
                near_species[n_near] = s
                n_near += 1
        for a in range(n_near):
            for b in range(a):
                _add_angular(
                    near[a], near[b], near_species[a], near_species[b],
                    constants, radial_part, angle_part, row,
                )  # fmt: skip
        for k in range(len(row)):
            out[i, k] = row[k]


@compiled()
def cutoff(r, r_cut):
    """f_c(r) = (1 + cos(pi r / r_cut)) / 2 below r_cut, 0 from there on."""
    if r >= r_cut:
        return 0.0
    return 0.5 + 0.5 * np.cos(np.pi * r / r_cut)


@compiled()
def _add_radial(r, s, constants, scratch, row):
    """Add one neighbour of species `s` at distance `r` to the radial functions."""
    eta, centre = constants.radial_eta, constants.radial_centre
    n = len(eta)
    for k in range(n):
        scratch[k] = -eta[k] * (r - centre[k]) ** 2
    _exponentials(scratch)
    factor = constants.radial_prefactor * cutoff(r, constants.r_cut_radial)
    for k in range(n):
        row[s * n + k] += factor * scratch[k]


@compiled()
def _add_angular(near_j, near_k, s_j, s_k, constants, radial_part, angle_part, row):
    """Add one pair of neighbours, (unit vector, r, f_c) each, to the row."""
    eta, centre = constants.angular_eta, constants.angular_centre
    cosine = near_j[0] * near_k[0] + near_j[1] * near_k[1] + near_j[2] * near_k[2]
    cosine = max(-1.0, min(1.0, cosine))
    r_j, r_k = near_j[3], near_k[3]
    factor = constants.block_factor[s_j, s_k] * near_j[4] * near_k[4]
    mean, squares = 0.5 * (r_j + r_k), 0.0
    if constants.with_r_jk:
        square_jk = max(0.0, r_j * r_j + r_k * r_k - 2.0 * r_j * r_k * cosine)
        factor *= cutoff(np.sqrt(square_jk), constants.r_cut_angular)
        if factor == 0.0:
            return
        mean, squares = 0.0, r_j * r_j + r_k * r_k + square_jk
    for p in range(len(eta)):
        radial_part[p] = -eta[p] * ((mean - centre[p]) ** 2 + squares)
    _exponentials(radial_part)
    _angle_parts(constants.cosine_scale * cosine, constants, angle_part)
    n = len(constants.zeta)
    start = constants.block_start[s_j, s_k]
    for p in range(len(eta)):
        weight = factor * radial_part[p]
        for t in range(n):
            row[start + p * n + t] += weight * angle_part[0, t]


@compiled()
def _angle_parts(cosine, constants, angle_part):
    """Fill angle_part[0] with x^zeta; angle_part[1] is scratch.

    x = (1 + c cos_s + sin_s sqrt(1 - c^2 + e)) norm lies between 0 and 1; rounding
    that takes it below 0 is cut.
    """
    sine_square = 1.0 - cosine * cosine
    n = len(constants.zeta)
    for t in range(n):
        sine = np.sqrt(sine_square + constants.smoothing[t])
        x = 1.0 + cosine * constants.cos_theta[t] + constants.sin_theta[t] * sine
        angle_part[1, t] = max(0.0, x * constants.norm[t])
    if constants.zeta_bits == 0:
        for t in range(n):
            x = angle_part[1, t]
            angle_part[0, t] = x ** constants.zeta[t] if x > 0.0 else 0.0
        return
    angle_part[0] = 1.0
    for bit in range(constants.zeta_bits):
        for t in range(n):
            x = angle_part[1, t]
            if int(constants.zeta[t]) >> bit & 1:
                angle_part[0, t] *= x
            angle_part[1, t] = x * x


@compiled()
def _exponentials(values):
    """Replace each value by its exponential."""
    for k in range(len(values)):
        values[k] = np.exp(values[k])
