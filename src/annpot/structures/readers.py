"""Structures from a folder of `.example` files or from any file that ASE reads."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from annpot import files, units
from annpot.errors import InputError
from annpot.structures.example_json import SUFFIX, read_example
from annpot.structures.stress import six_components, virial_label
from annpot.structures.structure import Structure

_log = logging.getLogger(__name__)
LONGEST_NAME = 200  # bytes; file systems take 255 with what is put around it


@dataclass(frozen=True)
class NamedSource:
    """A structure that is read only when it is needed.

    Attributes:
        name: of the structure, unique among the sources read together.
        where: file, and frame where it has several, for messages.
        load: function without arguments that returns the Structure.
        energy_keys: words that tell where an energy is looked for.
    """

    name: str
    where: str
    load: Callable[[], Structure]
    energy_keys: str = 'the key is "energy": [value, unit]'


def iter_structures(path, constants=units.CODATA_2022, assumptions=None):
    """Iterate over the structures of a folder or file, one in memory at a time."""
    for source in structure_sources(path, constants, assumptions):
        yield source.load()


def structure_sources(path, constants=units.CODATA_2022, assumptions=None):
    """Iterator over the NamedSources of a folder of `.example` files or of one file.

    Files of a folder come in the order of their names, frames in that of the file.

    Args:
        path: the folder or file.
        constants: UnitConstants for units that are not angstrom and eV.
        assumptions: see `read_example`.

    Raises:
        InputError: nothing there; while iterating, two structures of one name, a name
            that cannot be that of a file, or a frame that cannot be read.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(
            f"{path}: no such folder or file. Give a folder of {SUFFIX} files or a "
            "file with structures, such as extended XYZ."
        )
    if path.is_dir() or path.suffix == SUFFIX:
        return _examples(path, constants, assumptions)
    return _unique(path, _frames(path, assumptions))


def _unique(path, sources):
    seen = set()
    for source in sources:
        if source.name in seen:
            raise InputError(
                f"{path}: two structures are called {source.name!r}; their files would "
                "overwrite each other. Give each a name of its own."
            )
        seen.add(source.name)
        yield source


def n_structures(path):
    """Number of structures where a glance tells it, else None."""
    path = Path(path)
    return len(files.names_in(path, SUFFIX)) if path.is_dir() else None


def _examples(path, constants, assumptions):
    folder = path if path.is_dir() else path.parent
    names = files.names_in(path, SUFFIX) if path.is_dir() else [path.name]
    if not names:
        raise InputError(
            f"{path}: no {SUFFIX} file in this folder. Check the path; other formats "
            "are given as one file, such as extended XYZ."
        )
    for name in names:
        _check_name(f"{folder}/{name}"[:200], name.removesuffix(SUFFIX))
    return (
        NamedSource(
            name=name.removesuffix(SUFFIX),
            where=f"{folder}/{name}",
            load=partial(read_example, folder / name, constants, assumptions),
        )
        for name in names
    )


def _check_name(where, name):
    """Raise an InputError where a structure's name cannot be that of its file."""
    if not name or "/" in name or name.startswith(".") or not name.isprintable():
        raise InputError(
            f"{where}: the name {name[:80]!r} cannot be the name of a file. Use "
            "letters, digits, '_' and '-'."
        )
    if (n_bytes := len(name.encode())) > LONGEST_NAME:
        raise InputError(
            f"{where}: its name has {n_bytes} bytes ({name[:40]}...), expected at most "
            f"{LONGEST_NAME}, as files are named after it. Shorten the name."
        )


def _frames(path, assumptions):
    """Frames of a file through ASE, which is imported only here."""
    index = 0
    for index, atoms in enumerate(_ase_frames(path), start=1):
        where = f"{path}: frame {index}"
        name = str(atoms.info.get("name", f"{path.stem}_{index}"))
        _check_name(where, name)
        load = partial(from_ase, atoms, name, where, assumptions)
        yield NamedSource(name, where, load, _energy_keys(atoms))
    if index == 0:
        raise InputError(f"{path}: the file holds no structure.")


def _energy_keys(atoms):
    results = atoms.calc.results if atoms.calc is not None else {}
    found = ", ".join(sorted({*results, *map(str, atoms.info)})) or "none"
    return (
        "the key that is read is 'energy' (of ASE's calculator or of info, in eV); "
        f"keys of this frame: {found[:200]}"
    )


def _ase_frames(path):
    from ase.io import iread

    frames = iter(iread(path, index=":"))
    number = 0
    while True:
        number += 1
        try:
            atoms = next(frames)
        except StopIteration:
            return
        except Exception as error:  # ASE's readers raise whatever they stumble over
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InputError(
                f"{path}: frame {number} cannot be read by ASE ({reason}). Expected "
                "extended XYZ or another format that ASE knows."
            ) from error
        yield atoms


def from_ase(atoms, name, where, assumptions=None):
    """Structure of an ase.Atoms object.

    Energy, forces and stress are those of its calculator, else of `info` and `arrays`;
    `info["virial"]` is the virial. ASE's units are eV and angstrom, its stress is
    positive for tension.

    Args:
        atoms: ase.Atoms.
        name: of the structure.
        where: file and frame, for messages.
        assumptions: Counter of labels that were left out; logged when None.

    Raises:
        InputError: a value is not finite, a periodic direction has no cell vector, or
            stress and virial contradict each other.
    """
    results = dict(atoms.calc.results) if atoms.calc is not None else {}
    energy = results.get("energy", atoms.info.get("energy"))
    n_atoms = len(atoms)
    arrays = {
        "positions": (atoms.get_positions(), (n_atoms, 3)),
        "cell": (atoms.cell.array, (3, 3)),
        "energy": (energy, ()),
        "forces": (results.get("forces", atoms.arrays.get("forces")), (n_atoms, 3)),
        "energies": (results.get("energies"), (n_atoms,)),
        "charge": (atoms.info.get("charge", 0.0), ()),
    }
    checked = {key: _finite(where, key, *found) for key, found in arrays.items()}
    if n_atoms == 0 or "X" in (symbols := tuple(atoms.get_chemical_symbols())):
        raise InputError(f"{where}: no atoms, or an atom that is no chemical element.")
    if (atoms.pbc & ~checked["cell"].any(axis=1)).any():
        raise InputError(
            f"{where}: pbc = {atoms.pbc.tolist()}, but a periodic direction has no "
            "cell vector. Give the cell, or set pbc to False there."
        )
    vectors = checked["cell"][atoms.pbc]
    if np.linalg.matrix_rank(vectors) < len(vectors):
        raise InputError(
            f"{where}: the periodic cell vectors {vectors.tolist()} are linearly "
            "dependent; the cell has no volume. Correct the cell or pbc."
        )
    return Structure(
        name=name,
        symbols=symbols,
        positions=checked["positions"],
        cell=checked["cell"],
        pbc=np.array(atoms.pbc),
        energy=None if energy is None else float(checked["energy"]),
        forces=checked["forces"],
        virial=_virial(atoms, results, checked["cell"], where, assumptions),
        per_atom_energy=checked["energies"],
        total_charge=float(checked["charge"]),
    )


def _virial(atoms, results, cell, where, assumptions):
    """(6,) virial in eV, from `virial` or from `stress`; None without either."""
    found = {
        "stress": results.get("stress", atoms.info.get("stress")),
        "virial": results.get("virial", atoms.info.get("virial")),
    }
    six = {"stress": None, "virial": None}
    for key, values in found.items():
        if values is not None:
            try:
                six[key] = six_components(values)
            except InputError as error:
                raise InputError(f"{where}: {key} = {error}") from None

    def tell(text):
        if assumptions is None:
            _log.warning("%s: %s.", where, text)
        else:
            assumptions[text] += 1

    try:
        return virial_label(six["stress"], six["virial"], cell, atoms.pbc, tell)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _finite(where, key, values, shape):
    if values is None:
        return None
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.empty(0)
    if key == "forces" and array.shape == shape and not np.isfinite(array).all():
        atom = np.flatnonzero(~np.isfinite(array).all(axis=1))[0]
        raise InputError(
            f"{where}: the force on atom {atom + 1} is {array[atom].tolist()}, "
            "expected three finite numbers. Give the forces on all atoms, or on none."
        )
    if array.shape != shape or not np.isfinite(array).all():
        raise InputError(
            f"{where}: {key} = {str(values)[:80]}: expected finite numbers of shape "
            f"{shape}."
        )
    return array
