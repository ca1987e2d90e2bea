"""Compiled radial and angular symmetry functions of the atoms of a batch.

The sums are those of DescriptorSettings, accumulated in float64. An angular term is
a product of a part of the distances, one number per (eta, R), and a part of the
angle, one number per (theta_s, zeta): a pair of neighbours costs n_eta + n_theta
exponentials or powers and n_eta * n_theta multiplications.

Their derivatives are in `symmetry_derivatives`, which goes on from the parts that the
functions without underscore leave in their working arrays.
"""

import numpy as np

from annpot.compiled import compiled


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
    terms = np.empty(most * len(constants.radial_eta))
    near, near_pair = np.empty((most, 5)), np.empty(most, np.int64)
    scratch = pair_scratch(constants)
    row = np.empty(out.shape[1])
    for i in range(start, stop):
        row[:] = 0.0
        pairs = first[i], first[i + 1]
        add_radial(pairs, j, species, distances, constants, terms, row)
        n_near = find_near(
            pairs, vectors, distances, constants.r_cut_angular, near, near_pair
        )
        near_species = species[j[near_pair[:n_near]]]
        _add_angular(n_near, near, near_species, constants, scratch, row)
        for k in range(len(row)):
            out[i, k] = row[k]


@compiled()
def find_near(pairs, vectors, distances, r_cut, near, near_pair):
    """Fill near and near_pair with the pairs of one atom that are closer than r_cut.

    Args:
        pairs: number of the first pair and of the one past the last.
        near: (most, >= 5), unit vector, distance and cutoff function of each.
        near_pair: (most,) number of each pair.

    Returns:
        how many there are.
    """
    n_near = 0
    for p in range(*pairs):
        r = distances[p]
        if r < r_cut:
            for x in range(3):
                near[n_near, x] = vectors[p, x] / r
            near[n_near, 3] = r
            near[n_near, 4] = cutoff(r, r_cut)
            near_pair[n_near] = p
            n_near += 1
    return n_near


@compiled()
def pair_scratch(constants):
    """Working arrays for as many pairs of neighbours as are taken together.

    Returns:
        pairs (n_pairs, 5), see `set_pair`; blocks (n_pairs,), first component of
        each; then, flat, the exponentials (n_pairs, n_eta), the powers x^zeta
        (n_pairs, n_theta) and as much room again.
    """
    n_repeated = len(constants.zeta)
    n_pairs = n_repeated // constants.n_theta
    return (
        np.empty((n_pairs, 5)),
        np.empty(n_pairs, np.int64),
        np.empty(n_pairs * len(constants.angular_eta)),
        np.empty(n_repeated),
        np.empty(n_repeated),
    )


@compiled(inline="always")
def cutoff(r, r_cut):
    """f_c(r) = (1 + cos(pi r / r_cut)) / 2 below r_cut, 0 from there on."""
    if r >= r_cut:
        return 0.0
    return 0.5 + 0.5 * np.cos(np.pi / r_cut * r)


@compiled(fastmath={"contract"})
def add_radial(pairs, j, species, distances, constants, terms, row):
    """Add the pairs of one atom to its radial functions.

    Leaves the exponentials (n_pairs, n_radial) in `terms`, flat.
    """
    start, stop = pairs
    eta, centre = constants.radial_eta, constants.radial_centre
    n = len(eta)
    for p in range(stop - start):
        for k in range(n):
            distance = distances[start + p] - centre[k]
            terms[p * n + k] = -eta[k] * distance * distance
    exponentials(terms, (stop - start) * n)
    for p in range(stop - start):
        factor = cutoff(distances[start + p], constants.r_cut_radial)
        factor *= constants.radial_prefactor
        block = species[j[start + p]] * n
        for k in range(n):
            row[block + k] += factor * terms[p * n + k]


@compiled(fastmath={"contract"})
def _add_angular(n_near, near, near_species, constants, scratch, row):
    """Add all pairs of neighbours of one atom to its angular functions.

    near: (n_near, 5) unit vector, distance and cutoff function of each neighbour.
    """
    pairs, blocks = scratch[0], scratch[1]
    most_pairs = len(blocks)
    # Passing `constants` on inside the loop would cost more than the loop does.
    block_factor, block_start = constants.block_factor, constants.block_start
    cosine_scale, with_r_jk = constants.cosine_scale, constants.with_r_jk
    r_cut = constants.r_cut_angular
    n = 0
    for a in range(n_near):
        for b in range(a):
            set_pair(n, pairs, near, a, b, cosine_scale, with_r_jk, r_cut)
            s_a, s_b = near_species[a], near_species[b]
            pairs[n, 1] *= block_factor[s_a, s_b]
            blocks[n] = block_start[s_a, s_b]
            n += 1
            if n == most_pairs:
                add_pairs(n, constants, scratch, row)
                n = 0
    add_pairs(n, constants, scratch, row)


@compiled(fastmath={"contract"})
def add_pairs(n_pairs, constants, scratch, row):
    """Add the first pairs of `scratch` to the row."""
    pairs, blocks, radial_part, angle_part, powers = scratch
    eta, centre = constants.angular_eta, constants.angular_centre
    n_eta, n_theta = len(eta), constants.n_theta
    for b in range(n_pairs):
        for p in range(n_eta):
            distance = pairs[b, 2] - centre[p]
            exponent = -eta[p] * (distance * distance + pairs[b, 3])
            radial_part[b * n_eta + p] = exponent
    exponentials(radial_part, n_pairs * n_eta)
    _angle_parts(n_pairs, pairs, constants, angle_part, powers)
    for b in range(n_pairs):
        for p in range(n_eta):
            weight = pairs[b, 1] * radial_part[b * n_eta + p]
            start = blocks[b] + p * n_theta
            for t in range(n_theta):
                row[start + t] += weight * angle_part[b * n_theta + t]


@compiled(inline="always")
def set_pair(n, pairs, near, j, k, cosine_scale, with_r_jk, r_cut):
    """Row n of pairs: c, cutoffs, a and b of exp(-eta ((a - R)^2 + b)), 1 - c^2.

    The cross product keeps the digits of the sine where 1 - cos^2 loses them.
    """
    cosine = near[j, 0] * near[k, 0] + near[j, 1] * near[k, 1] + near[j, 2] * near[k, 2]
    cosine = max(-1.0, min(1.0, cosine))
    r_j, r_k = near[j, 3], near[k, 3]
    pairs[n, 0] = cosine_scale * cosine
    pairs[n, 1] = near[j, 4] * near[k, 4]
    pairs[n, 2] = 0.5 * (r_j + r_k)
    pairs[n, 3] = 0.0
    pairs[n, 4] = 1.0 - cosine_scale**2
    for x, y in ((0, 1), (1, 2), (2, 0)):
        pairs[n, 4] += (
            cosine_scale * (near[j, x] * near[k, y] - near[j, y] * near[k, x])
        ) ** 2
    if with_r_jk:
        square_jk = max(0.0, r_j * r_j + r_k * r_k - 2.0 * r_j * r_k * cosine)
        pairs[n, 1] *= cutoff(np.sqrt(square_jk), r_cut)
        pairs[n, 2] = 0.0
        pairs[n, 3] = r_j * r_j + r_k * r_k + square_jk


@compiled(fastmath={"contract"})
def _angle_parts(n_pairs, pairs, constants, angle_part, powers):
    """Fill angle_part with x^zeta of each pair and angular centre.

    x = (1 + c cos_s + sin_s sqrt(1 - c^2 + e)) norm lies between 0 and 1; rounding
    that takes it below 0 is cut.
    """
    cos_theta, sin_theta = constants.cos_theta, constants.sin_theta
    smoothing, norm, zeta = constants.smoothing, constants.norm, constants.zeta
    digits = constants.digits
    n_theta = constants.n_theta
    n = n_pairs * n_theta
    for b in range(n_pairs):
        for t in range(n_theta):
            powers[b * n_theta + t] = pairs[b, 0]
            angle_part[b * n_theta + t] = pairs[b, 4]
    for q in range(n):
        c = powers[q]
        root = np.sqrt(angle_part[q] + smoothing[q])
        x = 1.0 + c * cos_theta[q] + sin_theta[q] * root
        powers[q] = max(0.0, x * norm[q])
    if len(digits) == 0:
        for q in range(n):
            angle_part[q] = powers[q] ** zeta[q]
        return
    for q in range(n):
        angle_part[q] = 1.0
    for bit in range(len(digits)):
        for q in range(n):
            x = powers[q]
            angle_part[q] *= x if digits[bit, q] else 1.0
            powers[q] = x * x


@compiled(fastmath={"contract"})
def exponentials(values, n):
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
