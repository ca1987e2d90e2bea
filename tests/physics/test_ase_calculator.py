"""The ASE calculator gives what annpot.forces.prediction gives, and ASE can use it."""

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.eos import EquationOfState
from ase.filters import FrechetCellFilter
from ase.md.verlet import VelocityVerlet
from ase.optimize import BFGS
from ase.phonons import Phonons
from ase.units import fs

from annpot import AnnpotCalculator
from annpot.deploy.kernels.compiled_model import CompiledModel
from annpot.descriptors.definition import DescriptorSettings
from annpot.models.model import Model
from annpot.networks.architecture import LayerSpec, LayerWeights, NetworkSpec
from reference.descriptor_cases import (
    CASES,
    FORMS,
    SPECIES,
    placed,
    scattered,
    settings_of,
)
from reference.small_models import MODELS
from reference.small_potentials import (
    NETWORKS,
    POTENTIALS,
    STRUCTURES,
    moved,
    potential_of,
    predicted,
    strained,
    tensor,
)

ALL = STRUCTURES | CASES
MODEL = MODELS["mBP generation 3"]


def atoms_of(structure, calculator=None):
    atoms = Atoms(
        structure.symbols,
        structure.positions,
        cell=structure.cell,
        pbc=structure.pbc,
    )
    atoms.calc = calculator
    return atoms


def evaluated(compiled, structure):
    atoms = atoms_of(structure)
    return compiled.evaluate(
        atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc
    )


def assert_agrees(found, expected):
    n_atoms = len(found.forces)
    assert found.energy == pytest.approx(expected.energies[0], abs=1e-10 * n_atoms)
    np.testing.assert_allclose(found.forces, expected.forces, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.virial, expected.virials[0], rtol=0, atol=1e-9)
    np.testing.assert_allclose(
        found.atomic_energies, expected.atomic_energies, rtol=0, atol=1e-10
    )


@pytest.mark.parametrize("name", POTENTIALS)
def test_kernels_agree_with_the_other_path(name):
    potential = POTENTIALS[name]
    model = Model(potential.settings, potential.specs, potential.weights)
    compiled = CompiledModel(model, threads=1)
    for structure in ALL.values():
        assert_agrees(evaluated(compiled, structure), predicted(potential, structure))


@pytest.mark.parametrize("name", FORMS)
def test_every_form_of_exponents_and_cutoffs(name):
    numbers, generation = FORMS[name]
    potential = potential_of(settings_of(SPECIES, numbers, generation=generation))
    model = Model(potential.settings, potential.specs, potential.weights)
    compiled = CompiledModel(model, threads=1)
    for structure in ALL.values():
        assert_agrees(evaluated(compiled, structure), predicted(potential, structure))


def test_networks_of_different_depth():
    deep, shallow = (potential_of(MODEL.settings, activations=a) for a in NETWORKS_OF)
    chosen = {"H": deep, "C": shallow, "O": deep}
    specs, weights = [], {}
    for k, element in enumerate(SPECIES):
        n_layers = 3 if chosen[element] is deep else 2
        spec, layers = chosen[element].specs[k], chosen[element].weights[element]
        if n_layers == 2:  # one hidden layer of 5
            last = replace(layers[1], kernel=layers[1].kernel[:, :1])
            layers = layers[0], replace(last, bias=last.bias[:1])
            spec = replace(spec, layers=(spec.layers[0], spec.layers[2]))
        specs.append(spec)
        weights[element] = tuple(layers)
    model = Model(MODEL.settings, tuple(specs), weights)
    compiled = CompiledModel(model, threads=1)
    for structure in STRUCTURES.values():
        expected = predicted(model.potential, structure)
        assert_agrees(evaluated(compiled, structure), expected)


NETWORKS_OF = (NETWORKS["tanh"], NETWORKS["gaussian"])


@pytest.mark.parametrize("name", STRUCTURES)
def test_forces_and_stress_are_slopes_of_the_energy(name):
    structure, calculator = STRUCTURES[name], AnnpotCalculator(MODEL, threads=1)
    h = 1e-4

    def slope(changed):
        e = {
            k: atoms_of(changed(k * h), calculator).get_potential_energy()
            for k in (-2, -1, 1, 2)
        }
        return (8 * (e[1] - e[-1]) - (e[2] - e[-2])) / (12 * h)

    forces = atoms_of(structure, calculator).get_forces()
    for k in range(2):
        for x in range(3):
            found = slope(lambda step, k=k, x=x: moved(structure, k, x, step))
            assert forces[k, x] == pytest.approx(-found, abs=1e-7)
    if structure.pbc.all():
        atoms = atoms_of(structure, calculator)
        stress = tensor(atoms.get_stress()) * atoms.get_volume()
        for x, y in ((0, 0), (1, 2), (2, 1)):
            found = slope(lambda step, x=x, y=y: strained(structure, x, y, step))
            assert stress[x, y] == pytest.approx(found, abs=1e-6)


def test_threads_change_no_bit():
    atoms = bulk("C", cubic=True).repeat(3)
    atoms.symbols[::3], atoms.symbols[1::3] = "H", "O"
    atoms.rattle(0.1, seed=1)
    found = []
    for threads in (1, 2):
        calculator = AnnpotCalculator(MODEL, threads=threads)
        atoms.calc = calculator
        atoms.get_potential_energy()
        found.append(calculator.results)
    assert found[0].keys() == found[1].keys()
    for name, value in found[0].items():
        np.testing.assert_array_equal(value, found[1][name])


@pytest.mark.parametrize("name", ["molecule", "crystal", "small cell", "slab"])
def test_a_list_that_is_kept_misses_nothing(name):
    rng = np.random.default_rng(5)
    structure = STRUCTURES[name]
    compiled = CompiledModel(MODEL, threads=1, skin=0.5)
    n_kept = 0
    for _ in range(30):
        strain = 0.004 * rng.normal(size=(3, 3)) + np.eye(3)
        structure = replace(
            structure,
            positions=structure.positions @ strain
            + rng.uniform(-0.05, 0.05, structure.positions.shape),
            cell=structure.cell @ strain,
        )
        before = compiled.n_lists
        expected = predicted(MODEL.potential, structure)
        assert_agrees(evaluated(compiled, structure), expected)
        n_kept += compiled.n_lists == before
    assert 5 < n_kept < 29


@pytest.mark.parametrize(("closer", "n_lists"), [(0.2499, 1), (0.2501, 2)])
def test_a_list_is_kept_until_a_pair_could_be_missing(closer, n_lists):
    compiled = CompiledModel(MODEL, threads=1, skin=0.5)
    reach = MODEL.settings.r_cut + 0.5
    pair = placed("HO", [[0, 0, 0], [reach, 0, 0]])
    cell = placed("H", [[0, 0, 0]], reach * np.eye(3), (True, False, False))
    for before, after in (
        (pair, replace(pair, positions=pair.positions + [[closer], [-closer]] * X)),
        (cell, replace(cell, cell=cell.cell * (1 - 2 * closer / reach))),
    ):
        evaluated(compiled, before)
        compiled.n_lists = 1
        evaluated(compiled, after)
        assert compiled.n_lists == n_lists
        assert_agrees(evaluated(compiled, after), predicted(MODEL.potential, after))


X = np.array([1.0, 0.0, 0.0])


def test_a_new_list_for_other_atoms_other_periodicity_and_wrapped_atoms():
    crystal = STRUCTURES["crystal"]
    compiled = CompiledModel(MODEL, threads=1)
    evaluated(compiled, crystal)
    wrapped = crystal.positions + np.c_[[0, 1, 0, 2, 0, -7]] @ crystal.cell[:1]
    for changed in (
        replace(crystal, symbols=crystal.symbols[::-1]),
        replace(crystal, pbc=np.array([True, False, True])),
        STRUCTURES["molecule"],
        replace(crystal, positions=wrapped),
        replace(crystal, positions=crystal.positions + 1e5 * crystal.cell[0]),
    ):
        before = compiled.n_lists
        expected = predicted(MODEL.potential, changed)
        found = evaluated(compiled, changed)
        np.testing.assert_allclose(found.forces, expected.forces, rtol=0, atol=1e-8)
        assert compiled.n_lists == before + 1
        evaluated(compiled, changed)
        assert compiled.n_lists == before + 1


def test_molecular_dynamics_conserves_the_energy():
    coarse, fine = total_energies(0.5), total_energies(0.25)
    # What is left is the integrator's, of second order in the time step.
    assert np.std(coarse) / np.std(fine) == pytest.approx(4, rel=0.05)
    assert np.ptp(fine) < 3e-4  # at 4000 K


def total_energies(step, length=500.0):
    """Total energy per atom after each step of NVE; times in fs."""
    atoms = bulk("C", a=3.67, cubic=True).repeat((2, 1, 1))
    atoms.rattle(0.03, seed=1)
    atoms.calc = AnnpotCalculator(steady_model(), threads=1)
    energies = []
    with VelocityVerlet(atoms, timestep=step * fs) as dynamics:
        for _ in range(round(length / step)):
            dynamics.run(1)
            energies.append(atoms.get_total_energy() / len(atoms))
    return energies


def steady_model():
    """A model of carbon whose energy has a minimum near diamond: G counts neighbours.

    One linear layer: E = sum_k w_k G_k of a repulsive and an attractive gaussian.
    """
    settings = DescriptorSettings(
        kind="mBP",
        species=("C",),
        r_cut_radial=3.0,
        r_cut_angular=2.4,
        radial_etas=(1.5, 4.0),
        radial_centres=(0.2, 1.6),
        angular_etas=(1.0,),
        angular_centres=(1.5,),
        thetas=(np.radians(109.5),),
        zetas=(4.0,),
        epsilon=1e-3,
    )
    layers = (LayerSpec(1, 0),)
    specs = (NetworkSpec("C", settings.n_features, layers, offset=-5.0),)
    kernel = np.array([[4.0], [-0.8], [-0.1]])
    return Model(settings, specs, {"C": (LayerWeights(kernel, np.zeros(1)),)})


def test_relaxation_of_a_cell_phonons_and_equation_of_state(tmp_path):
    calculator = AnnpotCalculator(steady_model(), threads=1)
    atoms = bulk("C")
    atoms.set_cell(atoms.cell * 1.02, scale_atoms=True)
    atoms.calc = calculator
    with BFGS(FrechetCellFilter(atoms), logfile=None) as optimizer:
        assert optimizer.run(fmax=1e-4, steps=100)
    assert np.abs(atoms.get_stress()).max() < 1e-4
    volume = atoms.get_volume()
    scanned = []
    for scale in np.linspace(0.98, 1.02, 5):
        copy = atoms.copy()
        copy.set_cell(atoms.cell * scale, scale_atoms=True)
        copy.calc = calculator
        scanned.append((copy.get_volume(), copy.get_potential_energy()))
    fitted, _, modulus = EquationOfState(*zip(*scanned, strict=True)).fit()
    assert fitted == pytest.approx(volume, rel=2e-3)
    assert modulus > 0
    phonons = Phonons(atoms, calculator, (2, 2, 2), name=str(tmp_path / "phonon"))
    phonons.run()
    phonons.read(acoustic=True)
    frequencies = phonons.band_structure([[0, 0, 0], [0.25, 0, 0.25]])
    np.testing.assert_allclose(frequencies[0, :3], 0, atol=1e-4)
    assert frequencies[0, 3:].min() > 0.01


def test_scattered_atoms_far_apart():
    atoms = scattered("H", 50 * np.eye(3), (True,) * 3)
    found = evaluated(CompiledModel(MODEL, threads=1), atoms)
    assert_agrees(found, predicted(MODEL.potential, atoms))
