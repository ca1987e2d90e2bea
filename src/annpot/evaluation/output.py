"""The text files of an evaluation (doc/formats.md)."""

from pathlib import Path

from annpot import files

ENERGIES = "#filename n_atoms e_ref e_nn"
FORCES = "#filename atom_id fx_nn fy_nn fz_nn fx_ref fy_ref fz_ref"
_SIX = ("xx", "yy", "zz", "yz", "xz", "xy")
VIRIALS = " ".join(["#filename", *(f"w{c}_{of}" for of in ("nn", "ref") for c in _SIX)])


def write_results(eval_dir, evaluation):
    """Write all that an Evaluation has to EVAL_DIR/epoch_{e}_step_{s}*.dat.

    With a part of the data its name follows: epoch_{e}_step_{s}_test*.dat.
    Numbers have ten digits behind the point, `nan` for a label that is not there.
    Blanks in names become underscores.
    """
    stem = Path(eval_dir) / evaluation.stem
    names = ["_".join(name.split()) or "N.A." for name in evaluation.names]
    _write(f"{stem}.dat", ENERGIES, _energy_rows(evaluation, names))
    if evaluation.forces is not None:
        _write(f"{stem}_forces.dat", FORCES, _force_rows(evaluation, names))
    if evaluation.virials is not None:
        _write(f"{stem}_virial.dat", VIRIALS, _virial_rows(evaluation, names))


def _write(path, header, rows):
    files.write_text(Path(path), "\n".join([header, *rows]) + "\n")


def _energy_rows(evaluation, names):
    numbers = evaluation.n_atoms, evaluation.e_ref, evaluation.e_nn
    for name, n, e_ref, e_nn in zip(names, *numbers, strict=True):
        yield f"{name} {n} {e_ref:.10f} {e_nn:.10f}"


def _force_rows(evaluation, names):
    forces = evaluation.forces.values
    rows = zip(forces.predicted.tolist(), forces.reference.tolist(), strict=True)
    for name, n in zip(names, evaluation.n_atoms.tolist(), strict=True):
        for atom in range(n):
            yield f"{name} {atom} {_listed(*next(rows))}"


def _virial_rows(evaluation, names):
    virials = evaluation.virials
    rows = virials.values.predicted.tolist(), virials.values.reference.tolist()
    for s, *row in zip(virials.structures, *rows, strict=True):
        yield f"{names[s]} {_listed(*row)}"


def _listed(predicted, reference):
    return " ".join([f"{value:.10f}" for value in (*predicted, *reference)])
