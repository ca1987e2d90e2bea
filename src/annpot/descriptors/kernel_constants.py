"""DescriptorSettings as the arrays that compiled kernels work with."""

import numpy as np

from annpot.descriptors.symmetry_functions import KernelConstants

PAIRS_AT_ONCE = 64  # pairs of neighbours whose exponentials are taken together


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
