"""README.md of the silicon data, with numbers computed from them."""

from pathlib import Path

import ase
import numpy as np
from cells import KINDS

TEMPLATE = Path(__file__).parent / "readme_template.md"
EV_PER_ANGSTROM3_IN_GPA = 160.21766208


def readme(subsets):
    """Text of README.md.

    Args:
        subsets: {"train": [Atoms with results], ...}.
    """
    every = [atoms for structures in subsets.values() for atoms in structures]
    return TEMPLATE.read_text().format(
        ase=ase.__version__,
        n=len(every),
        kinds="\n".join(kind_row(name, every) for name in KINDS),
        subsets="\n".join(subset_row(*item) for item in subsets.items()),
    )


def kind_row(name, structures):
    """Line of the table of kinds."""
    own = [a for a in structures if a.info["name"].startswith(f"{name}_")]
    periodicity = " ".join("T" if flag else "F" for flag in own[0].pbc)
    kind = KINDS[name]
    return (
        f"| `{name}` | {len(own)} | {len(own[0])} | {periodicity} | {kind.text} "
        f"| {kind.strain} | {kind.rattle} |"
    )


def subset_row(name, structures):
    """Line of the table of labels."""
    per_atom = [a.calc.results["energy"] / len(a) for a in structures]
    forces = np.concatenate([a.calc.results["forces"] for a in structures])
    with_stress = [a for a in structures if "stress" in a.calc.results]
    stress = np.array([a.calc.results["stress"] for a in with_stress])
    stress = stress * EV_PER_ANGSTROM3_IN_GPA
    return (
        f"| `{name}.xyz` | {len(structures)} | {len(forces)} | {len(with_stress)} "
        f"| {min(per_atom):.3f} to {max(per_atom):.3f} | {1e3 * np.std(per_atom):.0f} "
        f"| {1e3 * forces.std():.0f} | {abs(forces).max():.2f} "
        f"| {stress.std():.2f} |"
    )
