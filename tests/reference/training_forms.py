"""Small sets of structures in the two forms in which a training step reads them."""

from types import SimpleNamespace

import numpy as np

from annpot.data.structure_set import read_structure_set
from annpot.descriptors.calculator import batch_descriptors
from annpot.networks.activations import ACTIVATIONS
from annpot.structures.stress import periodic_projectors
from annpot.tensorflow_import import import_tensorflow
from annpot.training.forms.derivative_parts import parts_of_structures
from annpot.training.forms.force_data import ComputedData, StoredData
from annpot.training.forms.force_targets import ForceTargets
from annpot.training.forms.neighbor_store import NeighborStore
from annpot.training.forms.prediction import AtomicNetworks
from annpot.training.forms.stored_blocks import StoredBlocks
from reference.descriptor_cases import CASES, SPECIES
from reference.small_potentials import STRUCTURES

tf = import_tensorflow()
MIXED = STRUCTURES | {
    name: CASES[name]
    for name in ("lone atom", "absent species", "one atom and its images", "collinear")
}
ALL = (None,) * len(SPECIES)  # columns of each element: all of them


def nothing(_):
    """Progress that is not shown."""


def structure_set(structures):
    """StructureSet of some structures."""
    return read_structure_set(structures, SPECIES, nothing)


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
        batch.first, batch.species, structures.energies, structures.forces,
        structures.virials, periodic_projectors(batch.cells, batch.pbc),
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


def both_forms(structures, settings, columns, dtype, folder):
    """ComputedData, then StoredData."""
    yield computed_data(structures, settings, columns, dtype, folder)
    yield stored_data(structures, settings, columns, dtype)
