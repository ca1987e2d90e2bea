"""Compiled radial and angular symmetry functions of the atoms of a batch.

The sums are those of DescriptorSettings, accumulated in float64. An angular term is
a product of a part of the distances, one number per (eta, R), and a part of the
angle, one number per (theta_s, zeta): a triple costs n_eta + n_theta exponentials
or powers and n_eta * n_theta multiplications.

All compiled functions stand in this one file (see annpot.compiled). Kernels that
differentiate the same functions belong here too, beside what they share.
"""

from typing import NamedTuple

import numpy as np

from annpot.compiled import compiled


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
        digits: (n_bits, n_theta) bool, binary digits of the exponents, lowest
            first, when all are integers; no rows otherwise.
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
    digits: np.ndarray
    block_start: np.ndarray
    block_factor: np.ndarray


def kernel_constants(settings):
    """The KernelConstants of a DescriptorSettings."""
    thetas = np.array(settings.thetas)
    zetas = np.array(settings.zetas)
    smoothing = settings.epsilon * np.sin(thetas) ** 2
    start, factor = _species_pair_tables(settings)
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
        digits=_binary_digits(zetas),
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


def _binary_digits(zetas):
    """Digits of integer exponents: squaring repeatedly is 3 times faster than exp."""
    if not np.all(zetas == np.round(zetas)):
        return np.empty((0, len(zetas)), bool)
    bits = np.arange(int(zetas.max()).bit_length())[:, None]
    return (zetas.astype(np.int64) >> bits & 1).astype(bool)


@compiled(nogil=True)
def fill_descriptors(start, stop, species, neighbors, constants, out):
    """Write the descriptors of atoms start to stop of a batch into their rows of out.

    Several threads may fill different rows at the same time.

    Args:
        species: (n_atoms,) int64 species index.
        neighbors: (j, vectors, distances, first) of a NeighborList of at least the
            larger cutoff.
        constants: KernelConstants.
        out: (n_atoms, n_features) float32 or float64; sums are float64.
    """
    j, vectors, distances, first = neighbors
    most = 1
    for i in range(start, stop):
        most = max(most, first[i + 1] - first[i])
    scratch = _scratch(most, constants)
    near = np.empty((most, 5))
    near_species = np.empty(most, np.int64)
    row = np.empty(out.shape[1])
    for i in range(start, stop):
        here = slice(first[i], first[i + 1])
        around = species[j[here]]
        row[:] = 0.0
        _add_radial(distances[here], around, constants, scratch, row)
        n_near = 0
        for p in range(len(around)):
            r = distances[first[i] + p]
            if r < constants.r_cut_angular:
                for x in range(3):
                    near[n_near, x] = vectors[first[i] + p, x] / r
                near[n_near, 3] = r
                near[n_near, 4] = cutoff(r, constants.r_cut_angular)
                near_species[n_near] = around[p]
                n_near += 1
        for n in range(1, n_near):
            _add_angular(n, near, near_species, constants, scratch, row)
        for k in range(len(row)):
            out[i, k] = row[k]


@compiled()
def _scratch(most, constants):
    """Working arrays for `most` neighbours of one atom."""
    n_radial = max(len(constants.radial_eta), len(constants.angular_eta))
    n_theta = len(constants.zeta)
    return (
        np.empty(most * n_radial),
        np.empty((most, 4)),
        np.empty(most * n_theta),
        np.empty(most * n_theta),
    )


@compiled(inline="always")
def cutoff(r, r_cut):
    """f_c(r) = (1 + cos(pi r / r_cut)) / 2 below r_cut, 0 from there on."""
    if r >= r_cut:
        return 0.0
    return 0.5 + 0.5 * np.cos(np.pi / r_cut * r)


@compiled(fastmath={"contract"})
def _add_radial(distances, around, constants, scratch, row):
    """Add all neighbours of one atom to its radial functions."""
    eta, centre, terms = constants.radial_eta, constants.radial_centre, scratch[0]
    n = len(eta)
    n_neighbors = len(distances)
    for p in range(n_neighbors):
        for k in range(n):
            terms[p * n + k] = -eta[k] * (distances[p] - centre[k]) ** 2
    _exponentials(terms, n_neighbors * n)
    for p in range(n_neighbors):
        factor = cutoff(distances[p], constants.r_cut_radial)
        factor *= constants.radial_prefactor
        start = around[p] * n
        for k in range(n):
            row[start + k] += factor * terms[p * n + k]


@compiled(fastmath={"contract"})
def _add_angular(a, near, near_species, constants, scratch, row):
    """Add the pairs of neighbour `a` with all neighbours before it.

    near: (n_near, 5) unit vector, distance and cutoff function of each neighbour.
    """
    radial_part, pairs, angle_part, powers = scratch
    eta, centre = constants.angular_eta, constants.angular_centre
    n_eta, n_theta = len(eta), len(constants.zeta)
    for b in range(a):
        _set_pair(near[a], near[b], constants, pairs[b])
        for p in range(n_eta):
            distance = pairs[b, 2] - centre[p]
            exponent = -eta[p] * (distance * distance + pairs[b, 3])
            radial_part[b * n_eta + p] = exponent
    _exponentials(radial_part, a * n_eta)
    _angle_parts(a, pairs, constants, angle_part, powers)
    for b in range(a):
        s_a, s_b = near_species[a], near_species[b]
        start = constants.block_start[s_a, s_b]
        factor = constants.block_factor[s_a, s_b] * pairs[b, 1]
        for p in range(n_eta):
            weight = factor * radial_part[b * n_eta + p]
            for t in range(n_theta):
                row[start + p * n_theta + t] += weight * angle_part[b * n_theta + t]


@compiled(inline="always")
def _set_pair(near_j, near_k, constants, pair):
    """Cosine, cutoffs, and the two distances (a, b) in exp(-eta ((a - R)^2 + b))."""
    cosine = near_j[0] * near_k[0] + near_j[1] * near_k[1] + near_j[2] * near_k[2]
    cosine = max(-1.0, min(1.0, cosine))
    r_j, r_k = near_j[3], near_k[3]
    pair[0] = constants.cosine_scale * cosine
    pair[1] = near_j[4] * near_k[4]
    pair[2] = 0.5 * (r_j + r_k)
    pair[3] = 0.0
    if constants.with_r_jk:
        square_jk = max(0.0, r_j * r_j + r_k * r_k - 2.0 * r_j * r_k * cosine)
        pair[1] *= cutoff(np.sqrt(square_jk), constants.r_cut_angular)
        pair[2] = 0.0
        pair[3] = r_j * r_j + r_k * r_k + square_jk


@compiled(fastmath={"contract"})
def _angle_parts(n_pairs, pairs, constants, angle_part, powers):
    """Fill angle_part with x^zeta of each pair and angular centre.

    x = (1 + c cos_s + sin_s sqrt(1 - c^2 + e)) norm lies between 0 and 1; rounding
    that takes it below 0 is cut.
    """
    n_theta = len(constants.zeta)
    n = n_pairs * n_theta
    for b in range(n_pairs):
        sine_square = 1.0 - pairs[b, 0] * pairs[b, 0]
        for t in range(n_theta):
            powers[b * n_theta + t] = sine_square + constants.smoothing[t]
    for q in range(n):
        powers[q] = np.sqrt(powers[q])
    for b in range(n_pairs):
        for t in range(n_theta):
            q = b * n_theta + t
            x = 1.0 + pairs[b, 0] * constants.cos_theta[t]
            x += constants.sin_theta[t] * powers[q]
            powers[q] = max(0.0, x * constants.norm[t])
    if constants.digits.shape[0] == 0:
        for q in range(n):
            zeta = constants.zeta[q % n_theta]
            angle_part[q] = powers[q] ** zeta
        return
    for q in range(n):
        angle_part[q] = 1.0
    for digit in constants.digits:
        for b in range(n_pairs):
            for t in range(n_theta):
                q = b * n_theta + t
                x = powers[q]
                angle_part[q] *= x if digit[t] else 1.0
                powers[q] = x * x


@compiled(fastmath={"contract"})
def _exponentials(values, n):
    """Replace the first `n` values, none of them above 700, by their exponentials.

    exp(x) = 2^m exp(y), x = m log 2 + y, |y| <= log(2) / 2, with the Taylor series of
    exp(y); agrees with the library's function to one unit in the last place and,
    unlike it, runs on all lanes of the processor. Adding 1.5 * 2^52 leaves m in the
    lowest bits of the sum. log 2 is taken in two parts so that m log 2 is exact.
    Values below -708 give exp(-708), about 3e-308.
    """
    for k in range(n):
        x = max(values[k], -708.0)
        shifted = x * 1.4426950408889634 + 6755399441055744.0
        m = shifted - 6755399441055744.0
        y = (x - m * 0.6931471803691238) - m * 1.9082149292705877e-10
        series = 1 / 6227020800 * y + 1 / 479001600
        series = series * y + 1 / 39916800
        series = series * y + 1 / 3628800
        series = series * y + 1 / 362880
        series = series * y + 1 / 40320
        series = series * y + 1 / 5040
        series = series * y + 1 / 720
        series = series * y + 1 / 120
        series = series * y + 1 / 24
        series = series * y + 1 / 6
        series = series * y + 0.5
        series = series * y + 1.0
        series = series * y + 1.0
        bits = (np.float64(shifted).view(np.int64) + np.int64(1023)) << np.int64(52)
        values[k] = series * np.int64(bits).view(np.float64)
