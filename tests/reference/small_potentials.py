"""Small networks on small descriptors, structures for them, and slopes of energies."""

from dataclasses import replace
from itertools import product

import numpy as np

from annpot.forces.prediction import StructurePotential, predictions
from annpot.networks.architecture import LayerSpec, LayerWeights, NetworkSpec
from reference.descriptor_cases import (
    CASES,
    SKEWED,
    SMALL_BP,
    SMALL_MBP,
    SPECIES,
    scattered,
    settings_of,
)

VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
# Gaussians so wide that every pair within the cutoff counts, also just inside.
WIDE_MBP = SMALL_MBP | {"eta_rad": 1.0, "eta_ang": 1.0}
DESCRIPTORS = {
    f"mBP generation {number}": settings_of(SPECIES, WIDE_MBP, generation=number)
    for number in range(4)
} | {
    "ANI": settings_of(
        SPECIES,
        WIDE_MBP | {"cosine_scale": 0.95, "radial_prefactor": 0.25},
        generation=1,
    ),
    "BP": settings_of(SPECIES, SMALL_BP, kind="BP"),
}
# Layers of 5, 4 and 1 neurons. An rbf layer compares all its inputs with its centres:
# after a tanh these are five numbers between -1 and 1, as its centres are.
NETWORKS = {
    "gaussian": (1, 1, 0),
    "tanh": (4, 4, 0),
    "relu": (3, 3, 0),
    "rbf": (4, 2, 0),
    "linear": (0, 0, 0),
}
STRUCTURES = {
    "molecule": CASES["molecule"],
    "crystal": CASES["periodic, wider than the cutoff"],
    "small cell": CASES["skewed, smaller than the cutoff"],
    "slab": scattered("CHOH", SKEWED, (True, True, False)),
    "wire": scattered("CHOH", SKEWED, (True, False, False)),
}


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


POTENTIALS = {
    f"{descriptor}, {network}": potential_of(
        DESCRIPTORS[descriptor], activations=NETWORKS[network]
    )
    for descriptor, network in product(DESCRIPTORS, NETWORKS)
}


def predicted(potential, structure, **options):
    """Prediction of one structure."""
    (found,) = predictions(potential, [structure], **options)
    return found


def energy(potential, structure):
    """Total energy by the path without derivatives."""
    found = predicted(potential, structure, with_forces=False, with_virials=False)
    return found.energies[0]


def slope(potential, changed, h=1e-4):
    """Derivative of the energy of changed(x) at x = 0; error of order h^4."""
    e = {k: energy(potential, changed(k * h)) for k in (-2, -1, 1, 2)}
    return (8 * (e[1] - e[-1]) - (e[2] - e[-2])) / (12 * h)


def moved(structure, k, x, step):
    """The structure with coordinate x of atom k moved."""
    positions = structure.positions.copy()
    positions[k, x] += step
    return replace(structure, positions=positions)


def strained(structure, x, y, strain):
    """All r moved to (1 + e) r, where e_xy = strain is the only entry of e."""
    matrix = np.eye(3)
    matrix[x, y] += strain
    return transformed(structure, matrix)


def transformed(structure, matrix):
    """All positions and cell vectors r moved to matrix r."""
    return replace(
        structure,
        positions=structure.positions @ matrix.T,
        cell=structure.cell @ matrix.T,
    )


def repeated(structure, counts, pbc=None):
    """Explicit copies along the cell vectors, copy after copy, last vector fastest."""
    shifts = np.indices(counts).reshape(3, -1).T @ structure.cell
    return replace(
        structure,
        symbols=structure.symbols * len(shifts),
        positions=(shifts[:, None] + structure.positions).reshape(-1, 3),
        cell=structure.cell * np.c_[list(counts)],
        pbc=structure.pbc if pbc is None else np.array(pbc),
    )


def tensor(virial):
    """(3, 3) matrix of the six components."""
    xx, yy, zz, yz, xz, xy = virial
    return np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
