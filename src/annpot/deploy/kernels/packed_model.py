"""Descriptor and networks of a model as the few arrays that compiled kernels take."""

from typing import NamedTuple

import numpy as np

from annpot.descriptors.definition import COLLINEAR
from annpot.descriptors.kernel_constants import kernel_constants


class DescriptorArrays(NamedTuple):
    """Constants of DescriptorSettings for the reverse-mode kernels.

    Attributes:
        cutoffs: (3,) larger, radial and angular cutoff radius, angstrom.
        radial: (3, n_radial) -eta, kappa and rho: the slope of the exponent
            -eta (r - R)^2 is kappa r + rho.
        radial_centre: (n_radial,) R, angstrom.
        angular: (3, n_eta) the same of the exponents of the angular functions; for
            BP the exponent is -eta b, b = r_j^2 + r_k^2 + r_jk^2, kappa is 0.
        angular_centre: (n_eta,) R, angstrom.
        angles: (5, n_theta) cos(theta_s), sin(theta_s), e = epsilon sin(theta_s)^2,
            1 / (1 + sqrt(1 + e)) and zeta.
        digits: (n_theta,) zeta - 1 where all zeta are integers, else -1.
        scalars: (3,) radial prefactor, cosine_scale, collinear limit of 1 - c^2 + e.
        block_start: (n_species, n_species) first component of a species pair.
        block_factor: (n_species, n_species) 2 w of a species pair.
        with_r_jk: whether the angular functions depend on r_jk (BP).
    """

    cutoffs: np.ndarray
    radial: np.ndarray
    radial_centre: np.ndarray
    angular: np.ndarray
    angular_centre: np.ndarray
    angles: np.ndarray
    digits: np.ndarray
    scalars: np.ndarray
    block_start: np.ndarray
    block_factor: np.ndarray
    with_r_jk: bool


class NetworkArrays(NamedTuple):
    """All networks of a model in float64.

    Attributes:
        layers: (n_species, n_layers, 8) number of inputs and outputs, activation,
            where in `weights` W, its transpose, b and |W|^2 of each column start, and
            the number of values that stand before this layer's inputs; rows of zeros
            where a network has fewer layers.
        weights: flat, all of these numbers.
        offsets: (n_species,) eV.
        lowest, highest: (n_species, n_features) limits of the range that training
            saw; infinite where it is not known.
    """

    layers: np.ndarray
    weights: np.ndarray
    offsets: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray


def descriptor_arrays(settings):
    """The DescriptorArrays of a DescriptorSettings."""
    constants = kernel_constants(settings)
    with_r_jk = settings.kind == "BP"
    eta = np.array(settings.angular_etas)
    centre = np.array(settings.angular_centres)
    if with_r_jk:
        angular = np.stack([-eta, 0 * eta, -eta])
    else:
        angular = np.stack([-eta, -2 * eta, 2 * eta * centre])
    radial_eta, radial_centre = constants.radial_eta, constants.radial_centre
    thetas, zetas = np.array(settings.thetas), np.array(settings.zetas)
    # Rounded, so that theta_s and pi - theta_s share a root.
    smoothing = np.round(settings.epsilon * np.sin(thetas) ** 2, 17)
    norm = 1 / (1 + np.sqrt(1 + smoothing))
    whole = np.all((zetas == np.round(zetas)) & (zetas >= 1))
    return DescriptorArrays(
        cutoffs=np.array(
            [settings.r_cut, settings.r_cut_radial, settings.r_cut_angular]
        ),
        radial=np.stack([-radial_eta, -2 * radial_eta, 2 * radial_eta * radial_centre]),
        radial_centre=radial_centre,
        angular=angular,
        angular_centre=centre,
        angles=np.stack([np.cos(thetas), np.sin(thetas), smoothing, norm, zetas]),
        digits=(zetas.astype(np.int64) if whole else np.zeros(len(zetas), int)) - 1,
        scalars=np.array([settings.radial_prefactor, settings.cosine_scale, COLLINEAR]),
        block_start=constants.block_start,
        block_factor=constants.block_factor,
        with_r_jk=with_r_jk,
    )


def network_arrays(specs, weights, ranges=None):
    """The NetworkArrays of networks.

    Args:
        specs: NetworkSpec of each element.
        weights: {element: LayerWeights of each layer}.
        ranges: {element: (lowest, highest)} of the descriptor, each (n_features,).
    """
    n_layers = max(len(spec.layers) for spec in specs)
    layers = np.zeros((len(specs), n_layers, 8), np.int64)
    pieces, n = [], 0
    shape = len(specs), specs[0].n_features
    lowest, highest = np.full(shape, -np.inf), np.full(shape, np.inf)
    for s, spec in enumerate(specs):
        if ranges and spec.element in ranges:
            lowest[s], highest[s] = ranges[spec.element]
        before = 0
        for k, (layer, (n_in, n_out)) in enumerate(
            zip(spec.layers, spec.shapes, strict=True)
        ):
            stored = weights[spec.element][k]
            W, b = (np.asarray(a, np.float64) for a in (stored.kernel, stored.bias))
            starts = []
            for piece in (W, W.T, b, np.sum(W * W, axis=0)):
                starts.append(n)
                pieces.append(np.ravel(piece))
                n += piece.size
            layers[s, k] = n_in, n_out, layer.activation, *starts, before
            before += n_in
    return NetworkArrays(
        layers=layers,
        weights=np.concatenate(pieces),
        offsets=np.array([spec.offset for spec in specs], float),
        lowest=lowest,
        highest=highest,
    )
