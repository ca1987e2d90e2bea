"""README.md of the tutorial data: how they were made and how far energies spread."""

from importlib.metadata import version
from pathlib import Path

import numpy as np

ELEMENTS = ("H", "C", "O", "N")

TEMPLATE = Path(__file__).parent / "readme_template.md"


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
    return TEMPLATE.read_text().format(
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
