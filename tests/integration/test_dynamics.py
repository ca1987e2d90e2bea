"""From silicon's data to molecular dynamics: three programs, one potential."""

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms

from annpot import AnnpotCalculator
from annpot.apps import evaluate, extract_weights, train
from annpot.data.structure_source import open_structures
from annpot.deploy.lammps.engine import lammps_results
from annpot.deploy.lammps.installation import program
from annpot.structures.example_json import write_example
from reference.lammps_plugin import plugin as compiled_plugin

ROOT = Path(__file__).parents[2]
ENERGY, FORCE = 1e-10, 1e-9  # eV per atom and eV/angstrom: sums in another order
TRAIN = """
[IO_INFORMATION]
input_format = example
gvect_ini = {root}/input_files/gvect_silicon.ini
data_dir = {root}/tutorial_data/silicon/train.xyz
train_dir = {folder}/train
[DATA_INFORMATION]
atomic_sequence = Si
output_offset = -4.63
[DEFAULT_NETWORK]
g_size = 48
architecture = 32:16:1
activations = tanh:tanh:linear
standardize = True
[TRAINING_PARAMETERS]
optimizer = gauss_newton
batch_size = 42
seed = 1
forces_cost = 1
learning_rate = 1
steps_per_epoch = 20
max_epochs = 2
[VALIDATION_OPTIONS]
data_dir = {root}/tutorial_data/silicon/validate.xyz
"""
EXTRACT = """
[IO_INFORMATION]
network_dir = {folder}/train/_models
output_dir = {folder}/model
output_type = ASE
"""
EVALUATE = """
[IO_INFORMATION]
model_dir = {folder}/model
data_dir = {folder}/structures
eval_dir = {folder}/eval
input_format = example
[VALIDATION_OPTIONS]
compute_forces = True
"""
DYNAMICS = """
units metal
atom_style atomic
lattice diamond 5.431
region cell block 0 1 0 1 0 1
create_box 1 cell
create_atoms 1 box
mass 1 28.0855
plugin load {plugin}
pair_style annpot
pair_coeff * * {folder}/model Si
velocity all create 600 1 mom yes rot no
timestep 0.00025
fix motion all nve
variable time equal time
variable total equal etotal/atoms
fix energies all print 80 "${{time}} ${{total}}" screen no file {folder}/energies.txt
run 80000
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Folder with a potential of silicon in `model`, trained for a few seconds."""
    folder = tmp_path_factory.mktemp("silicon")
    for name, main, text in (
        ("train", train.main, TRAIN),
        ("extract", extract_weights.main, EXTRACT),
    ):
        path = folder / f"{name}.ini"
        path.write_text(text.format(root=ROOT, folder=folder))
        assert main(["-c", str(path)]) == 0
    return folder


@pytest.fixture(scope="module")
def structures():
    """One structure of each kind of the validation set: cells, slabs, wires."""
    source = open_structures(
        ROOT / "tutorial_data/silicon/validate.xyz", "example", ("Si",), "here", {}
    )
    kinds = {}
    for one in source:
        kinds.setdefault(one.name.rsplit("_", 1)[0], one)
    found = list(kinds.values())
    assert any(not one.pbc.all() for one in found)
    # And a molecule; some cells are much smaller than the cutoff.
    cluster = replace(found[0], name="cluster", pbc=np.zeros(3, bool), virial=None)
    assert min(len(one.symbols) for one in found) == 2
    return sorted([*found, cluster], key=lambda one: one.name)


def test_ase_lammps_and_app_evaluate_agree(folder, structures):
    (folder / "structures").mkdir()
    for structure in structures:
        write_example(folder / "structures" / f"{structure.name}.example", structure)
    path = folder / "evaluate.ini"
    path.write_text(EVALUATE.format(folder=folder))
    assert evaluate.main(["-c", str(path)]) == 0
    energies = np.loadtxt(folder / "eval/model.dat", usecols=3)
    forces = np.loadtxt(folder / "eval/model_forces.dat", usecols=(2, 3, 4))
    calculator = AnnpotCalculator(folder / "model")
    lammps = lammps_results(compiled_plugin(), folder / "model", structures)
    first = 0
    for number, structure in enumerate(structures):
        atoms, n_atoms = ase_atoms(structure), len(structure.symbols)
        atoms.calc = calculator
        of_ase, of_lammps = atoms.get_forces(), lammps[number].forces
        of_file = forces[first : first + n_atoms]
        first += n_atoms
        # The file has ten digits behind the point.
        assert abs(atoms.get_potential_energy() - energies[number]) <= ENERGY * n_atoms
        assert abs(lammps[number].energy - energies[number]) <= ENERGY * n_atoms
        np.testing.assert_allclose(of_ase, of_file, rtol=0, atol=FORCE)
        np.testing.assert_allclose(of_lammps, of_file, rtol=0, atol=FORCE)
        if structure.pbc.all():
            stress = -lammps[number].virial / abs(np.linalg.det(structure.cell))
            np.testing.assert_allclose(atoms.get_stress(), stress, rtol=0, atol=FORCE)


def test_forces_of_lammps_are_slopes_of_its_energies(folder, structures):
    """Central differences of order h^4."""
    structure, h = structures[0], 1e-3
    moved = []
    for step in (-2, -1, 1, 2):
        positions = structure.positions.copy()
        positions[1, 2] += step * h
        moved.append(replace(structure, positions=positions))
    plugin, model = compiled_plugin(), folder / "model"
    *e, found = lammps_results(plugin, model, [*moved, structure])
    e = [one.energy for one in e]
    slope = (8 * (e[2] - e[1]) - (e[3] - e[0])) / (12 * h)
    assert abs(slope) > 1e-3
    assert found.forces[1, 2] == pytest.approx(-slope, abs=1e-7)


def test_dynamics_conserve_the_energy(folder):
    """20 ps at 0.25 fs from 300 K: the straight line through the energies is flat."""
    script = folder / "in.lammps"
    script.write_text(DYNAMICS.format(folder=folder, plugin=compiled_plugin()))
    subprocess.run(
        [program("lmp"), "-nocite", "-log", "none", "-in", script],
        check=True,
        capture_output=True,
        cwd=folder,
    )
    time, energy = np.loadtxt(folder / "energies.txt").T
    assert time[-1] == pytest.approx(20)
    slope, _ = np.polyfit(time, energy - energy.mean(), 1)
    assert abs(slope) < 1e-6  # eV/atom/ps
    assert energy.std() < 1e-5
    assert np.ptp(energy) > 0  # the atoms do move


def ase_atoms(structure):
    """ase.Atoms of a Structure."""
    return Atoms(
        structure.symbols, structure.positions, cell=structure.cell, pbc=structure.pbc
    )
