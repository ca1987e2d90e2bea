"""Forces and virials of networks: differences, stored derivatives, other programs.

Networks of order 1 on descriptors whose derivatives are of order 1 to 100.
"""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from annpot.data.records import DenseDerivatives, sparse_derivatives
from annpot.data.tfrecord import read_records
from annpot.descriptors.derivative_pieces import derivative_pieces
from annpot.descriptors.derivatives import descriptors_and_derivatives
from annpot.errors import InputError
from annpot.forces.prediction import StructurePotential, predict_batch, predictions
from annpot.forces.stored import forces_from_dense, forces_from_sparse
from annpot.networks.architecture import LayerSpec, LayerWeights, NetworkSpec
from annpot.networks.numpy_potential import atomic_energies_and_gradients
from annpot.structures.batch import structure_batch
from annpot.structures.example_json import read_example
from annpot.structures.structure import Structure
from reference.descriptor_cases import (
    CASES,
    PANNA_CONSTANTS,
    SKEWED,
    SMALL_BP,
    SMALL_MBP,
    SPECIES,
    TUTORIAL_MBP,
    placed,
    scattered,
    settings_of,
)

VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
SETTINGS = {
    "mBP generation 1": settings_of(SPECIES, SMALL_MBP, generation=1),
    "mBP generation 3": settings_of(SPECIES, SMALL_MBP),
    "BP": settings_of(SPECIES, SMALL_BP, kind="BP"),
}
# Off the collinear line, where generation 1 has no derivative.
SMOOTH = [name for name in CASES if name != "collinear"]
every_descriptor = pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
every_smooth_case = pytest.mark.parametrize("case", SMOOTH)


def potential_of(settings, seed=2, activations=(1, 4, 0)):
    """StructurePotential with networks of 5, 4 and 1 neurons."""
    rng = np.random.default_rng(seed)
    layers = tuple(map(LayerSpec, (5, 4, 1), activations))
    specs = tuple(
        NetworkSpec(element, settings.n_features, layers, offset=-10.0 * number)
        for number, element in enumerate(settings.species)
    )
    weights = {
        spec.element: tuple(
            LayerWeights(rng.normal(size=shape) / shape[0] ** 0.5, rng.normal(size=n))
            for shape in spec.shapes
            for n in shape[1:]
        )
        for spec in specs
    }
    return StructurePotential(settings, specs, weights)


def predicted(potential, structure, **options):
    (found,) = predictions(potential, [structure], **options)
    return found


def energy(potential, structure):
    """Total energy by the path without derivatives."""
    found = predicted(potential, structure, with_forces=False, with_virials=False)
    return found.energies[0]


def slope(potential, changed, h=1e-3):
    """Derivative of the energy of changed(x) at x = 0; error of order h^4."""
    e = {k: energy(potential, changed(k * h)) for k in (-2, -1, 1, 2)}
    return (8 * (e[1] - e[-1]) - (e[2] - e[-2])) / (12 * h)


def moved(structure, k, x, step):
    positions = structure.positions.copy()
    positions[k, x] += step
    return replace(structure, positions=positions)


def strained(structure, x, y, strain):
    """All r moved to (1 + e) r, where e_xy = strain is the only entry of e."""
    matrix = np.eye(3)
    matrix[x, y] += strain
    return replace(
        structure,
        positions=structure.positions @ matrix.T,
        cell=structure.cell @ matrix.T,
    )


@every_descriptor
@every_smooth_case
def test_forces_are_minus_the_slope_of_the_energy(settings, case):
    structure, potential = CASES[case], potential_of(settings)
    expected = [
        [-slope(potential, partial(moved, structure, k, x)) for x in range(3)]
        for k in range(structure.n_atoms)
    ]
    found = predicted(potential, structure).forces
    # Fifth derivatives up to 1e4 times h^4 = 1e-12; energies of 50 eV keep 1e-14,
    # divided by h. Beyond the cutoff the second derivative jumps.
    tolerance = 1e-3 if case == "at the cutoffs" else 2e-8
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=tolerance)


@every_descriptor
@every_smooth_case
def test_the_virial_is_minus_the_slope_by_the_strain(settings, case):
    structure, potential = CASES[case], potential_of(settings)
    found = predicted(potential, structure).virials[0]
    for component, (x, y) in enumerate(VOIGT):
        # One off-diagonal entry alone: W_xy, not W_xy + W_yx.
        for pair in {(x, y), (y, x)}:
            expected = -slope(potential, partial(strained, structure, *pair))
            tolerance = 1e-3 if case == "at the cutoffs" else 5e-8
            assert found[component] == pytest.approx(expected, rel=1e-6, abs=tolerance)


def test_the_virial_of_a_molecule_is_the_sum_of_positions_times_forces():
    structure = CASES["molecule"]
    found = predicted(potential_of(SETTINGS["mBP generation 3"]), structure)
    tensor = structure.positions.T @ found.forces
    expected = [tensor[x, y] for x, y in VOIGT]
    # Rotations do not change the energy: the tensor is symmetric.
    np.testing.assert_allclose(tensor, tensor.T, atol=1e-11)
    np.testing.assert_allclose(found.virials[0], expected, rtol=1e-11, atol=1e-11)


@every_descriptor
def test_forces_add_up_to_nothing(settings):
    for structure in CASES.values():
        forces = predicted(potential_of(settings), structure).forces
        np.testing.assert_allclose(forces.sum(axis=0), 0.0, atol=1e-11)


def test_an_atom_alone_feels_nothing():
    found = predicted(potential_of(SETTINGS["mBP generation 3"]), CASES["lone atom"])
    assert not found.forces.any()
    assert not found.virials.any()


def test_a_doubled_cell_has_the_same_forces_and_twice_the_virial():
    settings = SETTINGS["mBP generation 3"]
    one = scattered("CHO", SKEWED, (True,) * 3)
    two = Structure(
        "two",
        one.symbols * 2,
        np.concatenate([one.positions, one.positions + one.cell[0]]),
        one.cell * [[2], [1], [1]],
        one.pbc,
    )
    single, double = (predicted(potential_of(settings), s) for s in (one, two))
    np.testing.assert_allclose(double.forces[:3], single.forces, atol=1e-10)
    np.testing.assert_allclose(double.forces[3:], single.forces, atol=1e-10)
    np.testing.assert_allclose(double.virials, 2 * single.virials, atol=1e-10)
    np.testing.assert_allclose(double.energies, 2 * single.energies, atol=1e-10)


def test_a_batch_is_its_structures_one_by_one():
    settings = SETTINGS["mBP generation 3"]
    potential, structures = potential_of(settings), list(CASES.values())
    batch = structure_batch(structures, settings.species)
    together = predict_batch(potential, batch)
    for s, structure in enumerate(structures):
        alone = predicted(potential, structure)
        atoms = slice(batch.first[s], batch.first[s + 1])
        # Matrix products of other heights add up in another order.
        close = {"rtol": 1e-11, "atol": 1e-11}
        np.testing.assert_allclose(together.forces[atoms], alone.forces, **close)
        np.testing.assert_allclose(together.virials[s], alone.virials[0], **close)
        np.testing.assert_allclose(together.energies[s], alone.energies[0], **close)


def test_energies_with_and_without_derivatives_agree():
    potential = potential_of(SETTINGS["BP"])
    for structure in CASES.values():
        with_forces = predicted(potential, structure).energies[0]
        assert with_forces == pytest.approx(energy(potential, structure), abs=1e-12)


@pytest.mark.parametrize("largest", [1, 2000, 10**9])
def test_pieces_are_the_derivatives_of_the_whole_batch(largest):
    settings = SETTINGS["mBP generation 1"]
    structures = list(CASES.values())
    batch = structure_batch(structures, settings.species)
    n_atoms = len(batch.positions)
    g = np.full((n_atoms, settings.n_features), np.nan)
    dense = np.zeros((n_atoms, settings.n_features, n_atoms, 3))
    strain = np.zeros((n_atoms, settings.n_features, 6))
    n_collinear = np.zeros(n_atoms, int)
    for atoms, part, found in derivative_pieces(
        batch, settings, strain=True, largest=largest
    ):
        g[atoms], strain[atoms] = part, found.strain
        n_collinear[atoms] = found.n_collinear
        for i in range(found.n_atoms):
            for b in range(found.first[i], found.first[i + 1]):
                dense[atoms.start + i, :, found.moved[b]] = found.values[b]
    whole = descriptors_and_derivatives(structures, settings, strain=True, warn=False)
    for s, (expected, derivatives) in enumerate(whole):
        atoms = slice(batch.first[s], batch.first[s + 1])
        np.testing.assert_array_equal(g[atoms], expected)
        np.testing.assert_array_equal(dense[atoms, :, atoms], derivatives.dense())
        np.testing.assert_array_equal(strain[atoms], derivatives.strain)
        np.testing.assert_array_equal(n_collinear[atoms], derivatives.n_collinear)
    assert dense.any(axis=(1, 3)).sum() == sum(
        derivatives.dense().any(axis=(1, 3)).sum() for _, derivatives in whole
    )


@pytest.mark.parametrize("case", CASES)
def test_stored_derivatives_give_the_same_forces(case):
    settings, structure = SETTINGS["mBP generation 3"], CASES[case]
    potential = potential_of(settings)
    ((g, derivatives),) = descriptors_and_derivatives([structure], settings, warn=False)
    species = structure_batch([structure], settings.species).species
    _, gradients = atomic_energies_and_gradients(g, species, *potential.networks)
    expected = predicted(potential, structure).forces
    dense = DenseDerivatives(derivatives.dense())
    from_dense = forces_from_dense(gradients, dense.values)
    np.testing.assert_allclose(from_dense, expected, rtol=1e-11, atol=1e-11)
    sparse = sparse_derivatives(dense)
    from_sparse = forces_from_sparse(
        gradients, sparse.values, sparse.rows, sparse.columns
    )
    np.testing.assert_allclose(from_sparse, expected, rtol=1e-11, atol=1e-11)


def test_a_structure_at_a_kink_is_marked():
    kinked, smooth = SETTINGS["mBP generation 1"], SETTINGS["mBP generation 3"]
    bent = placed("OCO", [[-1.2, 0.1, 0], [0, 0, 0], [1.2, 0, 0]])
    for settings, structure, expected in (
        (kinked, CASES["collinear"], True),
        (kinked, bent, False),
        (smooth, CASES["collinear"], False),
    ):
        found = predicted(potential_of(settings), structure)
        assert found.at_kink.tolist() == [expected]


def test_networks_of_another_descriptor_are_refused():
    potential = potential_of(SETTINGS["BP"])
    swapped = settings_of(("C", "H", "O"), SMALL_BP, kind="BP")
    with pytest.raises(
        InputError, match="species C, H, O, but there are networks of H"
    ):
        replace(potential, settings=swapped)
    longer = settings_of(SPECIES, SMALL_BP | {"rsn_rad": 3}, kind="BP")
    with pytest.raises(InputError, match=r"\d+ descriptors per atom, but the networks"):
        replace(potential, settings=longer)


def test_the_derivatives_another_program_stored_give_our_forces(reference_data):
    """Ten periodic cells of 16 carbon atoms, described by PANNA in generation 1."""
    folder = reference_data / "panna_carbon_force"
    numbers = TUTORIAL_MBP | {"rsn_ang": 8, "eta_ang": 6.0}
    settings = settings_of("C", numbers, generation=1, constants=PANNA_CONSTANTS)
    # Linear networks: gradients of order 1 whatever the descriptors are.
    potential, compared = potential_of(settings, activations=(0, 0, 0)), 0
    for record in read_records(folder / "tfr_data-1-3.tfrecord"):
        structure = read_example(folder / f"{record.name}.example", PANNA_CONSTANTS)
        found = predicted(potential, structure)
        if found.at_kink.any():
            continue
        _, gradients = atomic_energies_and_gradients(
            record.g, record.species, *potential.networks
        )
        stored = forces_from_dense(gradients, record.derivatives.values)
        compared += 1
        # float32 keeps 1e-7 of each derivative, near collinear atoms 4e-6.
        np.testing.assert_allclose(stored, found.forces, rtol=0, atol=2e-6)
        assert np.abs(stored).max() > 0.3
    assert compared == 9
