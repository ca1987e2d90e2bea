"""Compiled triples of a few atoms: geometry, and slopes back to pairs.

A triple is an atom with two of its near neighbours. Quantities of triples are rows of
one array, as those of pairs are. Triples stand by atom, then pair of species.
"""

import numpy as np

from annpot.compiled import compiled
from annpot.deploy.kernels.pairs import (
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

FAST = {"contract", "reassoc"}
# Rows: cosine, squared sine, weight, v; dE/dw, dE/dv and dE/dc over w; BP's cutoff
# of r_jk with its slope over r_jk; two to work with. The exponentials, A and A' follow.
C, SQUARE, W, V, BY_W, BY_V, BY_C, F_JK, F_JK_SLOPE, ROOT, INVERSE_ROOT = range(11)
E_ROW = 11


@compiled()
def near_pairs(n_segments, first, r_cut, pairs, near, near_first):
    """List the pairs closer than the angular cutoff.

    Args:
        n_segments: number of atoms times number of species.
        first: see `find_pairs`.
        near: filled with the places of these pairs in `pairs`.
        near_first: (n_segments + 1,) filled with the first of each atom and species.
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


@compiled(inline="always")
def segment_length(near_first, row, s, t):
    """Number of triples of an atom with two species."""
    m = near_first[row + s + 1] - near_first[row + s]
    if s == t:
        return m * (m - 1) // 2
    return m * (near_first[row + t + 1] - near_first[row + t])


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
