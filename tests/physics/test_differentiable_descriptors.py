"""Descriptors in TensorFlow against the compiled ones, and their linear maps.

Tolerances: 1e-12 and 1e-11 in float64 (sums of terms of order 1 in another order; the
slope near collinear atoms has a few digits less); 2e-5 of the largest number in
float32, where zeta = 50 turns a rounding of 6e-8 into 3e-6 and sums do the rest.
"""

from typing import NamedTuple

import numpy as np
import pytest

from annpot.descriptors.calculator import batch_descriptors
from annpot.descriptors.derivatives import batch_derivatives
from annpot.descriptors.differentiable import Geometry, descriptors
from annpot.descriptors.pair_lists import pair_lists
from annpot.structures.batch import structure_batch
from annpot.tensorflow_import import import_tensorflow
from reference.descriptor_cases import (
    CASES,
    FORMS,
    SKEWED,
    SMALL_BP,
    SMALL_MBP,
    SPECIES,
    TUTORIAL_MBP,
    placed,
    scattered,
    settings_of,
)

tf = import_tensorflow()
SETTINGS = {
    name: settings_of(SPECIES, numbers, generation=generation)
    for name, (numbers, generation) in FORMS.items()
} | {
    "BP": settings_of(SPECIES, SMALL_BP, kind="BP"),
    "BP, real exponents": settings_of(
        SPECIES, SMALL_BP | {"zeta": (1.5, 16.0)}, kind="BP"
    ),
    "ANI": settings_of(
        SPECIES,
        SMALL_MBP | {"cosine_scale": 0.95, "radial_prefactor": 0.25},
        generation=1,
    ),
    "tutorial": settings_of(SPECIES, TUTORIAL_MBP),
}
every_descriptor = pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
MBP, BP = SETTINGS["generation 1"], SETTINGS["BP"]


class Padding(NamedTuple):
    """Unused places at the end of each list."""

    pairs: int = 0
    near: int = 0
    blocks: int = 0


NO_PADDING = Padding()


class Lists(NamedTuple):
    """A Geometry and the pairs it stands for, atoms numbered through the batch."""

    geometry: Geometry
    i: np.ndarray
    j: np.ndarray
    vectors: np.ndarray


def joined(batch, settings, dtype=np.float64, block=1, padding=NO_PADDING):
    """Lists of all structures of a batch."""
    found = pair_lists(batch, settings, block)
    atom, (n, n_species) = batch.first[:-1], (len(batch.species), len(settings.species))
    n_types, n_near = len(settings.species_pairs), len(found.near) + padding.near

    def through(numbers, first, offset):
        return numbers + np.repeat(offset, np.diff(first))

    def padded(numbers, n_unused, filling):
        return np.append(numbers, np.full(n_unused, filling)).astype(np.int32)

    i, j = (through(x, found.pair_first, atom) for x in (found.i, found.j))
    near = through(found.near, found.near_first, found.pair_first[:-1])
    triplet_first = found.block_first * block
    a, b = (
        np.where(x < 0, n_near, through(x, triplet_first, found.near_first[:-1]))
        for x in (found.a, found.b)
    )
    of_block = through(found.centre, found.block_first, atom) * n_types
    unused = np.tile([[1.0, 0.0, 0.0]], (padding.pairs, 1))
    geometry = Geometry(
        vectors=np.concatenate([found.vectors, unused]).astype(dtype),
        segment=padded(
            i * n_species + found.neighbor_species, padding.pairs, n * n_species
        ),
        near=padded(near, padding.near, 0),
        a=padded(a, padding.blocks * block, n_near),
        b=padded(b, padding.blocks * block, n_near),
        block_segment=padded(of_block + found.pair_type, padding.blocks, n * n_types),
    )
    return Lists(Geometry(*map(tf.constant, geometry)), i, j, found.vectors)


def batch_of(structures):
    return structure_batch(list(structures), SPECIES)


def maps(geometry, n_atoms, settings, weights, motion):
    """G, the slope V(weights) and, as the derivative of V, J(motion)."""
    with tf.GradientTape(watch_accessed_variables=False) as outer:
        outer.watch(weights)
        with tf.GradientTape(watch_accessed_variables=False) as inner:
            inner.watch(geometry.vectors)
            g = descriptors(geometry, n_atoms, settings)
        slope = inner.gradient(g, geometry.vectors, output_gradients=weights)
    return g, slope, outer.gradient(slope, weights, output_gradients=motion)


def random_maps(lists, n_atoms, settings, function=maps):
    """maps with the same random weights and motions whatever the padding."""
    dtype = lists.geometry.vectors.dtype
    n_pairs, rng = lists.geometry.vectors.shape[0], np.random.default_rng(8)
    weights = rng.uniform(-1, 1, (n_atoms, settings.n_features))
    motion = np.zeros((n_pairs, 3))
    motion[: len(lists.i)] = rng.uniform(-1, 1, (len(lists.i), 3))
    weights, motion = tf.constant(weights, dtype), tf.constant(motion, dtype)
    results = function(lists.geometry, n_atoms, settings, weights, motion)
    return weights.numpy(), motion.numpy(), *(x.numpy() for x in results)


def agree(got, expected, tolerance):
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


@every_descriptor
def test_they_are_the_compiled_descriptors(settings):
    batch = batch_of(CASES.values())
    expected = batch_descriptors(batch, settings)
    got = descriptors(joined(batch, settings).geometry, len(expected), settings)
    assert got.dtype == tf.float64
    agree(got, expected, 1e-12)
    single = joined(batch, settings, np.float32, block=2).geometry
    got = descriptors(single, len(expected), settings)
    assert got.dtype == tf.float32
    np.testing.assert_allclose(got, expected, atol=2e-5 * abs(expected).max())


@every_descriptor
def test_slopes_are_the_compiled_derivatives(settings):
    """By atoms, d = r_j - r_i, and by strain, which moves d to (1 + e) d."""
    batch = batch_of(CASES.values())
    _, derivatives = batch_derivatives(batch, settings, strain=True)
    n = len(batch.species)
    lists = joined(batch, settings, block=2)
    weights, _, _, slope, _ = random_maps(lists, n, settings)
    by_atom = np.zeros((n, 3))
    np.add.at(by_atom, lists.j, slope)
    np.add.at(by_atom, lists.i, -slope)
    row = np.repeat(np.arange(n), np.diff(derivatives.first))
    expected = np.zeros((n, 3))
    blocks = np.einsum("bc,bcx->bx", weights[row], derivatives.values)
    np.add.at(expected, derivatives.moved, blocks)
    agree(by_atom, expected, 1e-11)
    by_strain = np.einsum("px,py->xy", lists.vectors, slope)
    expected = np.einsum("ic,icv->v", weights, derivatives.strain)
    for v, (x, y) in enumerate([(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]):
        agree(by_strain[x, y], expected[v], 1e-10)  # a sum over all ten structures
        agree(by_strain[y, x], expected[v], 1e-10)


@every_descriptor
def test_motion_is_the_transpose_of_slope(settings):
    """motion . V(weights) = J(motion) . weights"""
    batch = batch_of(CASES.values())
    lists = joined(batch, settings, block=2)
    weights, motion, _, slope, change = random_maps(lists, len(batch.species), settings)
    agree((motion * slope).sum(), (change * weights).sum(), 1e-11)


def test_motion_is_the_change_of_the_descriptors():
    """Central differences, error 1e-16 / h + h^2."""
    batch, settings, h = batch_of([CASES["slab"]]), SETTINGS["tutorial"], 1e-5
    lists = joined(batch, settings)
    _, motion, _, _, change = random_maps(lists, 4, settings)
    there, back = (
        descriptors(
            lists.geometry._replace(vectors=lists.geometry.vectors + x * motion),
            4,
            settings,
        )
        for x in (h, -h)
    )
    np.testing.assert_allclose(change, (there - back) / (2 * h), atol=1e-6)


def test_slope_is_the_derivative_of_motion_in_turn():
    """Linear maps, so the derivative of |J|^2 / 2 = J^T J by way of a third tape."""
    batch, settings = batch_of([CASES["molecule"]]), MBP
    geometry = joined(batch, settings).geometry
    weights = tf.ones((5, settings.n_features), tf.float64)
    motion = tf.Variable(tf.ones_like(geometry.vectors))
    with tf.GradientTape() as tape:
        _, _, change = maps(geometry, 5, settings, weights, motion)
        half = tf.reduce_sum(change * change) / 2
    got = tape.gradient(half, motion)
    _, expected, _ = maps(geometry, 5, settings, change, motion)
    agree(got, expected, 1e-11)


@every_descriptor
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_padding_is_not_seen(settings, dtype):
    """Beyond the rounding of loops whose last round is filled in another way."""
    batch = batch_of([CASES["molecule"], CASES["collinear"], CASES["chain"]])
    n = len(batch.species)
    plain = joined(batch, settings, dtype, 2)
    padded = joined(batch, settings, dtype, 2, Padding(pairs=7, near=5, blocks=3))
    _, _, g, slope, change = random_maps(plain, n, settings)
    _, _, padded_g, padded_slope, padded_change = random_maps(padded, n, settings)
    assert (padded_slope[len(slope) :] == 0).all()
    used = padded_slope[: len(slope)]
    for got, expected in ((padded_g, g), (used, slope), (padded_change, change)):
        rounding = 4 * np.finfo(dtype).eps * abs(expected).max()
        np.testing.assert_allclose(got, expected, rtol=0, atol=rounding)


@pytest.mark.parametrize("settings", [MBP, BP], ids=["mBP", "BP"])
def test_length_of_blocks_does_not_matter(settings):
    batch = batch_of(CASES.values())
    expected = random_maps(joined(batch, settings), len(batch.species), settings)
    for block in (2, 4, 8):
        lists = joined(batch, settings, block=block)
        got = random_maps(lists, len(batch.species), settings)
        for one, other in zip(got[2:], expected[2:], strict=True):
            agree(one, other, 1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["generation 0", "generation 1", "generation 3", "BP"])
def test_what_depends_on_the_angle_is_flat_on_a_line(name, dtype):
    """Atoms on a slanted line push along the line alone, also with rounded vectors."""
    settings, direction = SETTINGS[name], np.array([1.0, 2.0, -1.5])
    direction /= np.linalg.norm(direction)
    line = placed("OCO", np.outer([-1.2, 0.1, 1.3], direction))
    lists = joined(batch_of([line]), settings, dtype)
    slope = random_maps(lists, 3, settings)[3]
    assert np.isfinite(slope).all()
    across = slope - np.outer(slope @ direction, direction)
    largest = {np.float32: 1e-5, np.float64: 1e-13}[dtype]
    assert abs(across).max() < largest * abs(slope).max()


@pytest.mark.parametrize("settings", [MBP, BP], ids=["mBP", "BP"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("jit", [False, True], ids=["graph", "XLA"])
def test_graphs_give_what_eager_does(settings, dtype, jit):
    """Lengths and number of atoms unknown in the graph; inside a loop with XLA."""
    batch = batch_of(CASES.values())
    n = len(batch.species)
    lists = joined(batch, settings, dtype, 2, Padding(3, 2, 1))
    expected = random_maps(lists, n, settings)[2:]
    got = random_maps(lists, n, settings, in_a_loop if jit else in_a_graph)[2:]
    for one, other in zip(got, expected, strict=True):
        tolerance = {np.float32: 2e-5, np.float64: 1e-12}[dtype]
        np.testing.assert_allclose(one, other, atol=tolerance * abs(other).max())


def in_a_graph(geometry, n_atoms, settings, weights, motion):
    def anything(x):
        return tf.TensorSpec([None, *x.shape[1:]], x.dtype)

    signature = [
        Geometry(*map(anything, geometry)),
        tf.TensorSpec([], tf.int32),
        anything(weights),
        anything(motion),
    ]
    traced = tf.function(
        lambda geometry, n, w, d: maps(geometry, n, settings, w, d), signature
    )
    return traced(geometry, tf.constant(n_atoms), weights, motion)


def in_a_loop(geometry, n_atoms, settings, weights, motion):
    @tf.function(jit_compile=True, autograph=False)
    def run(geometry, weights, motion, n_steps):
        def step(k, g, slope, change):
            return k + 1, *maps(geometry, n_atoms, settings, weights, motion)

        start = (0, weights * 0, motion * 0, weights * 0)
        return tf.while_loop(lambda k, *_: k < n_steps, step, start)[1:]

    return run(geometry, weights, motion, tf.constant(2))


PAIR_OUT_OF_ANGULAR_REACH = placed("HH", [[0.1, 0.1, 0.1], [3.5, 0.1, 0.1]])


@pytest.mark.parametrize(
    "structure", [CASES["lone atom"], PAIR_OUT_OF_ANGULAR_REACH], ids=["alone", "pair"]
)
def test_nothing_around(structure):
    """No pairs, or no triplets."""
    batch = batch_of([structure])
    lists = joined(batch, MBP)
    _, _, g, slope, _ = random_maps(lists, len(batch.species), MBP)
    agree(g, batch_descriptors(batch, MBP), 1e-12)
    assert slope.shape == lists.vectors.shape


@pytest.mark.parametrize("graph", [False, True])
def test_a_second_derivative_by_vectors_is_refused(graph):
    geometry = joined(batch_of([CASES["molecule"]]), MBP).geometry

    def second_derivative():
        vectors = tf.identity(geometry.vectors)
        with tf.GradientTape() as outer:
            outer.watch(vectors)
            with tf.GradientTape() as inner:
                inner.watch(vectors)
                g = descriptors(geometry._replace(vectors=vectors), 5, MBP)
                total = tf.reduce_sum(g * g)
            force = inner.gradient(total, vectors)
        return outer.gradient(force, vectors)

    in_graph = tf.function(second_derivative, autograph=False)
    with pytest.raises(NotImplementedError, match="only first ones are there"):
        in_graph() if graph else second_derivative()


def test_a_first_derivative_by_two_tapes_is_none_of_that():
    """The energy's own slope, seen by an outer tape that watches the vectors too."""
    geometry = joined(batch_of([CASES["molecule"]]), MBP).geometry
    with tf.GradientTape() as outer:
        outer.watch(geometry.vectors)
        total = tf.reduce_sum(descriptors(geometry, 5, MBP))
    assert np.isfinite(outer.gradient(total, geometry.vectors)).all()


def test_rotated_vectors_give_the_same_descriptors():
    turn, _ = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))
    geometry = joined(batch_of([scattered("CHHOH", SKEWED, (True,) * 3)]), MBP).geometry
    turned = geometry._replace(vectors=geometry.vectors @ turn)
    agree(descriptors(turned, 5, MBP), descriptors(geometry, 5, MBP), 1e-12)
