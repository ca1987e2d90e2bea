"""The structures by which a deployed model tests itself, before they are computed."""

from collections import Counter
from pathlib import Path

import numpy as np

from annpot.data.structure_source import open_structures
from annpot.data.tfrecord import SUFFIX
from annpot.files import names_in
from annpot.models.golden import ROLES, GoldenStructure

LABELS = ("energy", "forces", "virial")
N_MADE, ATOMS_MADE = 3, 8
GAP = 6.0  # angstrom around a made cluster that repeats


def golden_structures(origin, given=None, where=None):
    """Structures for golden.json, and a sentence on where they come from.

    `given` wins over what the checkpoint keeps; of its structures those are taken that
    have the names of the checkpoint's, else the first, the middle one and the last.
    Where there is neither, clusters of the model's elements are made.

    Args:
        origin: Origin.
        given: file or folder of structures, or None.
        where: INI file and line that name it.

    Raises:
        InputError: the file is none of structures, or has elements without networks.
    """
    species = [spec.element for spec in origin.networks.specs]
    stored = origin.domain.golden
    if given is not None:
        use_pbc = origin.networks.data.get("pbc_override")
        chosen = _given(given, where, species, stored, use_pbc)
        return chosen, f"{_names(chosen)} of {given}"
    if known := [one for one in stored if one.get("positions")]:
        chosen = tuple(map(_stored, known))
        return chosen, f"{_names(chosen)}, kept in the checkpoint"
    why = "the checkpoint keeps names alone" if stored else "none are known"
    return made_structures(species), (
        f"random clusters, as {why}; golden_structures = FILE gives better ones"
    )


def _names(chosen):
    return ", ".join(f"{one.name} ({one.role})" for one in chosen)


def _stored(one):
    return GoldenStructure(
        name=one["name"],
        role=_role(one["role"]),
        symbols=tuple(one["symbols"]),
        positions=np.array(one["positions"], float).reshape(-1, 3),
        cell=np.array(one["cell"], float).reshape(3, 3),
        pbc=np.array(one["pbc"], bool),
        reference={k: one[k] for k in LABELS if one.get(k) is not None},
    )


def _role(role):
    """A role by energy; what was chosen otherwise counts as given."""
    return role if role in ROLES else "given"


def _given(path, where, species, stored, use_pbc):
    path = Path(path)
    is_records = path.is_dir() and bool(names_in(path, SUFFIX))
    kind = "structure" if is_records else "example"
    source = open_structures(path, kind, species, where, Counter(), use_pbc)
    names, roles = list(source.names()), {one["name"]: one["role"] for one in stored}
    keep = np.array([name in roles for name in names])
    if not keep.any():
        keep[[0, len(names) // 2, -1]] = True
    return tuple(
        GoldenStructure(
            name=one.name,
            role=_role(roles.get(one.name)),
            symbols=one.symbols,
            positions=one.positions,
            cell=one.cell,
            pbc=one.pbc,
            reference={
                label: getattr(one, label)
                for label in LABELS
                if getattr(one, label) is not None
            },
        )
        for one in source.chosen(keep)
    )


def made_structures(species, seed=1):
    """Random clusters of all elements: two isolated, one that repeats.

    Atoms are added one after the other at 1.0 to 1.3 times the sum of covalent radii
    from an atom that is there, and at least 1.0 times from all; the same each time.

    Args:
        species: symbols of the model.
        seed: of the random numbers.
    """
    from ase.data import atomic_numbers, covalent_radii

    rng = np.random.default_rng(seed)
    n_atoms = max(ATOMS_MADE, len(species))
    made = []
    for number in range(N_MADE):
        symbols = tuple(rng.permutation(np.resize(species, n_atoms)).tolist())
        radii = covalent_radii[[atomic_numbers[symbol] for symbol in symbols]]
        positions = _cluster(radii, rng)
        repeats = number == N_MADE - 1
        cell = np.diag(np.ptp(positions, axis=0) + GAP / 2) if repeats else 0.0
        made.append(
            GoldenStructure(
                name=f"cluster_{number + 1}",
                role="made",
                symbols=symbols,
                positions=positions,
                cell=np.zeros((3, 3)) + cell,
                pbc=np.full(3, repeats),
            )
        )
    return tuple(made)


def _cluster(radii, rng):
    """(n_atoms, 3) positions, angstrom."""
    positions = np.zeros((1, 3))
    while len(positions) < len(radii):
        n = len(positions)
        bonds = radii[:n] + radii[n]
        anchor, direction = rng.integers(n), rng.normal(size=3)
        length = bonds[anchor] * rng.uniform(1.0, 1.3)
        tried = positions[anchor] + length * direction / np.linalg.norm(direction)
        if (np.linalg.norm(positions - tried, axis=1) > bonds * (1 - 1e-9)).all():
            positions = np.vstack([positions, tried])
    return positions
