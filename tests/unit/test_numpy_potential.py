"""Energies of the NumPy potential: by hand, and the symmetries of a sum over atoms."""

import numpy as np
import pytest

from annpot.networks.architecture import LayerSpec, LayerWeights, NetworkSpec
from annpot.networks.numpy_potential import (
    atomic_energies,
    atomic_energies_and_gradients,
    energies,
    network_gradient,
    network_output,
)

GAUSSIAN, LINEAR = 1, 0


@pytest.fixture
def potential():
    """(specs, weights) of H and O with three descriptors, networks 4-1 and 2-1."""
    rng = np.random.default_rng(11)
    specs = (
        NetworkSpec("H", 3, (LayerSpec(4, GAUSSIAN), LayerSpec(1, LINEAR)), -13.62),
        NetworkSpec("O", 3, (LayerSpec(2, 4), LayerSpec(1, LINEAR)), -2041.84),
    )
    weights = {
        spec.element: tuple(
            LayerWeights(
                rng.normal(size=shape).astype(np.float32),
                rng.normal(size=shape[1]).astype(np.float32),
            )
            for shape in spec.shapes
        )
        for spec in specs
    }
    return specs, weights


@pytest.fixture
def water():
    """Descriptors and species of two waters and one lone oxygen, flat."""
    g = np.random.default_rng(5).random((7, 3))
    species = np.array([1, 0, 0, 0, 1, 0, 1])
    structure = np.array([0, 0, 0, 1, 1, 1, 2])
    return g, species, structure


def test_a_network_by_hand():
    spec = NetworkSpec("H", 2, (LayerSpec(2, GAUSSIAN), LayerSpec(1, LINEAR)), 0.0)
    layers = (
        LayerWeights(np.array([[1.0, 0.0], [0.5, -1.0]]), np.array([0.0, 1.0])),
        LayerWeights(np.array([[2.0], [-4.0]]), np.array([0.25])),
    )
    # y1 = exp(-(1 + 1)^2) , exp(-(-2 + 1)^2) for x = (1, 2)
    expected = 2 * np.exp(-4.0) - 4 * np.exp(-1.0) + 0.25
    output = network_output(np.array([[1.0, 2.0]]), spec, layers)
    np.testing.assert_allclose(output, [expected], rtol=1e-15)


def test_energy_is_the_sum_of_networks_and_offsets(potential, water):
    specs, weights = potential
    g, species, structure = water
    total = energies(g, species, structure, 3, specs, weights)
    by_hand = np.zeros(3)
    for atom in range(7):
        spec = specs[species[atom]]
        output = network_output(g[atom : atom + 1], spec, weights[spec.element])
        by_hand[structure[atom]] += output[0] + spec.offset
    # Sums of three numbers near 2000 in another order: a few 2000 * 2^-53.
    np.testing.assert_allclose(total, by_hand, rtol=0, atol=1e-11)


def test_equal_atoms_may_change_places(potential, water):
    specs, weights = potential
    g, species, structure = water
    order = np.array([2, 0, 1, 5, 4, 3, 6])
    moved = energies(g[order], species[order], structure, 3, specs, weights)
    original = energies(g, species, structure, 3, specs, weights)
    np.testing.assert_allclose(moved, original, rtol=0, atol=1e-11)


def test_a_batch_is_its_structures_one_by_one(potential, water):
    specs, weights = potential
    g, species, structure = water
    together = energies(g, species, structure, 3, specs, weights)
    for number in range(3):
        of = structure == number
        alone = energies(g[of], species[of], np.zeros(of.sum(), int), 1, specs, weights)
        np.testing.assert_allclose(alone, together[number], rtol=0, atol=1e-11)


def test_an_absent_element_changes_nothing(potential):
    specs, weights = potential
    g = np.ones((1, 3))
    alone = atomic_energies(g, np.array([1]), specs[:2], weights)
    output = network_output(g, specs[1], weights["O"])
    np.testing.assert_array_equal(alone, output + specs[1].offset)


def test_offsets_stay_in_float64_when_networks_are_float32(potential, water):
    specs, weights = potential
    g, species, structure = water
    double = energies(g, species, structure, 3, specs, weights)
    single = energies(g, species, structure, 3, specs, weights, np.float32)
    # Networks of order 1 in float32: 1e-6. A sum in float32 would lose 1e-4 at 2000.
    np.testing.assert_allclose(single, double, rtol=0, atol=2e-6)
    assert single.dtype == np.float64


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4])
def test_the_gradient_of_a_network_is_its_central_difference(number):
    rng = np.random.default_rng(number)
    spec = NetworkSpec("H", 3, tuple(LayerSpec(n, number) for n in (5, 4, 1)))
    layers = [
        LayerWeights(0.5 * rng.normal(size=shape), 0.5 * rng.normal(size=shape[1]))
        for shape in spec.shapes
    ]
    g, h = rng.random((4, 3)), 1e-3

    def slope(c):
        step = np.eye(3)[c]
        e = {k: network_output(g + k * h * step, spec, layers) for k in (-2, -1, 1, 2)}
        return (8 * (e[1] - e[-1]) - (e[2] - e[-2])) / (12 * h)

    output, gradient = network_gradient(g, spec, layers)
    np.testing.assert_array_equal(output, network_output(g, spec, layers))
    # h^4 = 1e-12 times fifth derivatives of order 100, and rounding 1e-16 / h.
    expected = np.stack([slope(c) for c in range(3)], axis=1)
    np.testing.assert_allclose(gradient, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_each_atom_has_the_gradient_of_its_own_network(potential, water, dtype):
    specs, weights = potential
    g, species, _ = water
    per_atom, gradients = atomic_energies_and_gradients(
        g, species, specs, weights, dtype
    )
    np.testing.assert_array_equal(
        per_atom, atomic_energies(g, species, specs, weights, dtype)
    )
    for atom in range(7):
        spec = specs[species[atom]]
        row = g[atom : atom + 1]
        _, alone = network_gradient(row, spec, weights[spec.element], dtype)
        # The same numbers in a smaller matrix product: another order of sums.
        np.testing.assert_allclose(gradients[atom], alone[0], rtol=0, atol=2e-6)
    assert gradients.dtype == np.float64
