"""The Keras potential against the NumPy one; large offsets cost no digits."""

import numpy as np
import pytest

from annpot.networks.architecture import LayerSpec, LayerWeights, NetworkSpec
from annpot.networks.numpy_potential import energies

N_FEATURES, N_STRUCTURES = 5, 4
SPECS = (
    NetworkSpec("H", N_FEATURES, (LayerSpec(4, 1), LayerSpec(1, 0)), -13.62),
    NetworkSpec(
        "O",
        N_FEATURES,
        (LayerSpec(3, 4), LayerSpec(3, 2), LayerSpec(2, 3), LayerSpec(1, 0)),
        -2041.84,
    ),
)


@pytest.fixture(scope="module")
def atoms():
    """(g, species, structure) of 15 atoms in random order."""
    rng = np.random.default_rng(4)
    species = rng.integers(0, 2, 15)
    return rng.random((15, N_FEATURES)), species, rng.integers(0, N_STRUCTURES, 15)


@pytest.fixture(scope="module")
def weights():
    rng = np.random.default_rng(5)
    return {
        spec.element: tuple(
            LayerWeights(rng.normal(size=shape), rng.normal(size=shape[1]))
            for shape in spec.shapes
        )
        for spec in SPECS
    }


def potential_energies(atoms, specs, weights, dtype):
    from annpot.networks.potential import Potential

    g, species, structure = atoms
    potential = Potential(specs, dtype)
    potential.set_layers(weights)
    chosen = [species == index for index in range(len(specs))]
    found = potential(
        [g[atoms].astype(dtype) for atoms in chosen],
        [structure[atoms] for atoms in chosen],
        n_structures=N_STRUCTURES,
    )
    return potential, found.numpy()


def test_energies_are_those_of_the_numpy_potential(atoms, weights):
    _, found = potential_energies(atoms, SPECS, weights, "float64")
    g, species, structure = atoms
    expected = energies(g, species, structure, N_STRUCTURES, SPECS, weights)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=1e-14)  # float64 rounding


def test_weights_come_back_as_they_were_set(atoms, weights):
    potential, _ = potential_energies(atoms, SPECS, weights, "float32")
    for element, layers in potential.layers_of().items():
        for found, expected in zip(layers, weights[element], strict=True):
            np.testing.assert_array_equal(found.kernel, np.float32(expected.kernel))
            np.testing.assert_array_equal(found.bias, np.float32(expected.bias))


def test_large_offsets_cost_no_precision(atoms, weights):
    # In float32 a total energy near -10^4 eV has steps of 1e-3 eV; networks in float32
    # of a few eV have 1e-6.
    bare = tuple(
        NetworkSpec(spec.element, spec.n_features, spec.layers) for spec in SPECS
    )
    _, found = potential_energies(atoms, SPECS, weights, "float32")
    _, without = potential_energies(atoms, bare, weights, "float32")
    g, species, structure = atoms
    offsets = np.array([spec.offset for spec in SPECS])[species]
    shift = np.bincount(structure, weights=offsets, minlength=N_STRUCTURES)
    np.testing.assert_allclose(found - shift, without, rtol=0, atol=1e-11)
    double = energies(g, species, structure, N_STRUCTURES, SPECS, weights)
    np.testing.assert_allclose(found, double, rtol=0, atol=2e-5)
    assert np.abs(found).max() > 4000.0


def test_a_structure_without_atoms_has_no_energy(weights):
    g, species = np.ones((1, N_FEATURES)), np.array([1])
    _, found = potential_energies(
        (g, species, np.array([2])), SPECS, weights, "float64"
    )
    assert found[2] != 0.0
    np.testing.assert_array_equal(found[[0, 1, 3]], 0.0)
