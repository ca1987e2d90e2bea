"""Compiled symmetry functions with their derivatives, in one pass.

A function G(r_j, r_k, c) of the distances of two neighbours and of the cosine c between
them changes with the position of atom j as

    (dG/dr_j) u_j + (dG/dc) (u_k - c u_j) / r_j          (u: unit vectors from atom i)

and likewise with k. The sums are kept in float64 in one table for each atom i: three
rows (x, y, z) for each atom that its descriptor depends on, then, where asked for, six
for the strain. All that a neighbour's images add goes to the rows of that atom. Those
of atom i itself are minus the sum of all others: moving everything changes nothing.
"""

import numpy as np

from annpot.compiled import compiled
from annpot.descriptors.symmetry_functions import (
    add_pairs,
    add_radial,
    cutoff,
    find_near,
    pair_scratch,
    set_pair,
)

X_OF = (0, 1, 2, 1, 0, 0)  # first and second direction of the six components of
Y_OF = (0, 1, 2, 2, 2, 1)  # a symmetric tensor: xx, yy, zz, yz, xz, xy


@compiled(nogil=True)
def fill_derivatives(start, stop, species, neighbors, constants, blocks, results):
    """Write descriptors and derivatives of atoms start to stop of a batch.

    Several threads may fill different atoms at the same time.

    Args:
        species: (n_atoms,) int64 species index.
        neighbors: (j, vectors, distances, first) of a NeighborList of at least the
            larger cutoff.
        constants: KernelConstants.
        blocks: (first, own, of_pair) of `atom_blocks.find_blocks`.
        results: g (n_atoms, n_features); derivatives (n_blocks, n_features, 3);
            strain derivatives (n_atoms, n_features, 6), or no rows at all; number
            of collinear pairs of neighbours (n_atoms,) int64.
    """
    j, vectors, distances, first = neighbors
    first_block, own_block, block_of_pair = blocks
    g, derivatives, strain, n_collinear = results
    most_pairs, most_blocks = _most(first, start, stop), _most(first_block, start, stop)
    terms = np.empty(most_pairs * len(constants.radial_eta))
    near, near_pair = np.empty((most_pairs, 6)), np.empty(most_pairs, np.int64)
    scratch = pair_scratch(constants)
    row, table = np.empty(g.shape[1]), np.empty((3 * most_blocks + 6, g.shape[1]))
    for i in range(start, stop):
        n_rows = 3 * (first_block[i + 1] - first_block[i])
        row[:] = 0.0
        table[: n_rows + 6] = 0.0
        strain_row = n_rows if len(strain) else -1
        pairs = first[i], first[i + 1]
        add_radial(pairs, j, species, distances, constants, terms, row)
        _add_radial_slopes(
            pairs, j, species, vectors, distances, constants, terms,
            block_of_pair, table, strain_row,
        )  # fmt: skip
        r_cut = constants.r_cut_angular
        n_near = find_near(pairs, vectors, distances, r_cut, near, near_pair)
        for a in range(n_near):
            near[a, 5] = cutoff_slope(near[a, 3], r_cut)
        near_species = species[j[near_pair[:n_near]]]
        near_row = 3 * block_of_pair[near_pair[:n_near]]
        n_collinear[i] = _add_angular(
            near, near_species, near_row, 3 * own_block[i], constants, scratch, row,
            table, strain_row,
        )  # fmt: skip
        g[i] = row
        _store(table, 3 * own_block[i], n_rows, derivatives[first_block[i] :])
        for k in range(6 if len(strain) else 0):
            strain[i, :, k] = table[n_rows + k]


@compiled()
def _most(first, start, stop):
    """Largest number of entries of one of the atoms start to stop, at least 1."""
    most = 1
    for i in range(start, stop):
        most = max(most, first[i + 1] - first[i])
    return most


@compiled()
def _store(table, own_row, n_rows, out):
    """Write the rows of a table into blocks (n_features, 3); rows own_row are set."""
    table[own_row : own_row + 3] = 0.0
    for r in range(0, n_rows, 3):
        if r != own_row:
            for x in range(3):
                for k in range(table.shape[1]):
                    table[own_row + x, k] -= table[r + x, k]
    for r in range(0, n_rows, 3):
        for k in range(table.shape[1]):
            for x in range(3):
                out[r // 3, k, x] = table[r + x, k]


@compiled(inline="always")
def cutoff_slope(r, r_cut):
    """f_c'(r) = -pi / (2 r_cut) sin(pi r / r_cut) below r_cut, 0 from there on."""
    if r >= r_cut:
        return 0.0
    return -0.5 * np.pi / r_cut * np.sin(np.pi / r_cut * r)


@compiled(fastmath={"contract"})
def _add_radial_slopes(
    pairs, j, species, vectors, distances, constants, terms, block_of_pair, table,
    strain_row,
):  # fmt: skip
    """Add the slopes of the radial functions of one atom to its table.

    terms: the exponentials that `add_radial` left.
    """
    eta, centre = constants.radial_eta, constants.radial_centre
    n, r_cut, prefactor = len(eta), constants.r_cut_radial, constants.radial_prefactor
    slope = np.empty(n)
    for p in range(*pairs):
        r = distances[p]
        f, f_slope = prefactor * cutoff(r, r_cut), prefactor * cutoff_slope(r, r_cut)
        for k in range(n):
            term = terms[(p - pairs[0]) * n + k]
            slope[k] = term * (f_slope - 2.0 * eta[k] * (r - centre[k]) * f)
        start, row = species[j[p]] * n, 3 * block_of_pair[p]
        for x in range(3):
            u = vectors[p, x] / r
            for k in range(n):
                table[row + x, start + k] += u * slope[k]
        for m in range(6 if strain_row >= 0 else 0):
            u = vectors[p, X_OF[m]] * vectors[p, Y_OF[m]] / r
            for k in range(n):
                table[strain_row + m, start + k] += u * slope[k]


@compiled(fastmath={"contract"})
def _add_angular(
    near, near_species, near_row, own_row, constants, scratch, row, table, strain_row
):
    """Add all pairs of neighbours of one atom to its row and its table.

    near: (n_near, 6), see `find_near`, then the slope of the cutoff function.
    Returns the number of pairs that are collinear with the atom. Two images of the
    atom itself do not count: nothing bends the line they are on.
    """
    pairs, blocks = scratch[0], scratch[1]
    ends, squares = np.empty((len(blocks), 2), np.int64), np.empty(len(scratch[4]))
    block_factor, block_start = constants.block_factor, constants.block_start
    cosine_scale, with_r_jk = constants.cosine_scale, constants.with_r_jk
    r_cut, collinear = constants.r_cut_angular, constants.collinear
    n = n_collinear = 0
    n_near = len(near_species)
    for a in range(n_near):
        for b in range(a):
            set_pair(n, pairs, near, a, b, cosine_scale, with_r_jk, r_cut)
            s_a, s_b = near_species[a], near_species[b]
            pairs[n, 1] *= block_factor[s_a, s_b]
            blocks[n] = block_start[s_a, s_b]
            ends[n, 0], ends[n, 1] = a, b
            is_bound = near_row[a] == own_row and near_row[b] == own_row
            n_collinear += pairs[n, 4] <= collinear and not is_bound
            n += 1
            if n == len(blocks) or (b == a - 1 and a == n_near - 1):
                add_pairs(n, constants, scratch, row)
                _angle_slopes(n, pairs, constants, scratch, squares)
                _add_pair_slopes(
                    n, ends, near, near_species, near_row, constants, scratch, table,
                    strain_row,
                )  # fmt: skip
                n = 0
    return n_collinear


@compiled(fastmath={"contract"})
def _angle_slopes(n_pairs, pairs, constants, scratch, squares):
    """Replace the last of the scratch arrays by d x^zeta / d cos(theta_ijk).

    x and S = sqrt(1 - c^2 + e) are those of x^zeta. Where S vanishes, at collinear
    neighbours without smoothing, x has a kink, and 0 is taken for the slope of S.
    squares: working array.
    """
    angle_part, slope = scratch[3], scratch[4]
    cos_theta, sin_theta = constants.cos_theta, constants.sin_theta
    smoothing, norm, zeta = constants.smoothing, constants.norm, constants.zeta
    n_theta, collinear = constants.n_theta, constants.collinear
    n = n_pairs * n_theta
    for b in range(n_pairs):
        for t in range(n_theta):
            slope[b * n_theta + t] = pairs[b, 0]
            squares[b * n_theta + t] = pairs[b, 4]
    for q in range(n):
        c = slope[q]
        square = squares[q] + smoothing[q]
        root = np.sqrt(square)
        x = (1.0 + c * cos_theta[q] + sin_theta[q] * root) * norm[q]
        root_slope = -c / root if square > collinear else 0.0
        x_slope = (cos_theta[q] + sin_theta[q] * root_slope) * norm[q]
        power = angle_part[q] / (x if x > 0.0 else 1.0)  # x^(zeta - 1)
        power = power if x > 0.0 else (1.0 if zeta[q] == 1.0 else 0.0)
        slope[q] = constants.cosine_scale * zeta[q] * power * x_slope


@compiled(fastmath={"contract"})
def _add_pair_slopes(
    n_pairs, ends, near, near_species, near_row, constants, scratch, table, strain_row
):
    """Add the slopes of the first pairs of `scratch` to the table.

    With the weight w = 2 w_jk f_c f_c [f_c], the exponent -eta ((a - R)^2 + b) and the
    angular part A(c), each component is w exp(...) A.
    """
    pairs, blocks, radial_part, angle_part, angle_slope = scratch
    eta, centre = constants.angular_eta, constants.angular_centre
    n_eta, n_theta = len(eta), constants.n_theta
    block_factor = constants.block_factor
    with_r_jk, r_cut = constants.with_r_jk, constants.r_cut_angular
    n = n_eta * n_theta
    by_j, by_k, by_c = np.empty(n), np.empty(n), np.empty(n)
    for q in range(n_pairs):
        j, k = ends[q]
        factor = block_factor[near_species[j], near_species[k]]
        c, of_w, of_b = _slopes_of_pair(near, j, k, factor, with_r_jk, r_cut)
        w, a_slope = pairs[q, 1], 0.0 if with_r_jk else 0.5
        for p in range(n_eta):
            e, by_a = radial_part[q * n_eta + p], 2.0 * (pairs[q, 2] - centre[p])
            slope_j = e * (of_w[0] - eta[p] * w * (by_a * a_slope + of_b[0]))
            slope_k = e * (of_w[1] - eta[p] * w * (by_a * a_slope + of_b[1]))
            slope_c = e * (of_w[2] - eta[p] * w * of_b[2])
            for t in range(n_theta):
                angle = angle_part[q * n_theta + t]
                by_j[p * n_theta + t] = slope_j * angle
                by_k[p * n_theta + t] = slope_k * angle
                by_c[p * n_theta + t] = (
                    slope_c * angle + w * e * angle_slope[q * n_theta + t]
                )
        for x in range(3):
            u_j, u_k = near[j, x], near[k, x]
            v_j, v_k = (u_k - c * u_j) / near[j, 3], (u_j - c * u_k) / near[k, 3]
            _add_to(table, near_row[j] + x, blocks[q], u_j, by_j, v_j, by_c)
            _add_to(table, near_row[k] + x, blocks[q], u_k, by_k, v_k, by_c)
        for m in range(6 if strain_row >= 0 else 0):
            x, y = X_OF[m], Y_OF[m]
            u_j, u_k = near[j, x] * near[j, y], near[k, x] * near[k, y]
            v = near[j, x] * near[k, y] + near[k, x] * near[j, y] - c * (u_j + u_k)
            u_j, u_k = near[j, 3] * u_j, near[k, 3] * u_k
            for p in range(n):
                term = u_j * by_j[p] + u_k * by_k[p] + v * by_c[p]
                table[strain_row + m, blocks[q] + p] += term


@compiled(fastmath={"contract"})
def _add_to(table, row, start, a, of_a, b, of_b):
    """table[row, start:] += a of_a + b of_b"""
    for q in range(len(of_a)):
        table[row, start + q] += a * of_a[q] + b * of_b[q]


@compiled(inline="always")
def _slopes_of_pair(near, j, k, factor, with_r_jk, r_cut):
    """Cosine, and slopes by (r_j, r_k, c) of the weight w and of b in the exponent.

    r_jk^2 = r_j^2 + r_k^2 - 2 r_j r_k c, and b = r_j^2 + r_k^2 + r_jk^2 (BP only).
    """
    cosine = near[j, 0] * near[k, 0] + near[j, 1] * near[k, 1] + near[j, 2] * near[k, 2]
    c = max(-1.0, min(1.0, cosine))
    r_j, r_k, f_j, f_k = near[j, 3], near[k, 3], near[j, 4], near[k, 4]
    by_j, by_k = factor * near[j, 5] * f_k, factor * f_j * near[k, 5]
    if not with_r_jk:
        return c, (by_j, by_k, 0.0), (0.0, 0.0, 0.0)
    r_jk = np.sqrt(max(0.0, r_j * r_j + r_k * r_k - 2.0 * r_j * r_k * c))
    f, by_r = cutoff(r_jk, r_cut), 0.0
    if r_jk > 0.0:
        by_r = factor * f_j * f_k * cutoff_slope(r_jk, r_cut) / r_jk
    of_w = (
        by_j * f + by_r * (r_j - r_k * c),
        by_k * f + by_r * (r_k - r_j * c),
        -by_r * r_j * r_k,
    )
    return c, of_w, (4 * r_j - 2 * r_k * c, 4 * r_k - 2 * r_j * c, -2 * r_j * r_k)
