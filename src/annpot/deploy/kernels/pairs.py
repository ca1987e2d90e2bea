"""Compiled pairs of a few atoms: geometry, radial functions, and back.

Quantities of pairs are rows of one array, so that every loop runs over many pairs
and fills all lanes of the processor. Pairs stand by atom, then species of the
neighbour; pair_first[a * n_species + s] is the first of atom a with species s.
"""

import numpy as np

from annpot.compiled import compiled
from annpot.descriptors.symmetry_functions import exponentials

FAST = {"contract", "reassoc"}
# Rows: unit vector, distance and its inverse, cutoff functions with slopes (radial,
# angular), then what is gathered on the way back: dE_i/dr and the rest of dE_i/dr_ij.
UX, UY, UZ, R, INVERSE, F, F_SLOPE, NEAR, NEAR_SLOPE, BY_R, BX, BY, BZ = range(13)
N_ROWS = 13
LANES = 16  # arrays are filled up to a multiple of this, which saves odd ends


@compiled(inline="always")
def filled_up(n):
    """The next multiple of LANES."""
    return (n + 15) & ~15


@compiled(error_model="numpy")
def find_pairs(atoms, geometry, square_cut, n_species, pairs, number, first, by_pair):
    """Fill the vectors and squared distances (row R) of pairs within the cutoff.

    Args:
        atoms: (n,) the atoms.
        geometry: positions (n_atoms, 3), images (n_images, 3), list_first, neighbor
            and image of a PairList.
        square_cut: squared cutoff radius.
        pairs: (N_ROWS + ..., capacity) see the module.
        number: (capacity,) filled with the number of each pair in the list.
        first: (n * n_species + 1,) filled with the first pair of an atom and species.
        by_pair: (n_list, 3) set to 0 for pairs that are too far.

    Returns:
        number of pairs and the smallest squared distance.
    """
    positions, images, list_first, neighbor, image = geometry
    n, closest = 0, np.inf
    first[0] = 0
    for a in range(len(atoms)):
        i = atoms[a]
        x_i, y_i, z_i = positions[i, 0], positions[i, 1], positions[i, 2]
        for s in range(n_species):
            q = i * n_species + s
            for p in range(list_first[q], list_first[q + 1]):
                j, m = neighbor[p], image[p]
                x = positions[j, 0] + images[m, 0] - x_i
                y = positions[j, 1] + images[m, 1] - y_i
                z = positions[j, 2] + images[m, 2] - z_i
                square = x * x + y * y + z * z
                pairs[UX, n], pairs[UY, n], pairs[UZ, n] = x, y, z
                pairs[R, n] = square
                number[n] = p
                if square < square_cut:
                    n += 1
                    closest = min(closest, square)
                else:
                    by_pair[p, 0] = by_pair[p, 1] = by_pair[p, 2] = 0.0
            first[a * n_species + s + 1] = n
    return n, closest


@compiled(inline="always")
def cutoff_and_slope(r, r_cut):
    """f_c = (1 + cos(pi r / r_cut)) / 2 and its slope by r; 0 from r_cut on.

    With t = pi (r / r_cut - 1/2), between -pi/2 and pi/2, f_c = (1 - sin t) / 2 and
    f_c' = -pi cos t / (2 r_cut), by Taylor series that end below rounding; unlike the
    library's functions they run on all lanes.
    """
    t = (min(r / r_cut, 1.0) - 0.5) * np.pi
    s = t * t
    sine = 1 / 51090942171709440000.0 * s - 1 / 121645100408832000
    sine = sine * s + 1 / 355687428096000
    sine = sine * s - 1 / 1307674368000
    sine = sine * s + 1 / 6227020800
    sine = sine * s - 1 / 39916800
    sine = sine * s + 1 / 362880
    sine = sine * s - 1 / 5040
    sine = sine * s + 1 / 120
    sine = sine * s - 1 / 6
    sine = (sine * s + 1.0) * t
    cosine = 1 / 2432902008176640000 * s - 1 / 6402373705728000
    cosine = cosine * s + 1 / 20922789888000
    cosine = cosine * s - 1 / 87178291200
    cosine = cosine * s + 1 / 479001600
    cosine = cosine * s - 1 / 3628800
    cosine = cosine * s + 1 / 40320
    cosine = cosine * s - 1 / 720
    cosine = cosine * s + 1 / 24
    cosine = cosine * s - 0.5
    cosine = cosine * s + 1.0
    inside = r < r_cut
    f = 0.5 - 0.5 * sine if inside else 0.0
    return f, -0.5 * np.pi / r_cut * cosine if inside else 0.0


@compiled(fastmath=FAST, error_model="numpy")
def _fill_cutoffs(n, distance, r_cut, factor, f, slope):
    """Cutoff functions and their slopes, times a factor."""
    for q in range(n):
        f_c, by_r = cutoff_and_slope(distance[q], r_cut)
        f[q] = factor * f_c
        slope[q] = factor * by_r


@compiled(fastmath=FAST, error_model="numpy")
def measure_pairs(n, cutoffs, prefactor, pairs):
    """Turn vectors and squared distances of n pairs into all rows but the last four.

    The radial cutoff function and its slope get the prefactor of the radial functions.
    """
    full = filled_up(n)
    for q in range(n, full):
        pairs[UX, q] = pairs[UY, q] = pairs[UZ, q] = 0.0
        pairs[R, q] = 1.0
    ux, uy, uz, distance, inverse = (
        pairs[UX],
        pairs[UY],
        pairs[UZ],
        pairs[R],
        pairs[INVERSE],
    )
    for q in range(full):
        r = np.sqrt(distance[q])
        distance[q] = r
        inverse[q] = 1.0 / r
    for q in range(full):
        ux[q] *= inverse[q]
        uy[q] *= inverse[q]
        uz[q] *= inverse[q]
    _fill_cutoffs(full, distance, cutoffs[1], prefactor, pairs[F], pairs[F_SLOPE])
    _fill_cutoffs(full, distance, cutoffs[2], 1.0, pairs[NEAR], pairs[NEAR_SLOPE])
    pairs[BY_R:N_ROWS, :full] = 0.0


@compiled(calls=("../descriptors",), fastmath=FAST, error_model="numpy")
def add_radial(n_atoms, n, first, radial, centres, pairs, g):
    """Fill the radial functions g[a, :] of atoms, leaving exponentials in `pairs`.

    Args:
        first: see `find_pairs`.
        radial, centres: of DescriptorArrays.
        pairs: (N_ROWS + n_radial, capacity).
        g: (n_atoms, n_features) zeros.
    """
    full, n_radial = filled_up(n), len(centres)
    distance, f = pairs[R], pairs[F]
    for k in range(n_radial):
        terms, centre, factor = pairs[N_ROWS + k], centres[k], radial[0, k]
        for q in range(full):
            terms[q] = factor * (distance[q] - centre) * (distance[q] - centre)
        exponentials(terms, full)
    n_species = (len(first) - 1) // n_atoms
    for a in range(n_atoms):
        for s in range(n_species):
            start, stop = first[a * n_species + s], first[a * n_species + s + 1]
            if start == stop:
                continue
            for k in range(n_radial):
                terms, total = pairs[N_ROWS + k], 0.0
                for q in range(np.uint64(start), np.uint64(stop)):
                    total += f[q] * terms[q]
                g[a, s * n_radial + k] = total


@compiled(fastmath=FAST, error_model="numpy")
def add_radial_slopes(n_atoms, first, radial, pairs, by_g):
    """Add dE/dr of pairs through the radial functions to row BY_R.

    dE/dr = sum_k h_k e_k (f' + (kappa_k r + rho_k) f), h = dE/dG

    Args:
        by_g: (n_atoms, n_features) dE/dG.
    """
    n_radial = radial.shape[1]
    distance, f, slope, by_r = pairs[R], pairs[F], pairs[F_SLOPE], pairs[BY_R]
    n_species = (len(first) - 1) // n_atoms
    for a in range(n_atoms):
        for s in range(n_species):
            start, stop = first[a * n_species + s], first[a * n_species + s + 1]
            if start == stop:
                continue
            for k in range(n_radial):
                terms, h = pairs[N_ROWS + k], by_g[a, s * n_radial + k]
                kappa, rho = radial[1, k], radial[2, k]
                for q in range(np.uint64(start), np.uint64(stop)):
                    r = distance[q]
                    by_r[q] += h * terms[q] * (slope[q] + (kappa * r + rho) * f[q])


@compiled(fastmath=FAST, error_model="numpy")
def finish_pairs(atoms, n_species, first, number, pairs, by_pair, virials):
    """dE_i/dr_ij of each pair into the list's order, and the virials of the atoms.

    W_i = -sum_j r_ij dE_i/dr_ij, six components in the order xx, yy, zz, yz, xz, xy.
    """
    for a in range(len(atoms)):
        xx = yy = zz = yz = xz = xy = 0.0
        for q in range(first[a * n_species], first[(a + 1) * n_species]):
            x, y, z = pairs[UX, q], pairs[UY, q], pairs[UZ, q]
            by_r, r, p = pairs[BY_R, q], pairs[R, q], number[q]
            d_x = x * by_r + pairs[BX, q]
            d_y = y * by_r + pairs[BY, q]
            d_z = z * by_r + pairs[BZ, q]
            by_pair[p, 0], by_pair[p, 1], by_pair[p, 2] = d_x, d_y, d_z
            xx -= r * x * d_x
            yy -= r * y * d_y
            zz -= r * z * d_z
            yz -= r * y * d_z
            xz -= r * x * d_z
            xy -= r * x * d_y
        i = atoms[a]
        virials[i, 0], virials[i, 1], virials[i, 2] = xx, yy, zz
        virials[i, 3], virials[i, 4], virials[i, 5] = yz, xz, xy
