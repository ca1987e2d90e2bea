"""Random directions along which forces are compared: a function of (seed, t)."""

import numpy as np

from annpot.networks.element_network import tf

# Added to the seed, so that directions do not follow the order of the records.
STREAM = 0x67617573
SMALLEST = 1e-3  # of a unit vector that is left after projection


def random_signs(chunk, settings, first_step):
    """(n_steps, n_places, q, 3) int8, +1 or -1 for atoms with forces, else 0.

    Step t draws by rng([seed, STREAM, t]) for all atoms of structures with forces, in
    the order of their places. Neither padding nor the cut into chunks enters.

    Args:
        chunk: Chunk.
        settings: GaussNewtonSettings.
        first_step: number t of its first step.
    """
    owners, q = np.concatenate(chunk.owners, axis=1), settings.projections
    signs = np.zeros((*owners.shape, q, 3), np.int8)
    for step, owner in enumerate(owners):
        has_forces = np.append(chunk.labels.has_forces[step], False)
        atoms = np.flatnonzero(has_forces[owner])
        rng = np.random.default_rng([settings.seed, STREAM, first_step + step])
        drawn = rng.integers(0, 2, (len(atoms), q, 3), np.int8)
        signs[step, atoms] = 2 * drawn - 1
    return signs


def orthonormal(signs, owners, n_structures):
    """(n_places, q, 3): signs made orthonormal within each structure (Gram-Schmidt).

    Directions beyond the 3 n coordinates of a structure are zero.

    Args:
        signs: (n_places, q, 3) of any type.
        owners: (n_places,) structure of each; n_structures for none.
        n_structures: number of structures.
    """
    signs = tf.cast(signs, tf.float64)
    member = tf.one_hot(owners, n_structures, dtype=tf.float64)
    found = []
    for number in range(signs.shape[1]):
        vector = signs[:, number]
        vector *= _of_places(_inverse_length(vector, member), member)
        # Twice is enough for orthogonality to rounding.
        for other in found * 2:
            vector -= other * _of_places(_products(vector, other, member), member)
        length = tf.sqrt(_products(vector, vector, member))
        scale = tf.where(length > SMALLEST, 1.0 / tf.maximum(length, SMALLEST), 0.0)
        found.append(vector * _of_places(scale, member))
    return tf.stack(found, 1)


def _inverse_length(vector, member):
    return 1.0 / tf.sqrt(tf.maximum(_products(vector, vector, member), 1.0))


def _products(one, other, member):
    """(n_structures,) scalar products within structures."""
    by_place = tf.reduce_sum(one * other, 1)
    return tf.linalg.matvec(member, by_place, transpose_a=True)


def _of_places(values, member):
    """(n_places, 1) of (n_structures,) values."""
    return tf.linalg.matvec(member, values)[:, None]
