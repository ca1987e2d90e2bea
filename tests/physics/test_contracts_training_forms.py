"""Energies, forces and virials of the forms of the step are those of NumPy.

Batches hold a molecule, crystals, a slab, a wire, a lone atom, a straight molecule and
structures that lack species, in another order than they are stored and one of them
twice, with room to spare for atoms of each element, pairs, triplets and derivatives.

Tolerances: 1e-10 in float64, sums of terms of order 1 in another order, where slopes of
angles near a line have a few digits less. In float32 2e-5 of the largest number: 6e-8
in each descriptor, zeta = 5 and the slopes of two layers.
"""

from dataclasses import replace

import numpy as np
import pytest

from annpot.data.structure_set import selected
from annpot.descriptors.calculator import batch_descriptors
from annpot.forces.prediction import predict_batch
from annpot.networks.architecture import LayerWeights
from annpot.tensorflow_import import import_tensorflow
from annpot.training.forms.prediction import AtomicNetworks
from reference.small_potentials import DESCRIPTORS, NETWORKS, potential_of
from reference.training_forms import (
    ALL,
    MIXED,
    both_forms,
    computed_data,
    networks_of,
    stored_data,
    structure_set,
)

tf = import_tensorflow()
ORDER = np.array([[5, 2, 7, 0, 3], [1, 8, 6, 4, 8]])  # two batches of five structures
SPARE = 3  # places more than any batch needs, of every kind


@pytest.fixture(scope="module")
def structures():
    return structure_set(MIXED.values())


def predictions_in_padded_batches(data, networks, xla=False):
    """(energies without offsets, forces, virials) of each structure in ORDER."""
    shape = tuple(int(n) + SPARE for n in data.counts[ORDER].sum(axis=1).max(axis=0))
    chunk = data.chunk(ORDER, shape)
    form = data.step_form(None)
    tables = tf.nest.map_structure(tf.constant, form.arrays(data.tables))

    @tf.function(jit_compile=xla, autograph=False)
    def predicted(tables, batch):
        return form(networks, tables, batch)

    for step, records in enumerate(ORDER):
        batch = tf.nest.map_structure(lambda x, n=step: tf.constant(x[n]), chunk)
        found = tf.nest.map_structure(lambda x: x.numpy(), predicted(tables, batch))
        owners = np.concatenate([own[step] for own in chunk.owners])
        assert not found.forces[owners == len(records)].any()  # spare places
        for s in range(len(records)):
            # Atoms of an element follow the order of the structure, element by element.
            yield found.energies[s], found.forces[owners == s], found.virials[s]


def expected_of(structures, potential):
    """The same from the NumPy potential."""
    batch = structures.batch
    offsets = np.array([spec.offset for spec in potential.specs])
    found = predict_batch(potential, batch)
    energies = found.energies - structures.element_counts @ offsets
    for s in ORDER.ravel():
        atoms = np.arange(batch.first[s], batch.first[s + 1])
        atoms = atoms[np.argsort(batch.species[atoms], kind="stable")]
        yield energies[s], found.forces[atoms], found.virials[s]


def agree(data, networks, structures, potential, **options):
    dtype = networks.precision
    found = zip(*predictions_in_padded_batches(data, networks, **options), strict=True)
    expected = zip(*expected_of(structures, potential), strict=True)
    for quantity in zip(found, expected, strict=True):
        got, wanted = (np.concatenate(list(map(np.atleast_1d, x))) for x in quantity)
        largest = abs(wanted).max()
        atol = {np.float64: 1e-10, np.float32: 2e-5 * largest}[dtype]
        np.testing.assert_allclose(got, wanted, rtol=0, atol=atol)
        assert got.dtype == np.float64
        assert largest > 1e-2


every_precision = pytest.mark.parametrize("dtype", [np.float64, np.float32])
every_descriptor = pytest.mark.parametrize("kind", DESCRIPTORS)


@every_precision
@every_descriptor
def test_computed_descriptors_give_the_forces_of_the_numpy_potential(
    structures, kind, dtype, tmp_path
):
    potential = potential_of(DESCRIPTORS[kind])
    data = computed_data(structures, potential.settings, ALL, dtype, tmp_path)
    agree(data, networks_of(potential, ALL, dtype), structures, potential)


@every_precision
@every_descriptor
def test_stored_derivatives_give_the_forces_of_the_numpy_potential(
    structures, kind, dtype
):
    potential = potential_of(DESCRIPTORS[kind])
    data = stored_data(structures, potential.settings, ALL, dtype)
    agree(data, networks_of(potential, ALL, dtype), structures, potential)


@pytest.mark.parametrize("network", NETWORKS)
def test_every_kind_of_network_has_the_same_forces_in_every_form(
    structures, network, tmp_path
):
    settings = DESCRIPTORS["mBP generation 3"]
    potential = potential_of(settings, activations=NETWORKS[network])
    networks = networks_of(potential, ALL, np.float64)
    for data in both_forms(structures, settings, ALL, np.float64, tmp_path):
        agree(data, networks, structures, potential)


def test_columns_that_are_zero_may_be_left_out(tmp_path):
    """A data set without oxygen: no column of it is needed, and none of its network."""
    settings = DESCRIPTORS["BP"]
    potential = potential_of(settings)
    hydrocarbons = [
        replace(s, symbols=tuple(x.replace("O", "H") for x in s.symbols))
        for s in MIXED.values()
    ]
    structures = structure_set(hydrocarbons)
    g, species = batch_descriptors(structures.batch, settings), structures.batch.species
    columns = [np.flatnonzero(g[species == s].any(axis=0)) for s in range(3)]
    assert [len(kept) for kept in columns] == [32, 24, 0]  # of 60; one C at a time
    networks = networks_of(potential, columns, np.float64)
    for data in both_forms(
        structures, potential.settings, columns, np.float64, tmp_path
    ):
        agree(data, networks, structures, potential)


@pytest.mark.parametrize("block", [1, 4])
@pytest.mark.parametrize("budget", [1e9, 5e3, 0], ids=["memory", "file later", "file"])
def test_where_and_how_neighbours_are_listed_changes_nothing(
    structures, block, budget, tmp_path, monkeypatch
):
    """In blocks of one triplet or four; in memory or, beyond the budget, in a file."""
    monkeypatch.setattr("annpot.training.forms.neighbor_store.ATOMS_TOGETHER", 8)
    settings = DESCRIPTORS["mBP generation 1"]
    potential, where = potential_of(settings), (tmp_path, block, budget)
    data = computed_data(structures, settings, ALL, np.float64, *where)
    assert data.is_resident == (budget == 1e9)
    agree(data, networks_of(potential, ALL, np.float64), structures, potential)


def test_compiled_by_xla_the_forms_agree_too(structures, tmp_path):
    settings = DESCRIPTORS["mBP generation 3"]
    potential = potential_of(settings)
    networks = networks_of(potential, ALL, np.float64)
    for data in both_forms(structures, settings, ALL, np.float64, tmp_path):
        agree(data, networks, structures, potential, xla=True)


@pytest.mark.parametrize("kind", ["mBP generation 3", "BP"])
@pytest.mark.parametrize("network", ["gaussian", "rbf"])
def test_forces_and_virials_are_trained_by_their_slope(
    structures, kind, network, tmp_path
):
    """d(E^2 + F^2 + W^2)/d(weights), along one direction, against the NumPy potential.

    Differences of order h^4, h = 1e-4, of a loss of order 100: 1e-16 of fifth
    derivatives, and 1e-14 over h, beside slopes of order 10.
    """
    settings = DESCRIPTORS[kind]
    potential = potential_of(settings, activations=NETWORKS[network])
    rng = np.random.default_rng(7)
    direction = {
        element: [
            [rng.normal(size=x.shape) for x in (w.kernel, w.bias)] for w in layers
        ]
        for element, layers in potential.weights.items()
    }
    loss = {
        k: loss_along(structures, potential, direction, 1e-4 * k)
        for k in (-2, -1, 1, 2)
    }
    expected = (8 * (loss[1] - loss[-1]) - (loss[2] - loss[-2])) / (12 * 1e-4)
    networks = networks_of(potential, ALL, np.float64)
    for data in both_forms(structures, settings, ALL, np.float64, tmp_path):
        found = slope_along(data, networks, list(direction.values()))
        assert found == pytest.approx(expected, rel=1e-8)


def loss_along(structures, potential, direction, x):
    """E^2 + F^2 + W^2 of the first batch with the weights moved by x."""
    weights = {
        element: tuple(
            LayerWeights(w.kernel + x * by_kernel, w.bias + x * by_bias)
            for w, (by_kernel, by_bias) in zip(layers, direction[element], strict=True)
        )
        for element, layers in potential.weights.items()
    }
    specs = tuple(replace(spec, offset=0.0) for spec in potential.specs)
    batch = selected(structures.batch, ORDER[0])
    found = predict_batch(replace(potential, specs=specs, weights=weights), batch)
    return sum((v**2).sum() for v in (found.energies, found.forces, found.virials))


def slope_along(data, networks, direction):
    """Derivative of the same loss by differentiation through the form of the step."""
    shape = tuple(int(n) + SPARE for n in data.counts[ORDER].sum(axis=1).max(axis=0))
    chunk = data.chunk(ORDER, shape)
    batch = tf.nest.map_structure(lambda x: tf.constant(x[0]), chunk)
    form = data.step_form(None)
    tables = tf.nest.map_structure(tf.constant, form.arrays(data.tables))

    @tf.function(autograph=False)
    def gradients(weights):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            moving = AtomicNetworks(weights, networks.activations, np.float64)
            found = form(moving, tables, batch)
            loss = sum(tf.reduce_sum(v**2) for v in found)
        return tape.gradient(loss, weights, unconnected_gradients="zero")

    slopes = tf.nest.flatten(gradients(networks.layers))
    moves = tf.nest.flatten(direction)
    return sum((g.numpy() * d).sum() for g, d in zip(slopes, moves, strict=True))
