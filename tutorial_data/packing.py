"""Pack the labelled configurations: XYZ, `.example`, descriptors and TFRecords.

    structures/train_validate.xyz, test.xyz        extended XYZ, eV and angstrom
    structures/train_validate/, structures/test/   the same as `.example` files
    train/, validate/, test/                       TFRecords, each with dataset.json
    forces/train, forces/validate, forces/test     the same sets as structure records
    quantum_chemistry/                             isolated atoms, normal modes
    README.md                                      method and statistics

`pack_everything` calls what annpot's own commands call. Scratch files go to work/.
`pack_structures` needs the `.example` files only.
"""

import json
import shutil
import sys
from collections import Counter
from dataclasses import replace

import generate
import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write as write_ase
from description import readme

from annpot.config import load_gvect, load_tfr
from annpot.data.bin_folder import open_bin_folder
from annpot.data.descriptor_files import compute_descriptor_files
from annpot.data.descriptor_task import descriptor_task
from annpot.data.packing import describe_tfrecords, pack, packing_plan
from annpot.data.structure_files import open_structure_files
from annpot.structures.example_json import write_example
from annpot.structures.readers import structure_sources
from annpot.structures.structure import Structure

HERE, WORK = generate.HERE, generate.WORK
INPUT_FILES = HERE.parent / "input_files"
DECIMALS = 8  # of positions and forces: what extended XYZ keeps
SUBSETS = ("train_validate", "test")
TEST_PLAN = {"prefix": "test", "records_per_file": 300}
FOLDERS = {  # where the packed files of each subset go
    "train_validate": {
        "train": [f"train-{i}-10.tfrecord" for i in range(1, 9)],
        "validate": [f"train-{i}-10.tfrecord" for i in (9, 10)],
    },
    "test": {"test": ["test-1-1.tfrecord"]},
}


def pack_everything():
    """Write every file of the tutorial data from the labels in work/."""
    subsets = {subset: labelled_structures(subset) for subset in SUBSETS}
    for folder in ("structures", "quantum_chemistry", "train", "validate", "test"):
        shutil.rmtree(HERE / folder, ignore_errors=True)
        (HERE / folder).mkdir()
    for path in WORK.glob("*.json"):
        shutil.copy(path, HERE / "quantum_chemistry" / path.name)
    for subset, structures in subsets.items():
        write_structures(subset, structures)
        compute_and_pack(subset)
    pack_structures()
    atoms = json.loads((WORK / "isolated_atoms.json").read_text())
    text = readme(subsets, atoms)
    (HERE / "README.md").write_text(text)
    print(text)


def labelled_structures(subset):
    """Structures of one subset, ordered by molecule and index."""
    structures = []
    for name in generate.MOLECULES:
        records = generate.finished(name, subset)
        if len(records) != generate.SIZES[subset]:
            sys.exit(
                f"{name}, {subset}: {len(records)} of {generate.SIZES[subset]} labels. "
                "Run `python generate.py label` first."
            )
        symbols = json.loads((WORK / f"{name}_equilibrium.json").read_text())["symbols"]
        prefix = name if subset == "train_validate" else f"{name}_{subset}"
        structures += [
            Structure(
                name=f"{prefix}_{index:04d}",
                symbols=tuple(symbols),
                positions=np.round(records[index]["positions"], DECIMALS),
                energy=records[index]["energy"],
                forces=np.round(records[index]["forces"], DECIMALS),
            )
            for index in sorted(records)
        ]
    return structures


def write_structures(subset, structures):
    """One extended XYZ file and one `.example` file per structure."""
    folder = HERE / "structures" / subset
    folder.mkdir()
    frames = []
    for structure in structures:
        write_example(folder / f"{structure.name}.example", structure)
        atoms = Atoms(structure.symbols, structure.positions)
        atoms.info["name"] = structure.name
        atoms.calc = SinglePointCalculator(
            atoms, energy=structure.energy, forces=structure.forces
        )
        frames.append(atoms)
    write_ase(folder.with_suffix(".xyz"), frames, format="extxyz")


def compute_and_pack(subset):
    """Descriptors and TFRecords of one subset, with the tutorial's own settings."""
    bins, packed = WORK / "bin" / subset, WORK / "packed" / subset
    for folder in (bins, packed):
        shutil.rmtree(folder, ignore_errors=True)
    task = descriptor_task(load_gvect(INPUT_FILES / "gvect.ini"))
    task = replace(task, folder=bins, done_log=WORK / "gvect_already_computed.dat")
    compute_descriptor_files(structure_sources(HERE / "structures" / subset), task)
    pack(open_bin_folder(bins), packed, plan_of(subset, "tfr.ini"))
    move_and_describe(subset, packed, HERE, task.origin)


def pack_structures(work=WORK, destination=HERE / "forces"):
    """Structure records of the sets of `compute_and_pack`, in the same order.

    Args:
        work: folder of scratch files.
        destination: where train/, validate/ and test/ are written anew.
    """
    for subset in SUBSETS:
        packed = work / "packed_structures" / subset
        for folder in (packed, *(destination / name for name in FOLDERS[subset])):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        source = open_structure_files(HERE / "structures" / subset, Counter())
        plan = plan_of(subset, "tfr_structures.ini")
        pack(source, packed, plan)
        move_and_describe(subset, packed, destination, source.packed_origin(plan))


def plan_of(subset, ini):
    """PackingPlan of a subset by a shipped INI file; the test set is one file."""
    plan = packing_plan(load_tfr(INPUT_FILES / ini))
    return plan if subset == "train_validate" else replace(plan, **TEST_PLAN)


def move_and_describe(subset, packed, destination, origin):
    """Move packed files to the folders of their sets and write dataset.json there."""
    for folder, names in FOLDERS[subset].items():
        for name in names:
            shutil.move(packed / name, destination / folder / name)
        describe_tfrecords(destination / folder, origin).write(destination / folder)
