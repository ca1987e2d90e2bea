"""Symmetry functions as their formulas read: loops over images, pairs and triples.

Slow and plain on purpose. Takes the numbers of an INI file, not the constants that
the kernels see, so that a comparison tests the way from one to the other as well.
"""

from itertools import combinations, product

import numpy as np

# Angular shift, weight of a pair of equal species, epsilon of each mBP generation.
MBP_GENERATIONS = {
    0: (0.0, 2.0, 0.0),
    1: (0.5, 1.0, 0.0),
    2: (0.5, 1.0, 1e-2),
    3: (0.5, 1.0, 1e-3),
}


def neighbors_of(i, positions, cell, pbc, r_cut):
    """[(j, vector)] of all images of all atoms with 0 < distance < r_cut."""
    vectors = np.where(np.array(pbc)[:, None], cell, 0.0)
    reciprocal = np.linalg.pinv(vectors) * pbc  # columns
    spread = np.ptp(positions @ reciprocal, axis=0)
    reach = np.ceil(r_cut * np.linalg.norm(reciprocal, axis=0) + spread).astype(int)
    found = []
    for j in range(len(positions)):
        for shift in product(*(range(-n, n + 1) for n in reach)):
            if i == j and shift == (0, 0, 0):
                continue
            vector = positions[j] + np.array(shift) @ vectors - positions[i]
            if np.linalg.norm(vector) < r_cut:
                found.append((j, vector))
    return found


def cutoff_function(r, r_cut):
    """(1 + cos(pi r / r_cut)) / 2 inside, 0 outside."""
    return 0.5 * (1 + np.cos(np.pi * r / r_cut)) if r < r_cut else 0.0


def cosine(a, b):
    """Cosine of the angle between two vectors."""
    return np.clip(a @ b / np.linalg.norm(a) / np.linalg.norm(b), -1, 1)


def sine(a, b):
    """Sine of the angle between two vectors, exact also where it is small."""
    return np.linalg.norm(np.cross(a, b)) / np.linalg.norm(a) / np.linalg.norm(b)


def species_block(species, s_j, s_k):
    """Number of the block of a species pair: (0, 0), (0, 1) ... (1, 1) ..."""
    a, b = sorted((species.index(s_j), species.index(s_k)))
    return a * len(species) - a * (a - 1) // 2 + b - a


def radial_descriptor(symbols, around, species, functions, r_cut, prefactor=1.0):
    """(n_species, n_functions): sum of exp(-eta (r - R)^2) f_c(r)."""
    g = np.zeros((len(species), len(functions)))
    for j, vector in around:
        r = np.linalg.norm(vector)
        for k, (eta, centre) in enumerate(functions):
            term = np.exp(-eta * (r - centre) ** 2) * cutoff_function(r, r_cut)
            g[species.index(symbols[j]), k] += prefactor * term
    return g


def modified_bp(symbols, positions, cell, pbc, species, keys):
    """mBP descriptors (n_atoms, n_features).

    keys: rc_rad, eta_rad (list), centres_rad, rc_ang, eta_ang (list), centres_ang,
        n_theta, zeta (list), generation; lengths in angstrom.
    """
    shift, weight, epsilon = MBP_GENERATIONS[keys["generation"]]
    n_theta = keys["n_theta"]
    rows = []
    for i in range(len(positions)):
        r_cut = max(keys["rc_rad"], keys["rc_ang"])
        around = neighbors_of(i, positions, cell, pbc, r_cut)
        functions = list(zip(keys["eta_rad"], keys["centres_rad"], strict=True))
        radial = radial_descriptor(symbols, around, species, functions, keys["rc_rad"])
        n_blocks = len(species) * (len(species) + 1) // 2
        angular = np.zeros((n_blocks, len(keys["centres_ang"]), n_theta))
        for (j, to_j), (k, to_k) in combinations(around, 2):
            r_j, r_k = np.linalg.norm(to_j), np.linalg.norm(to_k)
            c, s = cosine(to_j, to_k), sine(to_j, to_k)
            f = cutoff_function(r_j, keys["rc_ang"])
            f *= cutoff_function(r_k, keys["rc_ang"])
            f *= weight if symbols[j] == symbols[k] else 1.0
            block = angular[species_block(species, symbols[j], symbols[k])]
            for p, (eta, centre) in enumerate(
                zip(keys["eta_ang"], keys["centres_ang"], strict=True)
            ):
                distance = np.exp(-eta * ((r_j + r_k) / 2 - centre) ** 2)
                for t in range(n_theta):
                    theta = (t + shift) * np.pi / n_theta
                    smooth = epsilon * np.sin(theta) ** 2
                    x = 1 + c * np.cos(theta)
                    x += np.sin(theta) * np.sqrt(s**2 + smooth)
                    x /= 1 + np.sqrt(1 + smooth)
                    block[p, t] += 2 * max(x, 0.0) ** keys["zeta"][t] * distance * f
        rows.append(np.concatenate([radial.ravel(), angular.ravel()]))
    return np.array(rows)


def behler_parrinello(symbols, positions, cell, pbc, species, keys):
    """BP descriptors (n_atoms, n_features).

    keys: rc_rad, eta_rad (list), centres_rad, rc_ang, eta_ang (list), zeta (list).
    """
    rows = []
    for i in range(len(positions)):
        r_cut = max(keys["rc_rad"], keys["rc_ang"])
        around = neighbors_of(i, positions, cell, pbc, r_cut)
        functions = list(product(keys["eta_rad"], keys["centres_rad"]))
        radial = radial_descriptor(symbols, around, species, functions, keys["rc_rad"])
        n_blocks = len(species) * (len(species) + 1) // 2
        angular = np.zeros((n_blocks, len(keys["eta_ang"]), len(keys["zeta"]), 2))
        for (j, to_j), (k, to_k) in combinations(around, 2):
            r_ij, r_ik = np.linalg.norm(to_j), np.linalg.norm(to_k)
            r_jk = np.linalg.norm(to_k - to_j)
            f = np.prod(
                [cutoff_function(r, keys["rc_ang"]) for r in (r_ij, r_ik, r_jk)]
            )
            block = angular[species_block(species, symbols[j], symbols[k])]
            for e, eta in enumerate(keys["eta_ang"]):
                distance = np.exp(-eta * (r_ij**2 + r_ik**2 + r_jk**2))
                for z, zeta in enumerate(keys["zeta"]):
                    for s, sign in enumerate((1, -1)):
                        angle = (0.5 + 0.5 * sign * cosine(to_j, to_k)) ** zeta
                        block[e, z, s] += 2 * angle * distance * f
        rows.append(np.concatenate([radial.ravel(), angular.ravel()]))
    return np.array(rows)
