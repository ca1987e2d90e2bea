"""Forces of networks from pieces, stored derivatives and other programs' records.

Networks of order 1 on descriptors whose derivatives are of order 1 to 100. What forces
and virials obey is in test_contracts_*.
"""

from dataclasses import replace

import numpy as np
import pytest

from annpot.data.records import DenseDerivatives, sparse_derivatives
from annpot.data.tfrecord import read_records
from annpot.descriptors.derivative_pieces import derivative_pieces
from annpot.descriptors.derivatives import descriptors_and_derivatives
from annpot.errors import InputError
from annpot.forces.stored import forces_from_dense, forces_from_sparse
from annpot.networks.numpy_potential import atomic_energies_and_gradients
from annpot.structures.batch import structure_batch
from annpot.structures.example_json import read_example
from reference.descriptor_cases import (
    CASES,
    PANNA_CONSTANTS,
    SMALL_BP,
    SMALL_MBP,
    SPECIES,
    TUTORIAL_MBP,
    placed,
    settings_of,
)
from reference.small_potentials import potential_of, predicted

SETTINGS = {
    "mBP generation 1": settings_of(SPECIES, SMALL_MBP, generation=1),
    "mBP generation 3": settings_of(SPECIES, SMALL_MBP),
    "BP": settings_of(SPECIES, SMALL_BP, kind="BP"),
}


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
