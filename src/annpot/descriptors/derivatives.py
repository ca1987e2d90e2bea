"""Derivatives of descriptors with respect to positions and strain."""

import logging
from dataclasses import dataclass

import numpy as np

from annpot.descriptors.atom_blocks import coordinates, fill_dense, find_blocks
from annpot.descriptors.calculator import calls, constants_of, for_all_atoms
from annpot.descriptors.symmetry_derivatives import fill_derivatives
from annpot.neighbors import neighbor_list
from annpot.structures.batch import structure_batch

VALUES_PER_CALL = 2**24  # bounds the memory of a call: 128 MB of derivatives
NAMES_SHOWN = 5

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class DescriptorDerivatives:
    """dG_ic / dr_kx of the atoms of one structure, or of a whole batch.

    Only blocks (i, k) whose atoms see each other are kept, those with k = i among
    them; all other derivatives are 0. A block counts all images of atom k.

    Attributes:
        first: (n_atoms + 1,) int64; blocks first[i]:first[i + 1] are those of the
            descriptor of atom i, sorted by k.
        moved: (n_blocks,) int64, the atom k.
        values: (n_blocks, n_features, 3), 1/angstrom.
        strain: (n_atoms, n_features, 6), dG_ic / d(strain), dimensionless, in the
            order xx, yy, zz, yz, xz, xy with the strain symmetric (the xy entry is
            the derivative by e_xy alone, half of that by e_xy = e_yx); or None.
        n_collinear: (n_atoms,) int64, pairs of neighbours in line with the atom,
            where a descriptor that has kinks has no derivative and 0 stands for
            what depends on the angle; without pairs of images of the atom itself.
    """

    first: np.ndarray
    moved: np.ndarray
    values: np.ndarray
    strain: np.ndarray | None
    n_collinear: np.ndarray

    @property
    def n_atoms(self):
        """Number of atoms."""
        return len(self.first) - 1

    def dense(self):
        """(n_atoms, n_features, n_atoms, 3) array [i, c, k, x] of all derivatives."""
        shape = (self.n_atoms, self.values.shape[1], self.n_atoms, 3)
        out = np.zeros(shape, self.values.dtype)
        fill_dense(self.first, self.moved, self.values, out)
        return out

    def sparse(self):
        """Derivatives that are not zero: values, rows and columns.

        values (n,); rows i * n_features + c and columns 3 k + x, int64, of dG_ic /
        dr_kx; sorted by row, then column.
        """
        return coordinates(self.first, self.moved, self.values)

    def of_atoms(self, start, stop):
        """Those of the atoms start to stop, a whole structure of a batch."""
        blocks = slice(self.first[start], self.first[stop])
        return DescriptorDerivatives(
            first=self.first[start : stop + 1] - self.first[start],
            moved=self.moved[blocks] - start,
            values=self.values[blocks],
            strain=None if self.strain is None else self.strain[start:stop],
            n_collinear=self.n_collinear[start:stop],
        )


def descriptors_and_derivatives(
    structures, settings, dtype=np.float64, threads=None, strain=False, warn=True
):
    """Descriptor of every atom of every structure, with its derivatives.

    A structure's numbers do not depend on what else is in the call or on the number
    of threads, to the last bit.

    Args:
        structures: see `calculator.descriptors`.
        settings: DescriptorSettings.
        dtype: of the result; sums are always float64.
        threads: number of cores to use; all when None.
        strain: whether to give derivatives with respect to the strain too.
        warn: whether to log a warning about structures where a descriptor with kinks
            (`DescriptorSettings.has_kinks`) meets collinear atoms.

    Returns:
        List of (g (n_atoms, n_features), DescriptorDerivatives), one per structure;
        views of larger arrays, so copy the few that are kept out of many.

    Raises:
        InputError: as `calculator.descriptors`.
    """
    structures = list(structures)
    result, in_line = [], []
    sizes = [3 * settings.n_features * len(s.positions) ** 2 for s in structures]
    for start, stop in calls(sizes, VALUES_PER_CALL):
        batch = structure_batch(structures[start:stop], settings.species)
        g, derivatives = batch_derivatives(batch, settings, dtype, threads, strain)
        for s, name in enumerate(batch.names):
            atoms = batch.first[s], batch.first[s + 1]
            result.append((g[slice(*atoms)], derivatives.of_atoms(*atoms)))
            if result[-1][1].n_collinear.any():
                in_line.append(name)
    if warn and in_line and settings.has_kinks:
        logger.warning(kink_warning(in_line))
    return result


def kink_warning(names):
    """What to tell about structures whose derivatives were taken at a kink."""
    shown = ", ".join(names[:NAMES_SHOWN]) + (", ..." if names[NAMES_SHOWN:] else "")
    return (
        f"{len(names)} structures with exactly collinear neighbours ({shown}): this "
        "descriptor has a kink there, and 0 was taken for the derivative of the "
        "angular part. mBP of generation 2 and 3 has none."
    )


def most_nonzero(structure, settings):
    """How many derivatives of a structure can differ from 0 (most of them will).

    Atom k enters the components of its own species, and angular ones only from inside
    their cutoff; the atom itself may enter all.
    """
    batch = structure_batch([structure], settings.species)
    found = neighbor_list(batch, settings.r_cut)
    first, _, of_pair, moved = find_blocks(found.first, found.j)
    is_near = np.zeros(len(moved), bool)
    is_near[(first[found.i] + of_pair)[found.distances < settings.r_cut_angular]] = True
    per_pair = len(settings.angular_etas) * len(settings.thetas)
    by_others = (len(moved) - structure.n_atoms) * len(settings.radial_etas)
    by_others += int(is_near.sum()) * len(settings.species) * per_pair
    return 3 * (by_others + structure.n_atoms * settings.n_features)


def batch_derivatives(batch, settings, dtype=np.float64, threads=None, strain=False):
    """Descriptors and derivatives of the atoms of a StructureBatch.

    Atoms are numbered through the whole batch.

    Returns:
        g (n_atoms, n_features) and DescriptorDerivatives.
    """
    found = neighbor_list(batch, settings.r_cut)
    neighbors = (found.j, found.vectors, found.distances, found.first)
    first, own, of_pair, moved = find_blocks(found.first, found.j)
    n_atoms, n_features = len(batch.positions), settings.n_features
    g = np.empty((n_atoms, n_features), dtype)
    values = np.empty((len(moved), n_features, 3), dtype)
    by_strain = np.empty((n_atoms if strain else 0, n_features, 6), dtype)
    n_collinear = np.zeros(n_atoms, np.int64)
    blocks, results = (first, own, of_pair), (g, values, by_strain, n_collinear)
    constants = constants_of(settings)

    def fill(start, stop):
        fill_derivatives(
            start, stop, batch.species, neighbors, constants, blocks, results
        )

    for_all_atoms(fill, n_atoms, threads)
    return g, DescriptorDerivatives(
        first, moved, values, by_strain if strain else None, n_collinear
    )
