"""DescriptorSettings as the arrays that compiled kernels work with."""

from typing import NamedTuple

import numpy as np

from annpot.descriptors.definition import COLLINEAR

PAIRS_AT_ONCE = 64  # pairs of neighbours whose exponentials are taken together


class KernelConstants(NamedTuple):
    """Constants of DescriptorSettings, laid out for speed.

    Arrays over angular centres are repeated for as many pairs as are taken together:
    one long loop keeps all lanes of the processor busy, many short ones do not.

    Attributes:
        r_cut_radial, r_cut_angular: angstrom.
        radial_prefactor: factor of the radial functions.
        radial_eta, radial_centre: (n_radial,), 1/angstrom^2 and angstrom.
        with_r_jk: whether the angular functions depend on r_jk (BP).
        angular_eta, angular_centre: (n_eta,), 1/angstrom^2 and angstrom.
        cosine_scale: factor of cos(theta_ijk).
        collinear: S^2 = 1 - c^2 + e up to which S is taken for a kink.
        n_theta: number of angular centres.
        cos_theta, sin_theta: (n_repeated,) of the angular centres.
        smoothing: (n_repeated,) epsilon sin(theta_s)^2.
        norm: (n_repeated,) 1 / (1 + sqrt(1 + smoothing)).
        zeta: (n_repeated,) exponents.
        digits: (n_bits, n_repeated) bool, binary digits of the exponents, lowest
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
    collinear: float
    n_theta: int
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
    thetas = np.tile(settings.thetas, PAIRS_AT_ONCE)
    zetas = np.tile(settings.zetas, PAIRS_AT_ONCE)
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
        collinear=COLLINEAR,
        n_theta=len(settings.thetas),
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
