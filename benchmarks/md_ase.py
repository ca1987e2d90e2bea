"""Speed of the ASE calculator: `python benchmarks/md_ase.py`.

Prints the periodic box of 576 atoms (64 copies of acetamide), microseconds per atom
and step of NVE in it, and what a call for a water molecule takes above an empty
calculator. One core, random weights, the best of several.
"""

import time

import ase
import ase.build
import numpy as np
from ase.calculators.calculator import Calculator
from ase.md.verlet import VelocityVerlet
from ase.units import fs, kB

from annpot.deploy.ase_calculator import AnnpotCalculator
from annpot.descriptors.definition import DescriptorSettings
from annpot.descriptors.pair_lists import pair_lists
from annpot.models.model import Model
from annpot.networks.architecture import LayerSpec, LayerWeights, NetworkSpec
from annpot.structures.batch import structure_batch

SPECIES = ("H", "C", "N", "O")
DENSITY = 1.1  # g/cm3
GRAM_PER_CM3 = 1.66053906892  # of one dalton per angstrom^3
SHAPES = {"192-32-1": (8, 4, 4, 32), "384-128-32-1": (16, 4, 8, 128, 32)}


def main():
    """Print the table."""
    box = acetamide_box()
    print(described(box, model_of(*SHAPES["192-32-1"])))
    for name, shape in SHAPES.items():
        model = model_of(*shape)
        calculator = AnnpotCalculator(model, threads=1)
        print(
            f"{name}: {per_atom_and_step(box, calculator):.2f} us/atom/step in ASE, "
            f"{per_atom_and_call(box, calculator):.2f} of it in the calculator; "
            f"water {overhead(AnnpotCalculator(model, threads=1)):.0f} us per call "
            "above an empty calculator"
        )


def acetamide_box(copies=(4, 4, 4), density=DENSITY, seed=1):
    """Periodic box of acetamide molecules on a grid, each turned at random."""
    rng = np.random.default_rng(seed)
    molecule = ase.build.molecule("CH3CONH2")
    molecule.positions -= molecule.positions.mean(axis=0)
    edge = (molecule.get_masses().sum() * GRAM_PER_CM3 / density) ** (1 / 3)
    box = ase.Atoms(cell=edge * np.array(copies, float), pbc=True)
    for place in np.ndindex(*copies):
        best = max(
            (turned(molecule, rng, place, edge) for _ in range(20)),
            key=lambda copy: closest(box, copy),
        )
        box += best
    return box


def turned(molecule, rng, place, edge):
    """A copy of the molecule in one cell of the grid, turned at random."""
    copy = molecule.copy()
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q *= np.sign(np.diag(r))
    copy.positions = copy.positions @ (q * np.linalg.det(q)) + edge * np.array(place)
    return copy


def closest(box, copy):
    """Smallest distance between a copy and the atoms of the periodic box."""
    if not len(box):
        return 0.0
    apart = copy.positions[:, None] - box.positions
    edges = np.diag(box.cell)
    apart -= edges * np.round(apart / edges)
    return np.sqrt((apart**2).sum(axis=2)).min()


def model_of(n_radial, n_eta, n_theta, *hidden, seed=1):
    """Model with random weights, descriptor and cutoffs of a usual organic one."""
    rng = np.random.default_rng(seed)
    settings = DescriptorSettings(
        kind="mBP",
        species=SPECIES,
        r_cut_radial=4.6,
        r_cut_angular=3.1,
        radial_etas=(8.0,) * n_radial,
        radial_centres=tuple(0.5 + 4.1 / n_radial * np.arange(n_radial)),
        angular_etas=(6.0,) * n_eta,
        angular_centres=tuple(0.5 + 2.6 / n_eta * np.arange(n_eta)),
        thetas=tuple((np.arange(n_theta) + 0.5) * np.pi / n_theta),
        zetas=(8.0,) * n_theta,
        epsilon=1e-3,
    )
    layers = (*(LayerSpec(size, 1) for size in hidden), LayerSpec(1, 0))
    specs = tuple(NetworkSpec(s, settings.n_features, layers) for s in SPECIES)
    weights = {
        spec.element: tuple(
            LayerWeights(0.02 * rng.normal(size=shape) / shape[0] ** 0.5, np.zeros(n))
            for shape in spec.shapes
            for n in shape[1:]
        )
        for spec in specs
    }
    return Model(settings, specs, weights)


def described(box, model):
    """Density, pairs and triplets of the box in words."""
    lists = pair_lists(structure_batch([box], SPECIES), model.settings)
    density = box.get_masses().sum() * GRAM_PER_CM3 / box.get_volume()
    n = len(box)
    return (
        f"{n} atoms, {density:.2f} g/cm3, {len(lists.i) / n:.1f} pairs and "
        f"{len(lists.a) / n:.1f} triplets per atom"
    )


def per_atom_and_step(box, calculator, n_steps=100, repeat=3, step=0.5):
    """Microseconds per atom and step of NVE at 300 K, neighbour lists included."""
    atoms = box.copy()
    atoms.calc = calculator
    spread = np.sqrt(300 * kB * atoms.get_masses())[:, None]
    atoms.set_momenta(spread * np.random.default_rng(2).normal(size=(len(atoms), 3)))
    with VelocityVerlet(atoms, timestep=step * fs) as dynamics:
        dynamics.run(5)
        seconds = best(lambda: dynamics.run(n_steps), repeat)
    return 1e6 * seconds / n_steps / len(atoms)


def per_atom_and_call(box, calculator, n_calls=20, repeat=5):
    """Microseconds per atom of one call with a list that still holds."""
    atoms = box.copy()
    atoms.calc = calculator
    rng = np.random.default_rng(3)
    places = atoms.positions + rng.uniform(-0.02, 0.02, (n_calls, *box.positions.shape))
    atoms.get_forces()
    seconds = best(lambda: forces_at(atoms, places), repeat)
    return 1e6 * seconds / n_calls / len(atoms)


def overhead(calculator, n_calls=300, repeat=7):
    """Microseconds of a call for a water molecule above an empty calculator."""
    times = []
    for used in (calculator, Empty()):
        atoms = ase.build.molecule("H2O")
        atoms.calc = used
        rng = np.random.default_rng(3)
        places = atoms.positions + rng.uniform(-0.05, 0.05, (n_calls, 3, 3))
        forces_at(atoms, places)
        times.append(best(lambda a=atoms, p=places: forces_at(a, p), repeat))
    return 1e6 * (times[0] - times[1]) / n_calls


class Empty(Calculator):
    """A calculator that does nothing but set its results."""

    implemented_properties = ["energy", "forces"]

    def calculate(self, atoms=None, properties=None, system_changes=None):
        """Energy and forces of 0."""
        self.results = {"energy": 0.0, "forces": np.zeros((len(atoms), 3))}


def forces_at(atoms, places):
    """Energy and forces at each of the positions."""
    for positions in places:
        atoms.positions = positions
        atoms.get_potential_energy()
        atoms.get_forces()


def best(run, repeat):
    """Shortest of several times, seconds."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    main()
