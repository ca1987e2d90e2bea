"""The `.example` format: one structure as a JSON object (doc/formats.md).

Reads everything that PANNA's converters wrote: quoted numbers, missing units,
crystal coordinates, the key `atomic_coordinates`. Writes eV and angstrom.
"""

import json
import logging
import math
from pathlib import Path

import numpy as np

from annpot import files, units
from annpot.elements import is_element
from annpot.errors import InputError
from annpot.structures.example_stress import example_virial
from annpot.structures.structure import Structure

SUFFIX = ".example"
COORDINATES = ("cartesian", "crystal")
NO_LENGTH_UNIT = "unit_of_length is missing: angstrom was assumed"
NO_ENERGY_UNIT = "the energy has no unit: eV was assumed"

_log = logging.getLogger(__name__)


def read_example(path, constants=units.CODATA_2022, assumptions=None):
    """Read one `.example` file.

    Args:
        path: the file; its name up to the suffix becomes the structure's name.
        constants: length of a bohr and energy of a hartree.
        assumptions: collections.Counter in which each assumption that had to be
            made is counted; logged as a warning when None.

    Raises:
        InputError: naming the file and the field that is wrong.
    """
    path = Path(path)
    content = _json_object(path)
    assumed = []
    try:
        structure = _structure(path, content, constants, assumed)
    except (_FieldError, InputError) as problem:
        raise InputError(f"{path}: {problem}") from None
    except RecursionError:
        raise InputError(
            f"{path}: not valid JSON of a structure: too many brackets in brackets "
            "(doc/formats.md)."
        ) from None
    for assumption in assumed:
        if assumptions is None:
            _log.warning("%s: %s.", path, assumption)
        else:
            assumptions[assumption] += 1
    return structure


def write_example(path, structure):
    """Write one structure in eV and angstrom, every number with all its digits."""
    forces = structure.forces
    atoms = [
        [index + 1, symbol, structure.positions[index].tolist()]
        + ([] if forces is None else [forces[index].tolist()])
        for index, symbol in enumerate(structure.symbols)
    ]
    content = {
        "atoms": atoms,
        "atomic_position_unit": "cartesian",
        "unit_of_length": "angstrom",
        "lattice_vectors": (structure.cell * structure.pbc[:, None]).tolist(),
    }
    if structure.energy is not None:
        content["energy"] = [structure.energy, "eV"]
    if structure.virial is not None:
        content["virial"] = structure.virial.tolist()
    if structure.per_atom_energy is not None:
        content["per_atom_energy"] = structure.per_atom_energy.tolist()
    if structure.total_charge:
        content["total_charge"] = structure.total_charge
    files.write_text(path, json.dumps(content))


class _FieldError(Exception):
    """A field of the file is wrong; the message does not name the file yet."""


def _json_object(path):
    try:
        content = json.loads(files.content_of(path))
    except (ValueError, RecursionError) as error:  # too many brackets in brackets
        raise InputError(
            f"{path}: not valid JSON ({error}). Write the structure again; "
            "the layout of .example files is in doc/formats.md."
        ) from None
    if not isinstance(content, dict):
        raise InputError(
            f"{path}: found a JSON {type(content).__name__}, expected an object with "
            "the key 'atoms' (doc/formats.md)."
        )
    return content


def _structure(path, content, constants, assumed):
    length = _length_unit(content, constants, assumed)
    atoms = _atoms(content)
    symbols = tuple(_symbol(index, atom[1]) for index, atom in enumerate(atoms))
    cell = _cell(content) * length
    energy, energy_unit = _energy(content, constants, assumed)
    per_atom_energy = content.get("per_atom_energy")
    if per_atom_energy is not None:
        shape = (len(atoms),)
        per_atom_energy = _numbers("per_atom_energy", per_atom_energy, shape)
        per_atom_energy *= energy_unit
    pbc = cell.any(axis=1)
    return Structure(
        name=path.name.removesuffix(SUFFIX),
        symbols=symbols,
        positions=_positions(content, atoms, cell, length),
        cell=cell,
        pbc=pbc,
        energy=energy,
        forces=_forces(atoms, energy_unit / length),
        virial=example_virial(content, cell, pbc, energy_unit, constants, assumed),
        per_atom_energy=per_atom_energy,
        total_charge=_number("total_charge", content.get("total_charge", 0.0)),
    )


def _length_unit(content, constants, assumed):
    name = content.get("unit_of_length")
    if name is None:
        assumed.append(NO_LENGTH_UNIT)
        return 1.0
    try:
        return units.length_in_angstrom(name, constants)
    except InputError as error:
        raise _FieldError(f"unit_of_length: {error}") from None


def _atoms(content):
    atoms = content.get("atoms")
    if not isinstance(atoms, list) or not atoms:
        raise _FieldError(
            "atoms: missing or empty, expected a list with one entry for each atom: "
            '[label, "symbol", [x, y, z], [fx, fy, fz]].'
        )
    for index, atom in enumerate(atoms):
        if not isinstance(atom, list) or len(atom) < 3:
            raise _FieldError(
                f"atoms, entry {index + 1}: found {json.dumps(atom)[:80]}, expected "
                '[label, "symbol", [x, y, z]] and optionally [fx, fy, fz].'
            )
    return atoms


def _symbol(index, symbol):
    if not isinstance(symbol, str) or not is_element(symbol):
        raise _FieldError(
            f"atoms, entry {index + 1}: {symbol!r} is not a chemical symbol; expected "
            "one like 'H' or 'Si'."
        )
    return symbol


def _positions(content, atoms, cell, length):
    positions = _numbers(
        "atoms, positions", [atom[2] for atom in atoms], (len(atoms), 3)
    )
    kind = content.get("atomic_position_unit", content.get("atomic_coordinates"))
    kind = "cartesian" if kind is None else kind
    if kind not in COORDINATES:
        raise _FieldError(
            f"atomic_position_unit: found {kind!r}, expected 'cartesian' or 'crystal'."
        )
    if kind == "cartesian":
        return positions * length
    if not cell.any(axis=1).all():
        raise _FieldError(
            "atomic_position_unit is 'crystal', which needs three lattice_vectors that "
            "are not zero."
        )
    return positions @ cell


def _cell(content):
    vectors = content.get("lattice_vectors")
    if vectors is None or vectors == []:
        return np.zeros((3, 3))
    cell = _numbers("lattice_vectors", vectors, (3, 3))
    given = cell[cell.any(axis=1)]
    # A rank below the number of vectors means a cell without volume.
    if len(given) > 1 and np.linalg.matrix_rank(given) < len(given):
        raise _FieldError(
            f"lattice_vectors: {cell.tolist()} are linearly dependent; the cell has no "
            "volume. Set a vector to zero where the structure does not repeat."
        )
    return cell


def _energy(content, constants, assumed):
    """Total energy in eV (None when absent) and the file's energy unit in eV."""
    if content.get("energy") is None:
        return None, 1.0
    entry = content["energy"]
    entry = list(entry) if isinstance(entry, (list, tuple)) else [entry]
    if len(entry) not in (1, 2):
        raise _FieldError(f"energy: found {entry}, expected [value, unit].")
    unit = 1.0
    if len(entry) == 1:
        assumed.append(NO_ENERGY_UNIT)
    else:
        try:
            unit = units.energy_in_ev(entry[1], constants)
        except InputError as error:
            raise _FieldError(f"energy: {error}") from None
    return _number("energy", entry[0]) * unit, unit


def _forces(atoms, unit):
    given = [len(atom) > 3 and bool(atom[3]) for atom in atoms]
    if not any(given):
        return None
    if not all(given):
        raise _FieldError(
            f"atoms, entry {given.index(False) + 1}: no forces, but other atoms have "
            "them. Give forces for all atoms or for none."
        )
    forces = [atom[3] for atom in atoms]
    return _numbers("atoms, forces", forces, (len(atoms), 3)) * unit


def _number(field, value):
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise _FieldError(
            f"{field}: found {repr(value)[:80]}, expected a number."
        ) from None
    if not math.isfinite(number):
        raise _FieldError(f"{field}: found {value!r}, which is not a finite number.")
    return number


def _numbers(field, values, shape):
    """`values` as a float64 array of `shape`; quoted numbers are numbers too."""
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise _FieldError(
            f"{field}: not an array of numbers of shape {shape}; a number is missing "
            "or is not one."
        ) from None
    if array.shape != shape:
        raise _FieldError(f"{field}: found shape {array.shape}, expected {shape}.")
    if not np.isfinite(array).all():
        raise _FieldError(f"{field}: holds a value that is not a finite number.")
    return array
