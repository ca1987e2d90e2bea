"""Sheets of structures: `.example` files and extended XYZ."""

import re
from collections import Counter
from pathlib import Path

from annpot.errors import InputError
from annpot.formula import formula
from annpot.inspection.sheet import Sheet
from annpot.structures.example_json import read_example

READ_AT_MOST = 2**26  # bytes of an extended XYZ file that are counted through
_KEYS = re.compile(r"(\w+)=(?:\"[^\"]*\"|'[^']*'|\S+)")


def example_sheet(path):
    """Sheet of a `.example` file.

    Raises:
        InputError: it cannot be read.
    """
    assumptions = Counter()
    structure = read_example(path, assumptions=assumptions)
    facts = structure_facts(structure)
    return Sheet(str(path), "structure (.example)", facts, notes=tuple(assumptions))


def structure_facts(structure):
    """{name: value} about one Structure."""
    labels = ("energy", "forces", "virial", "per_atom_energy")
    energy = structure.energy
    periodic = structure.pbc.any()
    return {
        "name": structure.name,
        "formula": formula(structure.symbols),
        "atoms": structure.n_atoms,
        "energy_eV": energy,
        "energy_eV_per_atom": None if energy is None else energy / structure.n_atoms,
        "labels": [name for name in labels if getattr(structure, name) is not None],
        "periodic": [bool(value) for value in structure.pbc],
        "cell_angstrom": structure.cell.tolist() if periodic else None,
        "total_charge": structure.total_charge or None,
    }


def xyz_sheet(path):
    """Sheet of an XYZ file: frames, atoms, elements and keys of the first frame.

    Raises:
        InputError: its first lines are not those of a frame.
    """
    path = Path(path)
    frames, atoms, symbols, keys, is_whole = 0, [], Counter(), (), True
    with open(path, encoding="utf-8", errors="replace") as stream:
        while line := stream.readline():
            if not line.strip():
                continue
            n_atoms, comment, rows = _frame(line, stream)
            if n_atoms is None:
                is_whole = False
                break
            keys = keys or tuple(dict.fromkeys(_KEYS.findall(comment)))
            symbols.update(row.split(maxsplit=1)[0] for row in rows if row.strip())
            atoms.append(n_atoms)
            frames += 1
            if stream.tell() > READ_AT_MOST:
                break
        n_read = stream.tell()
    if not frames:
        raise InputError(
            f"{path}: its first lines are not those of an XYZ file (number of atoms, "
            "comment, atoms). Write the structures again."
        )
    facts = {
        "structures": frames,
        "atoms": sum(atoms),
        "atoms_per_structure": [min(atoms), max(atoms)],
        "elements": sorted(symbols),
        "keys_of_the_first": list(keys),
        "bytes": path.stat().st_size,
    }
    return Sheet(str(path), "structures (XYZ)", facts, notes=_notes(n_read, is_whole))


def _frame(line, stream):
    """(number of atoms, comment, lines of atoms); None where there is no frame."""
    try:
        n_atoms = int(line)
    except ValueError:
        return None, "", []
    comment = stream.readline()
    rows = [row for _, row in zip(range(n_atoms), stream_lines(stream), strict=False)]
    return (n_atoms if len(rows) == n_atoms > 0 else None), comment, rows


def stream_lines(stream):
    """Iterate over lines with `readline`, which leaves `tell` usable."""
    return iter(stream.readline, "")


def _notes(n_read, is_whole):
    notes = []
    if n_read > READ_AT_MOST:
        notes.append(f"Only the first {n_read} bytes were counted.")
    if not is_whole:
        notes.append("It ends inside a structure, or goes on with other text.")
    return tuple(notes)
