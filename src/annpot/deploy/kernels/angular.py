"""Compiled angular functions of a few atoms, and back to the triples.

For a triple with the weight w, exponentials e_p, angle parts A_t and h = dE/dG of its
block of components,

    G_pt = sum w e_p A_t,   dE/dw = sum_pt h_pt e_p A_t,
    dE/dv = w sum_pt h_pt e_p (kappa_p v + rho_p) A_t,   dE/dc = w sum_pt h_pt e_p A_t'

v is what the exponent depends on: (r_j + r_k) / 2, or for BP b itself.
"""

import numpy as np

from annpot.compiled import compiled
from annpot.deploy.kernels.pairs import filled_up
from annpot.deploy.kernels.triples import (
    BY_C,
    BY_V,
    BY_W,
    E_ROW,
    INVERSE_ROOT,
    ROOT,
    SQUARE,
    C,
    V,
    W,
    segment_length,
)
from annpot.descriptors.symmetry_functions import exponentials

FAST = {"contract", "reassoc"}


@compiled(calls=("../descriptors",), fastmath=FAST, error_model="numpy")
def fill_parts(n, angular, centres, with_r_jk, angles, digits, scalars, triples, a_row):
    """Fill the exponentials, the angle parts A = x^zeta and their slopes A'.

    Args:
        angular, centres, angles, digits, scalars: of DescriptorArrays.
        a_row: first row of A; that of A' is as far from it as there are rows of A.
    """
    full = filled_up(n)
    v, cosine, square = triples[V], triples[C], triples[SQUARE]
    for p in range(len(centres)):
        terms, factor, centre = triples[E_ROW + p], angular[0, p], centres[p]
        if with_r_jk:
            for q in range(full):
                terms[q] = factor * v[q]
        else:
            for q in range(full):
                terms[q] = factor * (v[q] - centre) * (v[q] - centre)
        exponentials(terms, full)
    n_rows = (len(triples) - a_row) // 2
    root, inverse = triples[ROOT], triples[INVERSE_ROOT]
    smoothing = -1.0
    for t in range(len(digits)):
        cos_s, sin_s, norm, zeta = (
            angles[0, t],
            angles[1, t],
            angles[3, t],
            angles[4, t],
        )
        if angles[2, t] != smoothing:
            smoothing = angles[2, t]
            for q in range(full):
                r = np.sqrt(square[q] + smoothing)
                root[q] = r
                inverse[q] = 1.0 / r if r * r > scalars[2] else 0.0
        part, slope = triples[a_row + t], triples[a_row + n_rows + t]
        factor = norm * zeta * scalars[1]
        for q in range(full):
            part[q] = max(0.0, (1.0 + cosine[q] * cos_s + sin_s * root[q]) * norm)
            slope[q] = (cos_s - sin_s * cosine[q] * inverse[q]) * factor
        if digits[t] >= 0:
            _raise_whole(full, digits[t], part, slope, triples[BY_W], triples[BY_V])
        else:
            _raise_real(full, zeta, part, slope)


@compiled(fastmath=FAST, error_model="numpy")
def _raise_whole(n, exponent, x, slope, power, base):
    """slope *= x^exponent, x *= x^exponent by repeated squaring."""
    for q in range(n):
        power[q] = x[q] if exponent & 1 else 1.0
        base[q] = x[q] * x[q]
    exponent >>= 1
    while exponent > 0:
        if exponent & 1:
            for q in range(n):
                power[q] *= base[q]
                base[q] *= base[q]
        else:
            for q in range(n):
                base[q] *= base[q]
        exponent >>= 1
    for q in range(n):
        slope[q] *= power[q]
        x[q] *= power[q]


@compiled(error_model="numpy")
def _raise_real(n, zeta, x, slope):
    """slope *= x^(zeta - 1), x = x^zeta; the slope at x = 0 is 0 unless zeta is 1."""
    for q in range(n):
        if x[q] > 0.0:
            power = x[q] ** zeta
            slope[q] *= power / x[q]
            x[q] = power
        elif zeta != 1.0:
            slope[q] = 0.0


@compiled(fastmath=FAST, error_model="numpy")
def add_angular(n_atoms, n_species, near_first, tables, triples, a_row, shape, g):
    """Add all triples to the angular functions g[a, :] of their atoms.

    Args:
        tables: block_start and block_factor of DescriptorArrays.
        shape: number of exponents and of angles.
        g: (n_atoms, n_features).
    """
    block_start, block_factor = tables
    n_eta, n_theta = shape
    weight = triples[W]
    start = 0
    for a in range(n_atoms):
        for s in range(n_species):
            for t in range(s, n_species):
                stop = start + segment_length(near_first, a * n_species, s, t)
                if stop == start:
                    continue
                first, factor = block_start[s, t], block_factor[s, t]
                for p in range(n_eta):
                    e = triples[E_ROW + p]
                    for c in range(0, n_theta, 4):
                        A0, A1 = triples[a_row + c], triples[a_row + c + 1]
                        A2, A3 = triples[a_row + c + 2], triples[a_row + c + 3]
                        g0 = g1 = g2 = g3 = 0.0
                        for q in range(np.uint64(start), np.uint64(stop)):
                            we = weight[q] * e[q]
                            g0 += we * A0[q]
                            g1 += we * A1[q]
                            g2 += we * A2[q]
                            g3 += we * A3[q]
                        k = first + p * n_theta + c
                        g[a, k] += factor * g0
                        if c + 1 < n_theta:
                            g[a, k + 1] += factor * g1
                        if c + 2 < n_theta:
                            g[a, k + 2] += factor * g2
                        if c + 3 < n_theta:
                            g[a, k + 3] += factor * g3
                start = stop


@compiled(fastmath=FAST, error_model="numpy")
def triple_slopes(
    n_atoms, n_species, near_first, tables, angular, triples, a_row, n_theta, by_g
):
    """Fill dE/dw, and dE/dv and dE/dc over w, of all triples.

    Args:
        by_g: (n_atoms, n_features) dE/dG.
    """
    block_start, block_factor = tables
    n_rows = (len(triples) - a_row) // 2
    v, by_w, by_v, by_c = triples[V], triples[BY_W], triples[BY_V], triples[BY_C]
    start = 0
    h = np.zeros(n_rows)
    for a in range(n_atoms):
        for s in range(n_species):
            for t in range(s, n_species):
                stop = start + segment_length(near_first, a * n_species, s, t)
                if stop == start:
                    continue
                for q in range(np.uint64(start), np.uint64(stop)):
                    by_w[q] = by_v[q] = by_c[q] = 0.0
                for p in range(angular.shape[1]):
                    e, kappa, rho = triples[E_ROW + p], angular[1, p], angular[2, p]
                    first = block_start[s, t] + p * n_theta
                    for c in range(n_theta):
                        h[c] = block_factor[s, t] * by_g[a, first + c]
                    for c in range(0, n_theta, 4):
                        h0, h1, h2, h3 = h[c], h[c + 1], h[c + 2], h[c + 3]
                        A0, A1 = triples[a_row + c], triples[a_row + c + 1]
                        A2, A3 = triples[a_row + c + 2], triples[a_row + c + 3]
                        for q in range(np.uint64(start), np.uint64(stop)):
                            part = h0 * A0[q] + h1 * A1[q] + h2 * A2[q] + h3 * A3[q]
                            by_w[q] += e[q] * part
                            by_v[q] += e[q] * part * (kappa * v[q] + rho)
                        row = a_row + n_rows + c
                        A0, A1 = triples[row], triples[row + 1]
                        A2, A3 = triples[row + 2], triples[row + 3]
                        for q in range(np.uint64(start), np.uint64(stop)):
                            part = h0 * A0[q] + h1 * A1[q] + h2 * A2[q] + h3 * A3[q]
                            by_c[q] += e[q] * part
                start = stop
