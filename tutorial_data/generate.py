"""Make the tutorial data: label H2O, NH3 and CH4 configurations, then pack them.

    python generate.py label    # PySCF; resumable: run it again after a stop
    python generate.py pack     # annpot: XYZ, .example, descriptors, TFRecords
    python generate.py forces   # annpot: forces/ anew from structures/, without labels

`label` keeps its progress in work/ (one JSON line a configuration). Each
configuration has a random stream of its own, drawn from (SEED, molecule, set,
index), so that a stop, the number of processes and the order of work change
nothing.
"""

import argparse
import json
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORK = HERE / "work"

SEED = 2000
TEMPERATURE = 2000.0  # kelvin
PROCESSES = 2
MOLECULES = ("H2O", "NH3", "CH4")
SIZES = {"train_validate": 300, "test": 100}  # configurations per molecule
ELEMENTS = ("H", "C", "O", "N")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("step", choices=("label", "pack", "forces"))
    step = parser.parse_args().step
    if step == "label":
        label_everything()
    else:
        import packing

        {"pack": packing.pack_everything, "forces": packing.pack_structures}[step]()


def label_everything():
    """Compute every missing label with `PROCESSES` single-thread processes."""
    os.environ["OMP_NUM_THREADS"] = "1"  # two threads are slower than one here
    WORK.mkdir(exist_ok=True)
    _write_once(WORK / "isolated_atoms.json", _isolated_atoms)
    for name in MOLECULES:
        _write_once(WORK / f"{name}_equilibrium.json", _equilibrium, name)
    todo = [
        (name, subset, index)
        for index in range(max(SIZES.values()))
        for name in MOLECULES
        for subset, size in SIZES.items()
        if index < size and index not in finished(name, subset)
    ]
    total = len(MOLECULES) * sum(SIZES.values())
    print(f"{total - len(todo)} of {total} configurations are labelled already")
    started = time.monotonic()
    with ProcessPoolExecutor(PROCESSES) as pool:
        futures = [pool.submit(label_one, *task) for task in todo]
        for n_done, future in enumerate(as_completed(futures), start=1):
            name, subset, record = future.result()
            with open(WORK / f"{name}_{subset}.jsonl", "a") as stream:
                stream.write("\n" + json.dumps(record))
            if n_done % 20 == 0 or n_done == len(todo):
                left = (time.monotonic() - started) / n_done * (len(todo) - n_done)
                done = f"{n_done}/{len(todo)} labelled"
                print(f"{done}, {left / 60:.1f} min left", flush=True)


def finished(name, subset):
    """Index -> record of every configuration labelled so far.

    A line cut short by a killed process is left out and computed again: every
    record is written after a line break of its own.
    """
    path = WORK / f"{name}_{subset}.jsonl"
    records = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        records[record["index"]] = record
    return records


def label_one(name, subset, index):
    """Draw and label configuration `index` of one molecule's `subset`."""
    import numpy as np
    import quantum_chemistry as qc
    from pyscf import lib

    lib.num_threads(1)
    molecule = json.loads((WORK / f"{name}_equilibrium.json").read_text())
    stream = [SEED, MOLECULES.index(name), list(SIZES).index(subset), index]
    rng = np.random.default_rng(stream)
    positions = qc.sampled_configuration(molecule, TEMPERATURE, rng)
    if name not in _DENSITY:
        _DENSITY[name] = qc.equilibrium_density(molecule)
    energy, forces = qc.label(molecule["symbols"], positions, _DENSITY[name])
    return name, subset, {
        "index": index,
        "positions": (positions * qc.BOHR).tolist(),
        "energy": energy,
        "forces": forces.tolist(),
    }  # fmt: skip


_DENSITY = {}  # one guess per molecule and process


def _isolated_atoms():
    import quantum_chemistry as qc

    return {symbol: qc.isolated_atom_energy(symbol) for symbol in ELEMENTS}


def _equilibrium(name):
    import quantum_chemistry as qc

    return qc.equilibrium(name)


def _write_once(path, make, *arguments):
    if path.exists():
        return
    print(f"computing {path.name}", flush=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(make(*arguments), indent=1))
    os.replace(temporary, path)


if __name__ == "__main__":
    sys.exit(main())
