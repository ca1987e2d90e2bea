"""Models with random networks, small enough for tests of their deployment."""

import numpy as np

from annpot.models.golden import ROLES, GoldenStructure, computed
from annpot.models.model import DescriptorRange, Model
from reference.small_potentials import DESCRIPTORS, STRUCTURES, potential_of


def model_of(settings, generation=None, with_ranges=True, **network):
    """Model with the random networks of `potential_of`, and golden structures.

    Ranges are so wide that nothing extrapolates.
    """
    potential = potential_of(settings, **network)
    high = np.full(settings.n_features, 1e3)
    ranges = {
        element: DescriptorRange(0 * high, high, 7)
        for element in settings.species
        if with_ranges
    }
    chosen = (STRUCTURES["molecule"], STRUCTURES["crystal"], STRUCTURES["slab"])
    return Model(
        settings=settings,
        specs=potential.specs,
        weights=potential.weights,
        ranges=ranges,
        mbp_generation=generation,
        golden=tuple(
            computed(golden_structure(structure, role), potential)
            for structure, role in zip(chosen, ROLES, strict=False)
        ),
        training={"checkpoint": "epoch_1_step_10"},
    )


def golden_structure(structure, role="given"):
    """GoldenStructure of a structure, not computed yet."""
    return GoldenStructure(
        name=structure.name,
        role=role,
        symbols=structure.symbols,
        positions=structure.positions,
        cell=structure.cell,
        pbc=np.array(structure.pbc, bool),
        reference={"energy": -1.5},
    )


GENERATION = {f"mBP generation {number}": number for number in range(4)}
MODELS = {
    name: model_of(settings, GENERATION.get(name, 1 if name == "ANI" else None))
    for name, settings in DESCRIPTORS.items()
}
