"""Compiled energies and slopes of tiles, a few atoms of one element each.

A tile goes all the way: pairs, triples, descriptors, network, dE/dG, and back through
triples and pairs to dE_i/dr_ij. Its working arrays stay in the processor's cache, and
no derivative of a single component is ever kept.
"""

import numpy as np

from annpot.compiled import compiled
from annpot.deploy.kernels.angular import add_angular, fill_parts, triple_slopes
from annpot.deploy.kernels.networks import network_gradient
from annpot.deploy.kernels.pairs import (
    N_ROWS,
    add_radial,
    add_radial_slopes,
    filled_up,
    find_pairs,
    finish_pairs,
    measure_pairs,
)
from annpot.deploy.kernels.triples import (
    E_ROW,
    add_triple_slopes,
    count_triples,
    fill_triples,
    measure_triples,
    near_pairs,
    segment_length,
)


@compiled(calls=("../descriptors",), nogil=True, error_model="numpy")
def fill_tiles(start, stop, tiles, geometry, descriptor, networks, results):
    """Energies, virials and dE_i/dr_ij of the atoms of tiles start to stop.

    Several threads may fill different tiles at the same time.

    Args:
        tiles: atoms (n_atoms,) by element, first (n_tiles + 1,) place of each tile in
            them, species (n_atoms,) of all atoms.
        geometry: see `find_pairs`.
        descriptor: DescriptorArrays.
        networks: NetworkArrays.
        results: energies (n_atoms,), by_pair (n_list, 3), virials (n_atoms, 6),
            outside (n_atoms,), one component that is out of the range of training,
            or -1.

    Returns:
        the smallest squared distance of two atoms.
    """
    atoms, tile_first, species = tiles
    energies, by_pair, virials, outside = results
    n_species, n_features = networks.lowest.shape
    shape = len(descriptor.angular_centre), len(descriptor.digits)
    most = _most(start, stop, tiles, geometry[2], n_species)
    pairs, number, near, first_pairs, first_near, runs = _pair_arrays(
        most, n_species, n_features, len(descriptor.radial_centre)
    )
    values, sums, slopes = _network_arrays(most[0], networks.layers)
    a_row = E_ROW + shape[0]
    triples = np.zeros((a_row + 2 * ((shape[1] + 3) // 4 * 4), 0))
    ends = np.zeros((2, 0), np.uint32)
    cutoffs, scalars = descriptor.cutoffs, descriptor.scalars
    tables = descriptor.block_start, descriptor.block_factor
    closest = np.inf
    for tile in range(start, stop):
        own = atoms[tile_first[tile] : tile_first[tile + 1]]
        m, s = len(own), species[own[0]]
        first = first_pairs[: m * n_species + 1]
        n, square = find_pairs(
            own, geometry, cutoffs[0] ** 2, n_species, pairs, number, first, by_pair
        )
        closest = min(closest, square)
        measure_pairs(n, cutoffs, scalars[0], pairs)
        values[: m * n_features] = 0.0
        g = values[: m * n_features].reshape((m, n_features))
        add_radial(m, n, first, descriptor.radial, descriptor.radial_centre, pairs, g)
        near_pairs(m * n_species, first, cutoffs[2], pairs, near, first_near)
        n_triples = count_triples(m, n_species, first_near)
        if filled_up(n_triples) > triples.shape[1]:
            capacity = filled_up(n_triples + n_triples // 4)
            triples = np.zeros((len(triples), capacity))
            ends = np.empty((2, capacity), np.uint32)
        if n_triples:
            fill_triples(m, n_species, near, first_near, ends)
            measure_triples(
                n_triples, ends, pairs, scalars[1], descriptor.with_r_jk, cutoffs[2],
                triples,
            )  # fmt: skip
            fill_parts(
                n_triples, descriptor.angular, descriptor.angular_centre,
                descriptor.with_r_jk, descriptor.angles, descriptor.digits, scalars,
                triples, a_row,
            )  # fmt: skip
            add_angular(m, n_species, first_near, tables, triples, a_row, shape, g)
        _find_outside(own, g, networks.lowest[s], networks.highest[s], outside)
        lengths = len(descriptor.radial_centre), shape[0] * shape[1]
        active = _active_runs(m, n_species, first, first_near, tables[0], lengths, runs)
        place, row = network_gradient(
            m, networks.layers[s], networks.weights, active, values, sums, slopes
        )
        for a in range(m):
            energies[own[a]] = values[place + a] + networks.offsets[s]
        by_g = slopes[row, : m * n_features].reshape((m, n_features))
        add_radial_slopes(m, first, descriptor.radial, pairs, by_g)
        if n_triples:
            triple_slopes(
                m, n_species, first_near, tables, descriptor.angular, triples, a_row,
                shape[1], by_g,
            )  # fmt: skip
            add_triple_slopes(
                n_triples, ends, scalars[1], descriptor.with_r_jk, triples, pairs
            )
        finish_pairs(own, n_species, first, number, pairs, by_pair, virials)
    return closest


@compiled()
def _pair_arrays(most, n_species, n_features, n_radial):
    """Working arrays for the pairs of a tile of `most` = (atoms, pairs)."""
    most_atoms, most_pairs = most
    return (
        np.empty((N_ROWS + n_radial, filled_up(most_pairs))),
        np.empty(most_pairs, np.int64),
        np.empty(most_pairs, np.int64),
        np.empty(most_atoms * n_species + 1, np.int64),
        np.empty(most_atoms * n_species + 1, np.int64),
        np.empty((n_features, 2), np.int64),
    )


@compiled()
def _network_arrays(n_atoms, layers):
    """Working arrays for the networks of a tile: values, sums and slopes."""
    most = widest = 0
    for s in range(layers.shape[0]):
        for k in range(layers.shape[1]):
            n_in, n_out = layers[s, k, 0], layers[s, k, 1]
            most = max(most, layers[s, k, 7] + n_in + n_out)
            widest = max(widest, n_in, n_out)
    values, sums = np.empty(n_atoms * most), np.empty(n_atoms * most)
    return values, sums, np.empty((2, n_atoms * widest))


@compiled()
def _most(start, stop, tiles, list_first, n_species):
    """Largest number of atoms, and of pairs in the list, of a tile."""
    atoms, tile_first, _ = tiles
    most_atoms = most_pairs = 1
    for tile in range(start, stop):
        n = 0
        for a in range(tile_first[tile], tile_first[tile + 1]):
            i = atoms[a]
            n += list_first[(i + 1) * n_species] - list_first[i * n_species]
        most_pairs = max(most_pairs, n)
        most_atoms = max(most_atoms, tile_first[tile + 1] - tile_first[tile])
    return most_atoms, most_pairs


@compiled()
def _active_runs(n_atoms, n_species, first, near_first, block_start, lengths, runs):
    """Runs of components that some pair or triple of the tile contributes to.

    Args:
        lengths: number of components of a species, and of a pair of species.

    Returns:
        (n, 2) first component and the one past the last, the beginning of `runs`.
    """
    n_radial, n_block = lengths
    n = 0
    for s in range(n_species):
        for a in range(n_atoms):
            if first[a * n_species + s] < first[a * n_species + s + 1]:
                n = _with_run(n, s * n_radial, n_radial, runs)
                break
    for s in range(n_species):
        for t in range(s, n_species):
            for a in range(n_atoms):
                if segment_length(near_first, a * n_species, s, t):
                    n = _with_run(n, block_start[s, t], n_block, runs)
                    break
    return runs[:n]


@compiled()
def _with_run(n, start, length, runs):
    """Add a run, or lengthen the last one; return their number."""
    if n and runs[n - 1, 1] == start:
        runs[n - 1, 1] += length
        return n
    runs[n, 0], runs[n, 1] = start, start + length
    return n + 1


@compiled(fastmath={"contract", "reassoc"})
def _find_outside(atoms, g, lowest, highest, outside):
    """First component of each atom's descriptor that leaves its range, or -1."""
    for a in range(len(atoms)):
        n = 0
        for c in range(g.shape[1]):
            n += (g[a, c] < lowest[c]) | (g[a, c] > highest[c])
        outside[atoms[a]] = -1
        if n:
            for c in range(g.shape[1]):
                if g[a, c] < lowest[c] or g[a, c] > highest[c]:
                    outside[atoms[a]] = c
                    break


@compiled(nogil=True, fastmath={"contract", "reassoc"})
def fill_forces(start, stop, first, reverse, by_pair, forces):
    """F_i = sum over pairs of dE_i/dr_ij - dE_j/dr_ji, for atoms start to stop.

    Args:
        first: (n_atoms + 1,) first pair of each atom in the list.
        reverse: (n_list,) number of the pair seen from the other atom.
    """
    for i in range(start, stop):
        x = y = z = 0.0
        for p in range(first[i], first[i + 1]):
            q = reverse[p]
            x += by_pair[p, 0] - by_pair[q, 0]
            y += by_pair[p, 1] - by_pair[q, 1]
            z += by_pair[p, 2] - by_pair[q, 2]
        forces[i, 0], forces[i, 1], forces[i, 2] = x, y, z
