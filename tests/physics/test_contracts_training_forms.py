"""Energies, forces and virials of the forms of the step are those of NumPy.

Batches hold a molecule, crystals, a slab, a wire, a lone atom, a straight molecule and
structures that lack species, in another order than they are stored and one of them
twice, with room to spare for atoms of each element, pairs, triplets and derivatives.

Tolerances: 1e-10 in float64, sums of terms of order 1 in another order, where slopes of
angles near a line have a few digits less. In float32 2e-5 of the largest number: 6e-8
in each descriptor, zeta = 5 and the slopes of two layers.
"""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from annpot.data.structure_set import read_structure_set
from annpot.descriptors.calculator import batch_descriptors
from annpot.forces.prediction import predict_batch
from annpot.networks.activations import ACTIVATIONS
from annpot.tensorflow_import import import_tensorflow
from annpot.training.derivative_parts import parts_of_structures
from annpot.training.force_data import ComputedData, StoredData
from annpot.training.force_targets import ForceTargets, projectors
from annpot.training.neighbor_store import NeighborStore
from annpot.training.prediction import AtomicNetworks
from annpot.training.stored_blocks import StoredBlocks
from reference.descriptor_cases import CASES, SPECIES
from reference.small_potentials import DESCRIPTORS, NETWORKS, STRUCTURES, potential_of

tf = import_tensorflow()
MIXED = STRUCTURES | {
    name: CASES[name]
    for name in ("lone atom", "absent species", "one atom and its images", "collinear")
}
ORDER = np.array([[5, 2, 7, 0, 3], [1, 8, 6, 4, 8]])  # two batches of five structures
SPARE = 3  # places more than any batch needs, of every kind


def nothing(_):
    """Progress that is not shown."""


@pytest.fixture(scope="module")
def structures():
    return read_structure_set(MIXED.values(), SPECIES, nothing)


def computed_data(structures, settings, columns, dtype, folder, block=2, budget=1e9):
    """ComputedData with neighbour lists in blocks of `block` triplets."""
    store = NeighborStore(structures, settings, block, dtype, budget, folder, nothing)
    return ComputedData(
        targets_of(structures), structures.element_counts, True, store, settings,
        columns, dtype,
    )  # fmt: skip


def stored_data(structures, settings, columns, dtype):
    """StoredData with descriptors and derivatives rounded to dtype."""
    g = batch_descriptors(structures.batch, settings).astype(dtype)
    tables = []
    for element, kept in enumerate(columns):
        own = g[structures.batch.species == element]
        own = own if kept is None else own[:, kept]
        tables.append(np.concatenate([own, 0 * own[:1]]))
    parts = parts_of_structures(structures, settings, dtype, True, nothing)
    blocks = StoredBlocks(parts, columns, dtype)
    return StoredData(
        targets_of(structures), structures.element_counts, True,
        SimpleNamespace(g=tuple(tables)), blocks,
    )  # fmt: skip


def targets_of(structures):
    """Targets without labels."""
    batch = structures.batch
    return ForceTargets(
        batch.first, batch.species, len(SPECIES), structures.energies,
        structures.forces, structures.virials, projectors(batch.cells, batch.pbc),
    )  # fmt: skip


def networks_of(potential, columns, dtype):
    """AtomicNetworks with the rows of the columns in use."""
    layers, activations = [], []
    for spec, kept in zip(potential.specs, columns, strict=True):
        weights = [(w.kernel, w.bias) for w in potential.weights[spec.element]]
        if kept is not None:
            weights[0] = (weights[0][0][kept], weights[0][1])
        layers.append(
            [(tf.constant(w, dtype), tf.constant(b, dtype)) for w, b in weights]
        )
        activations.append([ACTIVATIONS[x.activation].name for x in spec.layers])
    return AtomicNetworks(layers, activations, dtype)


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


ALL = (None,) * len(SPECIES)
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


def both_forms(structures, settings, columns, dtype, folder):
    yield computed_data(structures, settings, columns, dtype, folder)
    yield stored_data(structures, settings, columns, dtype)


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
    structures = read_structure_set(hydrocarbons, SPECIES, nothing)
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
    monkeypatch.setattr("annpot.training.neighbor_store.ATOMS_TOGETHER", 8)
    settings = DESCRIPTORS["mBP generation 1"]
    potential, where = potential_of(settings), (tmp_path, block, budget)
    data = computed_data(structures, settings, ALL, np.float64, *where)
    assert data.is_resident == (budget == 1e9)
    agree(data, networks_of(potential, ALL, np.float64), structures, potential)


@every_precision
def test_compiled_by_xla_the_forms_agree_too(structures, dtype, tmp_path):
    potential = potential_of(DESCRIPTORS["mBP generation 3"])
    networks = networks_of(potential, ALL, dtype)
    for data in both_forms(structures, potential.settings, ALL, dtype, tmp_path):
        agree(data, networks, structures, potential, xla=True)
