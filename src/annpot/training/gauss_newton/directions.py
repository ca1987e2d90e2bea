"""Random directions along which forces are compared: a function of (seed, t)."""

import numpy as np

# Added to the seed, so that directions do not follow the order of the records.
STREAM = 0x67617573
RANK = 1e-5  # eigenvalue of the overlap, per largest, below which a direction is none


def random_directions(chunk, settings, first_step):
    """(n_steps, n_places, q, 3) directions u_k of the atoms of each structure.

    Normal random numbers, made orthonormal within each structure: sum over its atoms of
    u_k . u_l = delta_kl. Where q is more than its 3 n coordinates, sum_k u_k u_k^T = 1
    instead. Zero where no force is known. Step t draws by rng([seed, STREAM, t]) for
    all atoms with forces, in the order of their places: neither padding nor the cut
    into chunks enters.

    Args:
        chunk: Chunk.
        settings: GaussNewtonSettings.
        first_step: number t of its first step.

    Returns:
        float32.
    """
    owners, q = np.concatenate(chunk.owners, axis=1), settings.projections
    directions = np.zeros((*owners.shape, q, 3), np.float32)
    for step, owner in enumerate(owners):
        has_forces = np.append(chunk.labels.has_forces[step], False)
        atoms = np.flatnonzero(has_forces[owner])
        atoms = atoms[np.argsort(owner[atoms], kind="stable")]
        rng = np.random.default_rng([settings.seed, STREAM, first_step + step])
        drawn = rng.standard_normal((len(atoms), q, 3))
        if len(atoms):
            directions[step, atoms] = orthonormal(drawn, owner[atoms])
    return directions


def orthonormal(vectors, owners):
    """The vectors of each structure times the inverse root of their overlap.

    The result is independent of the order of the vectors (P.-O. Lowdin).

    Args:
        vectors: (n_atoms, q, 3).
        owners: (n_atoms,) structure of each atom, in order.
    """
    first = np.flatnonzero(np.diff(owners, prepend=-1))
    overlaps = np.add.reduceat(np.einsum("pkx,plx->pkl", vectors, vectors), first)
    values, turns = np.linalg.eigh(overlaps)
    used = values > RANK * values[:, -1:]
    roots = np.where(used, np.where(used, values, 1.0) ** -0.5, 0.0)
    inverse = np.einsum("sku,su,slu->skl", turns, roots, turns)
    of_atoms = np.repeat(inverse, np.diff(first, append=len(owners)), axis=0)
    return np.einsum("pkl,plx->pkx", of_atoms, vectors)
