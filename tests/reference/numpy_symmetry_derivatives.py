"""Derivatives of the symmetry functions as their formulas read, term by term.

Loops over pairs and triples like `numpy_symmetry_functions`, and plain on purpose. A
term t(r_ij, r_ik, r_jk, c) moves with atom j as
    dt/dr_j = dt/dr_ij u_ij + dt/dr_jk (r_j - r_k) / r_jk + dt/dc (u_ik - c u_ij) / r_ij
with unit vectors u and c = u_ij . u_ik; with atom k likewise, with atom i opposite to
both together.
"""

from itertools import combinations, product

import numpy as np

from reference.numpy_symmetry_functions import (
    MBP_GENERATIONS,
    cosine,
    cutoff_function,
    neighbors_of,
    sine,
    species_block,
)


def cutoff_slope(r, r_cut):
    """Derivative of `cutoff_function`."""
    return -np.pi / (2 * r_cut) * np.sin(np.pi * r / r_cut) if r < r_cut else 0.0


class Sums:
    """dG_ic / dr_kx, (n_atoms, n_features, n_atoms, 3), and dG_ic / d(strain_xy)."""

    def __init__(self, n_atoms, n_features):
        self.positions = np.zeros((n_atoms, n_features, n_atoms, 3))
        self.strain = np.zeros((n_atoms, n_features, 3, 3))

    def move(self, i, component, k, vector, slope):
        """An atom k at `vector` from i adds `slope` to the component of i."""
        self.positions[i, component, k] += slope
        self.positions[i, component, i] -= slope
        self.strain[i, component] += np.outer(vector, slope)


def add_radial(sums, i, symbols, around, species, functions, r_cut):
    """Add exp(-eta (r - R)^2) f_c(r) of each neighbour of atom i."""
    for j, vector in around:
        r = np.linalg.norm(vector)
        f, f_slope = cutoff_function(r, r_cut), cutoff_slope(r, r_cut)
        for n, (eta, centre) in enumerate(functions):
            gauss = np.exp(-eta * (r - centre) ** 2)
            slope = gauss * f_slope - 2 * eta * (r - centre) * gauss * f
            component = species.index(symbols[j]) * len(functions) + n
            sums.move(i, component, j, vector, slope * vector / r)


def add_triple(sums, i, component, neighbours, slopes):
    """Add a term with the slopes (by r_ij, r_ik, r_jk, c) to the component of i."""
    (j, to_j), (k, to_k) = neighbours
    by_ij, by_ik, by_jk, by_c = slopes
    r_ij, r_ik = np.linalg.norm(to_j), np.linalg.norm(to_k)
    u_j, u_k, c = to_j / r_ij, to_k / r_ik, cosine(to_j, to_k)
    u_jk = (to_j - to_k) / np.linalg.norm(to_j - to_k)
    slope_j = by_ij * u_j + by_jk * u_jk + by_c * (u_k - c * u_j) / r_ij
    slope_k = by_ik * u_k - by_jk * u_jk + by_c * (u_j - c * u_k) / r_ik
    sums.move(i, component, j, to_j, slope_j)
    sums.move(i, component, k, to_k, slope_k)


def modified_bp_derivatives(symbols, positions, cell, pbc, species, keys):
    """Sums of mBP; arguments as `numpy_symmetry_functions.modified_bp`."""
    shift, weight, epsilon = MBP_GENERATIONS[keys["generation"]]
    radial = list(zip(keys["eta_rad"], keys["centres_rad"], strict=True))
    angular = list(zip(keys["eta_ang"], keys["centres_ang"], strict=True))
    n_theta, r_cut = keys["n_theta"], keys["rc_ang"]
    n_radial = len(species) * len(radial)
    n_pairs = len(species) * (len(species) + 1) // 2
    sums = Sums(len(positions), n_radial + n_pairs * len(angular) * n_theta)
    for i in range(len(positions)):
        around = neighbors_of(i, positions, cell, pbc, max(keys["rc_rad"], r_cut))
        add_radial(sums, i, symbols, around, species, radial, keys["rc_rad"])
        for (j, to_j), (k, to_k) in combinations(around, 2):
            r_j, r_k = np.linalg.norm(to_j), np.linalg.norm(to_k)
            c, s = cosine(to_j, to_k), sine(to_j, to_k)
            f_j, f_k = cutoff_function(r_j, r_cut), cutoff_function(r_k, r_cut)
            w = 2 * (weight if symbols[j] == symbols[k] else 1.0)
            block = species_block(species, symbols[j], symbols[k])
            for (p, (eta, centre)), t in product(enumerate(angular), range(n_theta)):
                theta = (t + shift) * np.pi / n_theta
                angle, angle_slope = mbp_angle(c, s, theta, epsilon, keys["zeta"][t])
                off = (r_j + r_k) / 2 - centre
                gauss = w * np.exp(-eta * off**2)
                slopes = (
                    gauss * angle * f_k * (cutoff_slope(r_j, r_cut) - eta * off * f_j),
                    gauss * angle * f_j * (cutoff_slope(r_k, r_cut) - eta * off * f_k),
                    0.0,
                    gauss * angle_slope * f_j * f_k,
                )
                component = n_radial + (block * len(angular) + p) * n_theta + t
                add_triple(sums, i, component, ((j, to_j), (k, to_k)), slopes)
    return sums


def mbp_angle(c, s, theta, epsilon, zeta):
    """x^zeta and its derivative by c; the slope of a sine s that is 0 counts as 0."""
    smooth = epsilon * np.sin(theta) ** 2
    root = np.sqrt(s**2 + smooth)
    norm = 1 + np.sqrt(1 + smooth)
    x = max(0.0, (1 + c * np.cos(theta) + np.sin(theta) * root) / norm)
    root_slope = -c / root if root > 1e-10 else 0.0
    x_slope = (np.cos(theta) + np.sin(theta) * root_slope) / norm
    return x**zeta, zeta * x ** (zeta - 1) * x_slope


def behler_parrinello_derivatives(symbols, positions, cell, pbc, species, keys):
    """Sums of BP; arguments as `numpy_symmetry_functions.behler_parrinello`."""
    radial = list(product(keys["eta_rad"], keys["centres_rad"]))
    angular = list(product(keys["eta_ang"], keys["zeta"], (1, -1)))
    r_cut = keys["rc_ang"]
    n_radial = len(species) * len(radial)
    n_pairs = len(species) * (len(species) + 1) // 2
    sums = Sums(len(positions), n_radial + n_pairs * len(angular))
    for i in range(len(positions)):
        around = neighbors_of(i, positions, cell, pbc, max(keys["rc_rad"], r_cut))
        add_radial(sums, i, symbols, around, species, radial, keys["rc_rad"])
        for (j, to_j), (k, to_k) in combinations(around, 2):
            c = cosine(to_j, to_k)
            r = [np.linalg.norm(v) for v in (to_j, to_k, to_k - to_j)]
            f = np.array([cutoff_function(distance, r_cut) for distance in r])
            block = species_block(species, symbols[j], symbols[k])
            for n, (eta, zeta, sign) in enumerate(angular):
                x = (1 + sign * c) / 2
                gauss = 2 * np.exp(-eta * np.square(r).sum())
                by_r = [
                    gauss
                    * x**zeta
                    * np.prod(np.delete(f, m))
                    * (cutoff_slope(r[m], r_cut) - 2 * eta * r[m] * f[m])
                    for m in range(3)
                ]
                by_c = gauss * zeta * x ** (zeta - 1) * sign / 2 * np.prod(f)
                component = n_radial + block * len(angular) + n
                add_triple(sums, i, component, ((j, to_j), (k, to_k)), (*by_r, by_c))
    return sums
