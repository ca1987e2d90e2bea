"""README.md of the tutorial data: how they were made and how far energies spread."""

from importlib.metadata import version

import numpy as np

ELEMENTS = ("H", "C", "O", "N")

TEXT = """\
# Tutorial data: H2O, NH3 and CH4 at 2000 K

Made by `python generate.py label` (PySCF {pyscf}, resumable) and
`python generate.py pack` (annpot). This file is written by the second step; its
numbers are computed from the data.

| folder | content |
|---|---|
| `structures/train_validate.xyz`, `structures/test.xyz` | extended XYZ: name, positions (angstrom), energy (eV), forces (eV/angstrom) |
| `structures/train_validate/`, `structures/test/` | the same structures as `.example` files |
| `train/`, `validate/` | TFRecords `train-1-10` to `train-8-10` and `train-9-10`, `train-10-10`: 90 shuffled records each |
| `test/` | one TFRecord of 300 records; no recipe is ever chosen on it |
| `quantum_chemistry/` | energies of isolated atoms; geometry, normal modes and force constants of each molecule (atomic units) |

## Method

Each molecule is optimised at wB97X/6-31G(d) (Cartesian d functions; PySCF, grid level
5), and its harmonic normal modes q_i and force constants K_i are computed there. A
configuration is drawn by the normal-mode formula of the ANI-1 paper (J. S. Smith,
O. Isayev, A. E. Roitberg, Sci. Data 4, 170193 (2017)):

    x = x_0 + sum_i R_i q_i,    R_i = s_i sqrt(3 c_i N_a k_B T / K_i)

with T = 2000 K, N_a atoms, s_i = +1 or -1 with equal probability, and (c_1, c_2, ...)
uniform on the simplex {{c_i >= 0, sum_i c_i <= 1}}; the modes have unit Cartesian norm.
The harmonic energy of a configuration is then 3/2 N_a k_B T sum_i c_i. Energies and
analytic forces are wB97X/6-31G(d), grid level 4, self-consistency to 1e-9 hartree.
Every configuration has a random stream of its own, drawn from (2000, molecule, set,
index). Positions and forces are rounded to 8 decimals.

Descriptors: modified Behler-Parrinello, generation 3, 384 components, elements in the
order H, C, O, N; parameters in `../input_files/gvect.ini` and in each `dataset.json`.

## Energies

Isolated atoms, same method, ground-state spin:

| element | energy / eV |
|---|---|
{atoms}

Total energies:

| molecule | set | structures | lowest / eV | highest / eV | range / eV | standard deviation / eV |
|---|---|---|---|---|---|---|
{ranges}

How far energies spread, per atom, so that an error can be judged:

| quantity | training and validation | test |
|---|---|---|
| standard deviation of (E - isolated atoms) / n_atoms, meV/atom | {raw_std[0]:.1f} | {raw_std[1]:.1f} |
| standard deviation of (E - composition fit) / n_atoms, meV/atom | {fit_std[0]:.1f} | {fit_std[1]:.1f} |
| MAE of the composition fit, meV/atom | {fit_mae[0]:.1f} | {fit_mae[1]:.1f} |

The composition fit is E = sum_X n_X e_X by least squares on training and validation; it
knows the number of atoms of each element and nothing else, so a network has to be
compared with its MAE. For comparison: the records of PANNA's tutorial, drawn from
ANI-1, spread by 227 meV/atom overall.
"""


def readme(subsets, isolated_atoms):
    """Text of README.md.

    Args:
        subsets: {"train_validate": [Structure], "test": [Structure]}.
        isolated_atoms: symbol -> energy of the free atom, eV.
    """
    fitted = composition_fit(subsets["train_validate"])
    offsets = np.array([isolated_atoms[symbol] for symbol in ELEMENTS])
    both = subsets.values()
    residuals = [per_atom_residuals(structures, fitted) for structures in both]
    raw = [per_atom_residuals(structures, offsets) for structures in both]
    return TEXT.format(
        pyscf=version("pyscf"),
        atoms="\n".join(f"| {x} | {isolated_atoms[x]:.6f} |" for x in ELEMENTS),
        ranges="\n".join(
            range_row(molecule, subset, structures)
            for subset, structures in subsets.items()
            for molecule in dict.fromkeys(s.name.split("_")[0] for s in structures)
        ),
        raw_std=[1e3 * residual.std() for residual in raw],
        fit_std=[1e3 * residual.std() for residual in residuals],
        fit_mae=[1e3 * np.abs(residual).mean() for residual in residuals],
    )


def element_counts(structures):
    """(n_structures, n_elements) numbers of atoms, in the order of ELEMENTS."""
    return np.array([[s.symbols.count(x) for x in ELEMENTS] for s in structures])


def composition_fit(structures):
    """Energy of each element, eV: E = sum_X n_X e_X by least squares."""
    energies = np.array([s.energy for s in structures])
    return np.linalg.lstsq(element_counts(structures), energies, rcond=None)[0]


def per_atom_residuals(structures, element_energies):
    """(E - sum_X n_X e_X) / n_atoms of each structure, eV."""
    energies = np.array([s.energy for s in structures])
    n_atoms = np.array([s.n_atoms for s in structures])
    return (energies - element_counts(structures) @ element_energies) / n_atoms


def range_row(molecule, subset, structures):
    """Line of the table of total energies."""
    energies = [s.energy for s in structures if s.name.split("_")[0] == molecule]
    low, high = min(energies), max(energies)
    spread = np.std(energies)
    set_name = "training and validation" if subset == "train_validate" else subset
    return (
        f"| {molecule} | {set_name} | {len(energies)} | {low:.4f} | {high:.4f} "
        f"| {high - low:.4f} | {spread:.4f} |"
    )
