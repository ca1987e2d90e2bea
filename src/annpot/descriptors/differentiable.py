"""Descriptors in TensorFlow, differentiable by the vectors between atoms.

Training on forces needs three maps: the descriptors G of the vectors; for weights w
of the components, the slope V(w) = sum w dG/d(vector) of their sum; and, because the
loss depends on V and w on the network, the transposed map J(d) = dG along a motion d.
V and J are linear and each other's derivative. They work from the same tables of
functions and slopes, which are made once: two to three times faster than taking
derivatives of derivatives of every operation.
"""

from typing import Any, NamedTuple

import numpy as np

from annpot.descriptors.symmetry_tables import pair_table, triplet_table
from annpot.tensorflow_import import import_tensorflow


class Geometry(NamedTuple):
    """Pairs and triplets of the atoms of one batch, as tensors that may be padded.

    Attributes:
        vectors: (n_pairs, 3) float32 or float64, r_j - r_i, angstrom; unused places
            hold (1, 0, 0).
        segment: (n_pairs,) int32, i * n_species + species of j; n_atoms * n_species
            in unused places.
        near: (n_near,) int32, pairs closer than the angular cutoff; any pair in
            unused places, which no triplet names.
        a, b: (n_triplets,) int32, the two neighbours of a triplet, places in `near`;
            n_near for no triplet.
        block_segment: (n_blocks,) int32, of the equally long blocks of triplets:
            i * n_species_pairs + pair type; n_atoms * n_species_pairs in unused
            places.
    """

    vectors: Any
    segment: Any
    near: Any
    a: Any
    b: Any
    block_segment: Any


def descriptors(geometry, n_atoms, settings):
    """Descriptors of the atoms of a batch.

    A gradient tape may differentiate them by geometry.vectors, and the result by
    what it is linear in, the gradient by the descriptors, as often as wanted.

    Args:
        geometry: Geometry; lengths may be unknown when a graph is made.
        n_atoms: int or scalar integer tensor.
        settings: DescriptorSettings.

    Returns:
        (n_atoms, n_features), dtype of the vectors.

    Raises:
        NotImplementedError: by a tape that asks for a second derivative by vectors.
    """
    tf = import_tensorflow()

    @tf.custom_gradient
    def value(vectors):
        maps = _LinearMaps(geometry._replace(vectors=vectors), n_atoms, settings)

        def gradient(weights):
            return _slope(maps, weights, _differentiable_once(geometry.vectors))

        return maps.value(), gradient

    return value(geometry.vectors)


def _slope(maps, weights, vectors):
    """maps.slope(weights), whose derivative by weights is maps.motion."""
    tf = import_tensorflow()

    @tf.custom_gradient
    def slope(weights, vectors):
        def gradient(motion):
            return _motion(maps, motion, vectors), tf.zeros_like(vectors)

        return maps.slope(weights), gradient

    return slope(weights, vectors)


def _motion(maps, motion, vectors):
    """maps.motion(motion), whose derivative by motion is maps.slope."""
    tf = import_tensorflow()

    @tf.custom_gradient
    def along(motion, vectors):
        def gradient(weights):
            return _slope(maps, weights, vectors), tf.zeros_like(vectors)

        return maps.motion(motion), gradient

    return along(motion, vectors)


def _differentiable_once(vectors):
    """The vectors; a tape that goes on to differentiate by them is stopped."""
    tf = import_tensorflow()

    @tf.custom_gradient
    def same(vectors):
        def gradient(_):
            raise NotImplementedError(
                "second derivatives of descriptors by the vectors between atoms are "
                "asked for; only first ones are there. Watch the vectors with the "
                "inner tape alone, and let them not depend on what the outer tape "
                "watches."
            )

        return tf.identity(vectors), gradient

    return same(vectors)


class _LinearMaps:
    """Tables of one geometry and the sums over them."""

    def __init__(self, geometry, n_atoms, settings):
        tf = import_tensorflow()
        n_species, n_types = len(settings.species), len(settings.species_pairs)
        self.n_atoms, self.n_species, self.n_types = n_atoms, n_species, n_types
        self.n_radial, self.n_eta = (
            len(settings.radial_etas),
            len(settings.angular_etas),
        )
        self.n_theta = len(settings.thetas)
        self.factors = _factors(settings).astype(geometry.vectors.dtype.as_numpy_dtype)
        self.near, self.a, self.b = geometry.near, geometry.a, geometry.b
        self.n_blocks = _length(geometry.block_segment)
        # Unused places add 0 to the last segment.
        self.segment = tf.minimum(geometry.segment, n_atoms * n_species - 1)
        self.of_block = tf.minimum(geometry.block_segment, n_atoms * n_types - 1)
        is_used = geometry.segment < n_atoms * n_species
        pairs = pair_table(geometry.vectors, is_used, settings)
        triplets = triplet_table(pairs, geometry.near, geometry.a, geometry.b, settings)
        # XLA would rather compute a cheap product anew wherever it is used, but not a
        # division: by one, which it cannot know, this keeps the tables in memory and
        # makes a step 1.7 times faster.
        one = 1 + 0 * tf.reduce_sum(geometry.vectors[:1])
        self.pairs, self.triplets = _divided(pairs, one), _divided(triplets, one)

    def value(self):
        """Descriptors (n_atoms, n_features)."""
        triplets = self.triplets
        products = self._products([(triplets.radial, triplets.angular)])
        return self._descriptors(self.pairs.radial, products)

    def motion(self, motion):
        """Change (n_atoms, n_features) of the descriptors with motion (n_pairs, 3)."""
        tf, pairs, triplets = import_tensorflow(), self.pairs, self.triplets
        near = tf.pad(tf.gather(motion, self.near), [[0, 1], [0, 0]])
        of_a, of_b = tf.gather(near, self.a), tf.gather(near, self.b)
        r_a, r_b = _dot(of_a, triplets.u_a), _dot(of_b, triplets.u_b)
        c = _dot(of_a, triplets.v_a) + _dot(of_b, triplets.v_b)
        r_a, r_b, c = (x[:, None] for x in (r_a, r_b, c))
        radial = r_a * triplets.by_a + r_b * triplets.by_b
        if triplets.by_c is not None:
            radial += c * triplets.by_c
        products = self._products(
            [(radial, triplets.angular), (triplets.radial, c * triplets.angular_slope)]
        )
        r = _dot(motion, pairs.u)[:, None]
        return self._descriptors(r * pairs.radial_slope, products)

    def slope(self, weights):
        """sum weights dG/d(vector), (n_pairs, 3), of weights (n_atoms, n_features)."""
        tf, pairs, triplets = import_tensorflow(), self.pairs, self.triplets
        weights = weights * self.factors
        n_radial = self.n_species * self.n_radial
        radial = tf.reshape(weights[:, :n_radial], [-1, self.n_radial])
        radial = _dot(tf.gather(radial, self.segment), pairs.radial_slope)
        by_a, by_b, by_c = self._triplet_slopes(weights[:, n_radial:])
        on_a = by_a * triplets.u_a + by_c * triplets.v_a
        on_b = by_b * triplets.u_b + by_c * triplets.v_b
        n_near = _length(self.near)
        on_near = tf.math.unsorted_segment_sum(on_a, self.a, n_near + 1)
        on_near += tf.math.unsorted_segment_sum(on_b, self.b, n_near + 1)
        slope = radial[:, None] * pairs.u
        return tf.tensor_scatter_nd_add(slope, self.near[:, None], on_near[:n_near])

    def _triplet_slopes(self, weights):
        """Slopes (n_triplets, 1) of each triplet's terms by r_a, r_b and c."""
        tf, triplets = import_tensorflow(), self.triplets
        weights = tf.reshape(weights, [-1, 1, self.n_eta, self.n_theta])
        weights = tf.gather(weights, self.of_block)  # (n_blocks, 1, n_eta, n_theta)

        def summed(angular):
            by_eta = tf.reduce_sum(weights * self._in_blocks(angular)[:, :, None], 3)
            return tf.reshape(by_eta, [-1, self.n_eta])  # (n_triplets, n_eta)

        by_radial = summed(triplets.angular)
        by_c = _dot(summed(triplets.angular_slope), triplets.radial)
        if triplets.by_c is not None:
            by_c += _dot(by_radial, triplets.by_c)
        by_a, by_b = _dot(by_radial, triplets.by_a), _dot(by_radial, triplets.by_b)
        return by_a[:, None], by_b[:, None], by_c[:, None]

    def _products(self, factors):
        """Sum over each block of radial (n_triplets, n_eta) times angular parts.

        factors: pairs of them, to be added up. Returns (n_blocks, n_eta * n_theta).
        """
        tf = import_tensorflow()
        products = sum(
            self._in_blocks(radial)[..., None] * self._in_blocks(angular)[:, :, None]
            for radial, angular in factors
        )  # (n_blocks, block, n_eta, n_theta)
        return tf.reshape(tf.reduce_sum(products, 1), [-1, self.n_eta * self.n_theta])

    def _in_blocks(self, table):
        """(n_triplets, n) as (n_blocks, block, n)."""
        tf = import_tensorflow()
        block = _length(self.a) // _at_least_one(self.n_blocks)
        return tf.reshape(table, [self.n_blocks, block, table.shape[1]])

    def _descriptors(self, radial, angular):
        """(n_atoms, n_features) from terms (n_pairs, .) and (n_blocks, .)."""
        tf, n_atoms = import_tensorflow(), self.n_atoms
        n_segments, n_blocks = n_atoms * self.n_species, n_atoms * self.n_types
        radial = tf.math.unsorted_segment_sum(radial, self.segment, n_segments)
        angular = tf.math.unsorted_segment_sum(angular, self.of_block, n_blocks)
        n_radial = self.n_species * self.n_radial
        n_angular = self.n_types * self.n_eta * self.n_theta
        parts = [
            tf.reshape(radial, [n_atoms, n_radial]),
            tf.reshape(angular, [n_atoms, n_angular]),
        ]
        return tf.concat(parts, axis=1) * self.factors


def _factors(settings):
    """(n_features,) what multiplies each component: radial_prefactor or 2 w."""
    per_type = len(settings.angular_etas) * len(settings.thetas)
    of_type = [
        2 * (settings.pair_weight if a == b else 1.0) for a, b in settings.species_pairs
    ]
    radial = np.full(settings.n_radial_features, settings.radial_prefactor)
    return np.concatenate([radial, np.repeat(of_type, per_type)])


def _divided(table, divisor):
    """The table with all its columns divided; None stays."""
    return type(table)(*(x if x is None else x / divisor for x in table))


def _dot(a, b):
    """Sums of products along the last axis."""
    return import_tensorflow().reduce_sum(a * b, axis=-1)


def _length(tensor):
    """Number of rows; an int where it is known when a graph is made."""
    known = tensor.shape[0]
    return import_tensorflow().shape(tensor)[0] if known is None else known


def _at_least_one(number):
    """max(number, 1), an int if `number` is one."""
    if isinstance(number, int):
        return max(number, 1)
    return import_tensorflow().maximum(number, 1)
