"""How well simulations conserve their energy: a line for each, and a picture.

    python input_files/md/energy_conservation.py tutorial_md/*_nve.csv

Each file has the columns time (ps), total energy (eV/atom), temperature (K). The drift
is the slope of the straight line that fits the total energy best.
"""

import argparse
from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("Agg")
from matplotlib import pyplot as plt


def main():
    """Print the table, draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path, metavar="CSV")
    parser.add_argument(
        "--output", type=Path, default=Path("tutorial_md/energy_conservation.png")
    )
    arguments = parser.parse_args()
    try:
        read = [columns(path) for path in arguments.files]
    except (OSError, ValueError) as error:
        parser.error(f"{error}: expected columns ps, eV/atom, K of a simulation")
    n = len(arguments.files)
    figure, panels = plt.subplots(
        n, figsize=(8, 1 + 1.5 * n), sharex=True, squeeze=False, layout="constrained"
    )
    print("simulation                    ps   drift, eV/atom/ps   spread, eV/atom")
    for axes, path, found in zip(panels[:, 0], arguments.files, read, strict=True):
        time, energy, _ = found
        slope, name = drift(time, energy), path.stem.replace("_", " ")
        print(f"{name:<24}{time[-1]:8.1f}{slope:20.1e}{energy.std():18.1e}")
        axes.plot(time, 1e6 * (energy - energy.mean()), linewidth=0.5)
        axes.plot(time, 1e6 * slope * (time - time.mean()), linewidth=1.5)
        axes.set_title(f"{name}: drift {slope:+.0e} eV/atom/ps", fontsize="medium")
    panels[-1, 0].set_xlabel("time (ps)")
    figure.supylabel("total energy - mean (µeV/atom)", fontsize="medium")
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(arguments.output, dpi=120)
    print(f"Picture: {arguments.output}")


def columns(path):
    """(3, n) time, total energy, temperature of a file."""
    try:
        found = np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2).T
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    if len(found) != 3:
        raise ValueError(f"{path}: {len(found)} columns")
    return found


def drift(time, energy):
    """Slope of the straight line that fits the energies best, eV/atom/ps."""
    apart = time - time.mean()
    return apart @ (energy - energy.mean()) / (apart @ apart)


if __name__ == "__main__":
    main()
