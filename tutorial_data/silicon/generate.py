"""Make the periodic silicon data: `python tutorial_data/silicon/generate.py`, 20 s.

    train.xyz, validate.xyz, test.xyz    extended XYZ: eV, angstrom, eV/angstrom^3
    README.md                            method and statistics

Each structure has a random stream of its own, drawn from (SEED, kind, index): the
files come out the same again. With `--output FOLDER` they go elsewhere.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write
from cells import DECIMALS, KINDS, configuration
from description import readme
from tersoff_silicon import label

HERE = Path(__file__).resolve().parent
SEED = 14
# Of twelve structures of a kind eight are learnt from; two each judge and test.
SUBSETS = {"train": range(8), "validate": range(8, 10), "test": range(10, 12)}


def main():
    """Write the data and their README."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=HERE)
    folder = parser.parse_args().output
    folder.mkdir(exist_ok=True)
    subsets = {subset: structures_of(subset) for subset in SUBSETS}
    for subset, structures in subsets.items():
        write(folder / f"{subset}.xyz", structures, format="extxyz")
    (folder / "README.md").write_text(readme(subsets))


def structures_of(subset):
    """Labelled structures of one subset, by kind and index."""
    return [
        labelled(name, index)
        for name, kind in KINDS.items()
        for index in range(kind.count)
        if index % 12 in SUBSETS[subset]
    ]


def labelled(name, index):
    """Structure number `index` of a kind with its labels."""
    rng = np.random.default_rng([SEED, list(KINDS).index(name), index])
    atoms = configuration(name, index, rng)
    energy, forces, stress = label(atoms)
    results = {"energy": energy, "forces": np.round(forces, DECIMALS)}
    if stress is not None:
        results["stress"] = stress
    atoms.calc = SinglePointCalculator(atoms, **results)
    return atoms


if __name__ == "__main__":
    sys.exit(main())
