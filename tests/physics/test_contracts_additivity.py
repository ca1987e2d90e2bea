"""Energies are sums over atoms that see no further than the cutoff.

Tolerance 1e-11 for numbers of order 1, as in test_contracts_symmetry; sums over a batch
or a supercell of n atoms are allowed n / 10 times that. A batch is not bitwise its
structures one by one: products of matrices of other heights add up in another order.
"""

from dataclasses import replace

import numpy as np
import pytest

from annpot.forces.prediction import StructurePotential, predict_batch
from annpot.networks.architecture import LayerWeights
from annpot.networks.numpy_potential import network_output
from annpot.structures.batch import structure_batch
from reference.descriptor_cases import CASES, placed, scattered
from reference.small_potentials import (
    DESCRIPTORS,
    POTENTIALS,
    STRUCTURES,
    potential_of,
    predicted,
    repeated,
)

every_potential = pytest.mark.parametrize(
    "potential", POTENTIALS.values(), ids=POTENTIALS
)


def agree(found, expected, n_atoms=10):
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * max(n_atoms, 10))


SUPERCELLS = {
    "crystal": (2, 1, 1),
    "small cell": (2, 3, 1),
    "slab": (3, 2, 1),
    "wire": (4, 1, 1),
}


@every_potential
@pytest.mark.parametrize("case", SUPERCELLS)
def test_a_supercell_has_n_times_the_energy_and_virial(potential, case):
    structure, counts = STRUCTURES[case], SUPERCELLS[case]
    n = int(np.prod(counts))
    one = predicted(potential, structure)
    many = predicted(potential, repeated(structure, counts))
    agree(many.energies, n * one.energies, n * structure.n_atoms)
    agree(many.forces, np.tile(one.forces, (n, 1)))
    agree(many.virials, n * one.virials, n * structure.n_atoms)


@every_potential
def test_far_molecules_do_not_feel_each_other(potential):
    one, other = scattered("CHHO", seed=1), scattered("OHC", seed=2)
    far = other.positions + np.array([0.0, 40.0, 0.0])
    both = placed(one.symbols + other.symbols, np.concatenate([one.positions, far]))
    a, b, together = (predicted(potential, s) for s in (one, other, both))
    agree(together.energies, a.energies + b.energies)
    agree(together.forces, np.concatenate([a.forces, b.forces]))
    agree(together.virials, a.virials + b.virials)


@every_potential
@pytest.mark.parametrize("cell", [None, 30.0 * np.eye(3)], ids=["free", "in a box"])
def test_a_lone_atom_is_its_network_at_zero(potential, cell):
    pbc = (cell is not None,) * 3
    for spec in potential.specs:
        lone = placed(spec.element, [[0.3, 0.2, 0.1]], cell, pbc)
        found = predicted(potential, lone)
        nothing = np.zeros((1, spec.n_features))
        layers = potential.weights[spec.element]
        agree(found.energies, network_output(nothing, spec, layers) + spec.offset)
        assert not found.forces.any()
        assert not found.virials.any()


@every_potential
@pytest.mark.parametrize("threads", [1, 2])
def test_a_batch_is_its_structures_one_by_one(potential, threads):
    structures = [*CASES.values(), *STRUCTURES.values()]
    batch = structure_batch(structures, potential.settings.species)
    together = predict_batch(potential, batch, threads=threads)
    for s, structure in enumerate(structures):
        alone = predicted(potential, structure)
        agree(together.energies[s], alone.energies[0])
        agree(together.forces[batch.first[s] : batch.first[s + 1]], alone.forces)
        agree(together.virials[s], alone.virials[0])


@every_potential
def test_energies_with_and_without_derivatives_agree(potential):
    batch = structure_batch(list(STRUCTURES.values()), potential.settings.species)
    full = predict_batch(potential, batch)
    forces = predict_batch(potential, batch, with_virials=False)
    plain = predict_batch(potential, batch, with_forces=False, with_virials=False)
    agree(plain.energies, full.energies)
    np.testing.assert_array_equal(forces.energies, full.energies)
    np.testing.assert_array_equal(forces.forces, full.forces)


@every_potential
def test_the_network_of_an_absent_species_is_not_asked(potential):
    """Not even when its weights are not numbers."""
    structure = scattered("CHHC")
    layers = potential.weights["O"]
    spoilt = [LayerWeights(w.kernel * np.nan, w.bias * np.nan) for w in layers]
    weights = potential.weights | {"O": tuple(spoilt)}
    expected = predicted(potential, structure)
    found = predicted(replace(potential, weights=weights), structure)
    np.testing.assert_array_equal(found.energies, expected.energies)
    np.testing.assert_array_equal(found.forces, expected.forces)
    np.testing.assert_array_equal(found.virials, expected.virials)


def without_oxygen(potential):
    """The potential of hydrogen and carbon that is left without oxygen."""
    settings = replace(potential.settings, species=("H", "C"))
    names = potential.settings.feature_names()
    kept = [names.index(name) for name in settings.feature_names()]
    specs = tuple(replace(s, n_features=len(kept)) for s in potential.specs[:2])
    weights = {
        element: (LayerWeights(layers[0].kernel[kept], layers[0].bias), *layers[1:])
        for element, layers in potential.weights.items()
    }
    return StructurePotential(settings, specs, weights)


@pytest.mark.parametrize("settings", DESCRIPTORS.values(), ids=DESCRIPTORS)
@pytest.mark.parametrize("case", STRUCTURES)
def test_descriptors_of_an_absent_species_add_nothing(settings, case):
    full = potential_of(settings)
    smaller = without_oxygen(full)
    assert smaller.settings.n_features < settings.n_features
    structure = STRUCTURES[case]
    symbols = tuple(s.replace("O", "H") for s in structure.symbols)
    structure = replace(structure, symbols=symbols)
    found, expected = predicted(smaller, structure), predicted(full, structure)
    agree(found.energies, expected.energies)
    agree(found.forces, expected.forces)
    agree(found.virials, expected.virials)
