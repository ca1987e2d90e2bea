"""Sheets of tables in text files: metrics of a run, results of an evaluation."""

import csv
from pathlib import Path

import numpy as np

from annpot.errors import InputError
from annpot.inspection.sheet import Listing, Sheet
from annpot.training.keeps import best_first

LARGEST = 2**28  # bytes that are read
ENERGIES = "#filename n_atoms e_ref e_nn"
RESULTS = {  # header of a result -> (what it is, columns of network and reference)
    ENERGIES: ("energies of an evaluation", slice(3, 4), slice(2, 3)),
    "#filename atom_id": ("forces of an evaluation", slice(2, 5), slice(5, 8)),
    "#filename wxx_nn": ("virials of an evaluation", slice(1, 7), slice(7, 13)),
}


def metrics_sheet(path):
    """Sheet of a metrics.dat or history.csv: last and best of each column.

    Raises:
        InputError: it is no table of numbers.
    """
    names, rows = read_table(path)
    columns = tuple(name for name in names if name != "epoch")
    watched = next((n for n in ("val_loss", "loss", "MAE/at") if n in columns), None)
    best = None
    if watched is not None:
        order = best_first(rows[:, names.index(watched)], larger_is_better=False)
        best = order[0] if order else None
    facts = {
        "epochs": len(rows),
        "first_epoch": int(rows[0, 0]) if len(rows) else None,
        "last_epoch": int(rows[-1, 0]) if len(rows) else None,
        "best_epoch": None if best is None else int(rows[best, 0]),
        "best_by": None if best is None else watched,
    }
    tables = ()
    if len(rows):
        last = rows[-1]
        tables = (
            Listing(
                "metrics",
                ("metric", "last", "best_epoch"),
                tuple(
                    (n, _number(last[names.index(n)]), _at(rows, best, names.index(n)))
                    for n in columns
                ),
            ),
        )
    return Sheet(str(path), f"metrics of a run ({Path(path).name})", facts, tables)


def read_table(path):
    """(names, (n_rows, n_columns) float64) of a table with a header.

    Columns are separated by blanks or commas; a field that is no number is NaN; a last
    line that is cut short is left out.

    Raises:
        InputError: there is no header `epoch ...`.
    """
    path = Path(path)
    with open(path, encoding="utf-8", errors="replace", newline="") as stream:
        text = stream.read(LARGEST)
    lines = text.splitlines()
    by_comma = bool(lines) and "," in lines[0]
    cells = csv.reader(lines) if by_comma else (line.split() for line in lines)
    header, *rest = list(cells) or [[]]
    if "epoch" not in header:
        raise InputError(
            f"{path}: its first line does not name the columns: expected one that "
            "begins with epoch. It may have been cut short; the next run writes it "
            "anew."
        )
    rows = [list(map(_float, row)) for row in rest if len(row) == len(header)]
    return header, np.array(rows, float).reshape(-1, len(header))


def result_sheet(path, header):
    """Sheet of one result of an evaluation.

    Args:
        path: the file.
        header: its first line, which begins with a key of RESULTS.

    Raises:
        InputError: a line is not complete.
    """
    start = next(key for key in RESULTS if header.startswith(key))
    what, predicted, reference = RESULTS[start]
    names, numbers = _rows(path, len(header.split()))
    # Names of structures stand in the first column, which has no number.
    network, label = numbers[:, predicted], numbers[:, reference]
    errors = network - label
    if start == ENERGIES:
        errors = errors / numbers[:, 1:2]
    known = errors[np.isfinite(errors)]
    unit = {"e": "eV/atom", "f": "eV/angstrom", "v": "eV"}[what[0]]
    facts = {
        "rows": len(names),
        "structures": len(dict.fromkeys(names)),
        "without_label": int((~np.isfinite(label)).all(axis=1).sum()) or None,
        f"MAE ({unit})": float(np.abs(known).mean()) if len(known) else None,
        f"RMSE ({unit})": float(np.sqrt((known**2).mean())) if len(known) else None,
        f"largest ({unit})": float(np.abs(known).max()) if len(known) else None,
    }
    return Sheet(str(path), what, facts)


def evaluation_folder_sheet(folder, names):
    """Sheet of a folder of results: errors of each checkpoint's energies.

    Args:
        folder: path.
        names: of its files `epoch_*.dat` and `model*.dat`.
    """
    rows, notes, settings = [], [], None
    for name in sorted(names):
        path = Path(folder) / name
        header = first_line(path)
        if not header.startswith(ENERGIES):
            continue
        try:
            facts = result_sheet(path, header).facts
        except InputError as error:
            notes += error.problems
            continue
        errors = [facts[f"{key} (eV/atom)"] for key in ("MAE", "RMSE", "largest")]
        forces = path.with_name(f"{path.stem}_forces.dat").exists()
        rows.append((path.stem, facts["structures"], *errors, forces))
    columns = ("checkpoint", "structures", "MAE", "RMSE", "largest", "forces")
    listing = Listing("errors of energies, eV/atom", columns, tuple(rows))
    ini = Path(folder) / "evaluate.expanded.ini"
    if ini.is_file():
        settings = ini.read_text(encoding="utf-8", errors="replace")
    facts = {"evaluations": len(rows), "files": len(names)}
    kind = "results of evaluations"
    return Sheet(str(folder), kind, facts, (listing,), tuple(notes), settings)


def first_line(path, largest=4096):
    """First line of a text file, without its end."""
    with open(path, encoding="utf-8", errors="replace") as stream:
        return stream.readline(largest).rstrip("\r\n")


def _rows(path, n_columns):
    """(names in the first column, the table with NaN there)."""
    with open(path, encoding="utf-8", errors="replace") as stream:
        lines = [line.split() for line in stream.read(LARGEST).splitlines()[1:]]
    bad = [n for n, row in enumerate(lines, start=2) if len(row) != n_columns]
    if bad:
        raise InputError(
            f"{path}:{bad[0]}: expected {n_columns} columns. The file was cut short; "
            "evaluate again."
        )
    numbers = [[np.nan, *map(_float, row[1:])] for row in lines]
    table = np.array(numbers, float).reshape(-1, n_columns)
    return [row[0] for row in lines], table


def _float(text):
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _at(rows, best, column):
    return None if best is None else _number(rows[best, column])


def _number(value):
    """A float, None where it is not a number (JSON has none)."""
    return float(value) if np.isfinite(value) else None
