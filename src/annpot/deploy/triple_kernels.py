"""Compiled triples of a few atoms: angular functions, and back to pairs.

A triple is an atom with two of its near neighbours. For a triple with the weight w,
exponentials e_p, angle parts A_t and h = dE/dG of its block of components,

    G_pt = sum w e_p A_t,   dE/dw = sum_pt h_pt e_p A_t,
    dE/dv = w sum_pt h_pt e_p (kappa_p v + rho_p) A_t,   dE/dc = w sum_pt h_pt e_p A_t'

v is what the exponent depends on: (r_j + r_k) / 2, or for BP b itself.
Quantities of triples are rows of one array, as those of pairs are.
"""

import numpy as np

from annpot.compiled import compiled
from annpot.deploy.pair_kernels import (
    BX,
    BY,
    BY_R,
    BZ,
    INVERSE,
    NEAR,
    NEAR_SLOPE,
    UX,
    UY,
    UZ,
    R,
    cutoff_and_slope,
    filled_up,
)
from annpot.descriptors.symmetry_functions import exponentials

FAST = {"contract", "reassoc"}
# Rows: cosine, squared sine, weight, v; dE/dw, dE/dv and dE/dc over w; BP's cutoff
# of r_jk with its slope over r_jk; two to work with. The parts follow.
C, SQUARE, W, V, BY_W, BY_V, BY_C, F_JK, F_JK_SLOPE, ROOT, INVERSE_ROOT = range(11)
POWER = SQUARE  # is not needed any more when powers are taken
E_ROW = 11


@compiled()
def near_pairs(n_segments, first, r_cut, pairs, near, near_first):
    """List the pairs closer than the angular cutoff.

    Returns:
        number of triples that they make.
    """
    n = 0
    near_first[0] = 0
    for segment in range(n_segments):
        for q in range(first[segment], first[segment + 1]):
            if pairs[R, q] < r_cut:
                near[n] = q
                n += 1
        near_first[segment + 1] = n
    return n


@compiled()
def count_triples(n_atoms, n_species, near_first):
    """Number of triples of the atoms."""
    n = 0
    for a in range(n_atoms):
        m = near_first[(a + 1) * n_species] - near_first[a * n_species]
        n += m * (m - 1) // 2
    return n


@compiled()
def fill_triples(n_atoms, n_species, near, near_first, ends):
    """List the triples by atom, then pair of species; fill up with copies of one.

    Args:
        ends: (2, capacity) uint32, filled with the two pairs of each triple.

    Returns:
        number of triples.
    """
    n = 0
    for a in range(n_atoms):
        for s in range(n_species):
            s_start, s_stop = (
                near_first[a * n_species + s],
                near_first[a * n_species + s + 1],
            )
            for t in range(s, n_species):
                t_start = near_first[a * n_species + t]
                t_stop = near_first[a * n_species + t + 1]
                for j in range(s_start, s_stop):
                    for k in range(j + 1 if s == t else t_start, t_stop):
                        ends[0, n], ends[1, n] = near[j], near[k]
                        n += 1
    for q in range(n, filled_up(n)):
        ends[0, q] = ends[1, q] = 0
    return n


@compiled(fastmath=FAST, error_model="numpy")
def measure_triples(n, ends, pairs, scale, with_r_jk, r_cut, triples):
    """Fill cosine (times cosine_scale), squared sine, weight and v of n triples.

    The cross product keeps the digits of the sine where 1 - cos^2 loses them.
    """
    first, second = ends[0], ends[1]
    ux, uy, uz = pairs[UX], pairs[UY], pairs[UZ]
    cosine, square = triples[C], triples[SQUARE]
    rest = 1.0 - scale * scale
    for q in range(filled_up(n)):
        j, k = first[q], second[q]
        x_j, y_j, z_j = ux[j], uy[j], uz[j]
        x_k, y_k, z_k = ux[k], uy[k], uz[k]
        cosine[q] = scale * (x_j * x_k + y_j * y_k + z_j * z_k)
        x = y_j * z_k - z_j * y_k
        y = z_j * x_k - x_j * z_k
        z = x_j * y_k - y_j * x_k
        square[q] = rest + scale * scale * (x * x + y * y + z * z)
    near, distance = pairs[NEAR], pairs[R]
    weight, v = triples[W], triples[V]
    for q in range(filled_up(n)):
        j, k = first[q], second[q]
        weight[q] = near[j] * near[k]
        v[q] = 0.5 * (distance[j] + distance[k])
    if with_r_jk:
        f, slope = triples[F_JK], triples[F_JK_SLOPE]
        for q in range(filled_up(n)):
            j, k = first[q], second[q]
            r_j, r_k = distance[j], distance[k]
            squares = r_j * r_j + r_k * r_k
            square_jk = max(0.0, squares - 2.0 * r_j * r_k * cosine[q] / scale)
            v[q] = squares + square_jk
            r_jk = np.sqrt(square_jk)
            f_c, by_r = cutoff_and_slope(r_jk, r_cut)
            f[q] = f_c
            slope[q] = by_r / max(r_jk, 1e-300)
            weight[q] *= f_c


@compiled(calls=("descriptors",), fastmath=FAST, error_model="numpy")
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


@compiled(inline="always")
def segment_length(near_first, row, s, t):
    """Number of triples of an atom with two species."""
    m = near_first[row + s + 1] - near_first[row + s]
    if s == t:
        return m * (m - 1) // 2
    return m * (near_first[row + t + 1] - near_first[row + t])


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


@compiled(fastmath=FAST, error_model="numpy")
def add_triple_slopes(n, ends, scale, with_r_jk, triples, pairs):
    """Add dE/dr and the rest of dE/dr_ij of all triples to their pairs.

    The cosine changes with r_ij by (u_k - c u_j) / r_j.
    """
    near, near_slope, inverse = pairs[NEAR], pairs[NEAR_SLOPE], pairs[INVERSE]
    ux, uy, uz, by_r = pairs[UX], pairs[UY], pairs[UZ], pairs[BY_R]
    bx, by, bz, distance = pairs[BX], pairs[BY], pairs[BZ], pairs[R]
    of_w, of_v, of_c = triples[BY_W], triples[BY_V], triples[BY_C]
    weight, cosine = triples[W], triples[C]
    for q in range(n):
        j, k = ends[0, q], ends[1, q]
        w, s, c = weight[q], of_w[q], cosine[q] / scale
        by_j, by_k = near_slope[j] * near[k] * s, near[j] * near_slope[k] * s
        slope = w * of_c[q]
        if with_r_jk:
            r_j, r_k = distance[j], distance[k]
            of_jk = near[j] * near[k] * triples[F_JK_SLOPE, q] * s  # by r_jk, over it
            of_b = 2.0 * w * of_v[q]
            f = triples[F_JK, q]
            by_j = by_j * f + of_jk * (r_j - r_k * c) + of_b * (2.0 * r_j - r_k * c)
            by_k = by_k * f + of_jk * (r_k - r_j * c) + of_b * (2.0 * r_k - r_j * c)
            slope -= (of_jk + of_b) * r_j * r_k
        else:
            by_j += 0.5 * w * of_v[q]
            by_k += 0.5 * w * of_v[q]
        of_j, of_k = slope * inverse[j], slope * inverse[k]
        by_r[j] += by_j - c * of_j
        by_r[k] += by_k - c * of_k
        bx[j] += of_j * ux[k]
        by[j] += of_j * uy[k]
        bz[j] += of_j * uz[k]
        bx[k] += of_k * ux[j]
        by[k] += of_k * uy[j]
        bz[k] += of_k * uz[j]
