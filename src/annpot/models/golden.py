"""Structures with the energies and forces that a deployed model must give for them."""

import json
import math
from dataclasses import dataclass, field, replace

import numpy as np

from annpot.elements import is_element
from annpot.errors import InputError
from annpot.forces.prediction import predict_batch
from annpot.networks.stored_domain import BY_ENERGY, BY_PLACE
from annpot.structures.batch import structure_batch

FORMAT_VERSION = 1
ROLES = (*BY_ENERGY, *BY_PLACE, "given", "made")
_SHAPES = {"positions": (None, 3), "cell": (3, 3), "forces": (None, 3), "virial": (6,)}


@dataclass(frozen=True, eq=False)
class GoldenStructure:
    """A structure, and what a model says about it in float64.

    Attributes:
        name: of the structure in its data set.
        role: "lowest", "median" or "highest" reference energy per atom of the
            validation set, "first", "middle" or "last" of it where it has no energies;
            "given" by the user; "made" where none was known.
        symbols: chemical symbol of each atom.
        positions: (n_atoms, 3) float64, angstrom.
        cell: (3, 3) float64, rows are the cell vectors, angstrom.
        pbc: (3,) bool.
        atomic_energies: (n_atoms,) eV; their sum is the energy.
        forces: (n_atoms, 3) eV/angstrom.
        virial: (6,) W = -dE/d(strain), eV: xx, yy, zz, yz, xz, xy.
        reference: what the data say: energy, forces, virial, as far as known.
    """

    name: str
    role: str
    symbols: tuple[str, ...]
    positions: np.ndarray
    cell: np.ndarray
    pbc: np.ndarray
    atomic_energies: np.ndarray | None = None
    forces: np.ndarray | None = None
    virial: np.ndarray | None = None
    reference: dict = field(default_factory=dict)

    @property
    def energy(self):
        """Total energy, eV."""
        return math.fsum(self.atomic_energies)


def computed(structure, potential):
    """A GoldenStructure with what a StructurePotential says about it.

    Raises:
        InputError: elements without a network, atoms at one place, no volume.
    """
    batch = structure_batch([structure], potential.settings.species)
    found = predict_batch(potential, batch)
    return replace(
        structure,
        atomic_energies=found.atomic_energies,
        forces=found.forces,
        virial=found.virials[0],
    )


def golden_text(structures):
    """Text of golden.json; numbers have all digits of a float64."""
    return json.dumps(
        {
            "format_version": FORMAT_VERSION,
            "structures": [_document(structure) for structure in structures],
        },
        indent=1,
    )


def parse_golden(content, path):
    """GoldenStructures of the bytes of golden.json.

    Raises:
        InputError: they are not what `golden_text` writes.
    """
    try:
        document = json.loads(content)
        if document["format_version"] != FORMAT_VERSION:
            raise InputError(
                f"{path}: format_version {document['format_version']}: this annpot "
                f"reads {FORMAT_VERSION}. Use the version that wrote it, or extract "
                "again."
            )
        return tuple(_structure(entry) for entry in document["structures"])
    except (
        ValueError, KeyError, TypeError, OverflowError, RecursionError
    ) as error:  # fmt: skip
        raise InputError(
            f"{path}: not what app_extract_weights writes ({error!r}). Extract the "
            "model again."
        ) from None


def _document(structure):
    return {
        "name": structure.name,
        "role": structure.role,
        "symbols": list(structure.symbols),
        "positions": structure.positions.tolist(),
        "cell": structure.cell.tolist(),
        "pbc": [bool(along) for along in structure.pbc],
        "energy": structure.energy,
        "atomic_energies": structure.atomic_energies.tolist(),
        "forces": structure.forces.tolist(),
        "virial": structure.virial.tolist(),
        "reference": {k: _plain(v) for k, v in structure.reference.items()},
    }


def _plain(value):
    return value.tolist() if isinstance(value, np.ndarray) else value


def _structure(entry):
    symbols = tuple(entry["symbols"])
    if not symbols or not all(map(is_element, symbols)):
        raise ValueError(f"symbols {symbols}")
    if entry["role"] not in ROLES:
        raise ValueError(f"role {entry['role']}")
    arrays = {name: _array(entry, name, len(symbols)) for name in _SHAPES}
    return GoldenStructure(
        name=str(entry["name"]),
        role=entry["role"],
        symbols=symbols,
        pbc=np.array(entry["pbc"], bool).reshape(3),
        atomic_energies=_finite(entry["atomic_energies"]).reshape(len(symbols)),
        reference=dict(entry["reference"]),
        **arrays,
    )


def _array(entry, name, n_atoms):
    shape = tuple(n_atoms if n is None else n for n in _SHAPES[name])
    return _finite(entry[name]).reshape(shape)


def _finite(values):
    values = np.array(values, float)
    if not np.isfinite(values).all():
        raise ValueError("numbers that are not finite")
    return values
