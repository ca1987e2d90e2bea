"""What checkpoints keep of the training data: ranges of descriptors, three structures.

The ranges come with the pass over the data that opens them, and cost no other one.
"""

import numpy as np

from annpot.data.record_names import record_names
from annpot.networks.stored_domain import (
    BY_ENERGY,
    BY_PLACE,
    StoredDomain,
    StoredRange,
    read_domain,
)


def training_domain(opened, specs, start):
    """StoredDomain of a run.

    Where the run goes on from other networks, or is a stage, the ranges are those of
    all data that the networks have seen, as far as their checkpoint tells.

    Args:
        opened: OpenedData of training and of validation, or None for the latter.
        specs: NetworkSpec of each element, in the order of the species indices.
        start: Start.
    """
    data = opened[0].data
    counts = data.element_counts.sum(axis=0).tolist()
    extremes = data.extremes.minimum, data.extremes.maximum, counts
    ranges = {
        spec.element: StoredRange(*found)
        for spec, *found in zip(specs, *extremes, strict=True)
        if found[-1]
    }
    if start.state is not None:
        earlier = read_domain(start.state.prefix).ranges
        for spec in specs:
            both = [r[spec.element] for r in (ranges, earlier) if spec.element in r]
            if both:
                ranges[spec.element] = both[0].union(both[-1])
    return StoredDomain(ranges, golden_structures(opened[1] or opened[0]))


def golden_structures(opened):
    """The structures of lowest, median and highest reference energy per atom.

    Of two or fewer those that there are; of data without any energy the first, the
    middle one and the last. Of equal energies the first counts as lower.

    Args:
        opened: OpenedData.

    Returns:
        tuple of dicts, see `annpot.networks.stored_domain.StoredDomain`.
    """
    data = opened.data
    roles, places = _chosen(data.energies / data.n_atoms)
    if opened.structures is None:
        names = record_names(data.stream.index.chosen(np.array(places)))
        energies = data.energies[places].tolist()
        about = [
            {"name": name, "energy": energy}
            for name, energy in zip(names, energies, strict=True)
        ]
    else:
        about = [_description(opened.structures, place) for place in places]
    return tuple({"role": role, **one} for role, one in zip(roles, about, strict=True))


def _chosen(energies):
    """(roles, places) of three structures or fewer, by energies per atom."""
    roles, known = BY_ENERGY, np.flatnonzero(~np.isnan(energies))
    order = known[np.argsort(energies[known], kind="stable")]
    if not len(known):
        roles, order = BY_PLACE, np.arange(len(energies))
    last = len(order) - 1
    # Of several roles of one structure the first of the three stays.
    pairs = zip((last, last // 2, 0), reversed(roles), strict=True)
    role_of = dict(sorted(dict(pairs).items()))
    return list(role_of.values()), order[list(role_of)].tolist()


def _description(structures, place):
    """JSON-able geometry and reference labels of one structure of a StructureSet."""
    chosen = np.arange(len(structures)) == place
    (one,) = structures.chosen(chosen)
    return {
        "name": one.name,
        "symbols": list(one.symbols),
        "positions": one.positions.tolist(),
        "cell": one.cell.tolist(),
        "pbc": one.pbc.tolist(),
        "energy": None if one.energy is None else float(one.energy),
        "forces": None if one.forces is None else one.forces.tolist(),
        "virial": None if one.virial is None else one.virial.tolist(),
    }
