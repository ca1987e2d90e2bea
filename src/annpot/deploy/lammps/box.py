"""Structures turned into the boxes of LAMMPS: a along x, b in the xy plane."""

from dataclasses import dataclass

import numpy as np

from annpot.structures.stress import COMPONENT_OF, X_OF, Y_OF

MARGIN = 1.0  # angstrom around the atoms along a direction without periodicity


@dataclass(frozen=True, eq=False)
class Box:
    """A structure as LAMMPS takes it.

    Attributes:
        vectors: (3, 3) rows are the box vectors, lower triangular, angstrom:
            lx; xy, ly; xz, yz, lz.
        pbc: (3,) bool, whether the box repeats along each of them.
        positions: (n_atoms, 3) angstrom, inside the box.
        rotation: (3, 3) Q; a vector v of the structure is v Q^T in the box.
    """

    vectors: np.ndarray
    pbc: np.ndarray
    positions: np.ndarray
    rotation: np.ndarray

    @property
    def boundary(self):
        """Words of the command `boundary`."""
        return " ".join("p" if along else "f" for along in self.pbc)

    @property
    def region(self):
        """Words of `region ID prism`: bounds and tilts."""
        (lx, _, _), (xy, ly, _), (xz, yz, lz) = self.vectors
        return f"0 {lx:.17g} 0 {ly:.17g} 0 {lz:.17g} {xy:.17g} {xz:.17g} {yz:.17g}"

    def from_box(self, vectors):
        """(n, 3) vectors in the box, such as forces, in the frame of the structure."""
        return vectors @ self.rotation

    def tensors_from_box(self, tensors):
        """(..., 3, 3) tensors in the frame of the structure."""
        return self.rotation.T @ tensors @ self.rotation

    def virial_from_box(self, virials):
        """(..., 6) tensors xx, yy, zz, yz, xz, xy, in the frame of the structure."""
        full = self.tensors_from_box(virials[..., COMPONENT_OF])
        return full[..., X_OF, Y_OF]


def box_of(structure):
    """Box of a structure with positions, cell and pbc.

    Periodic cell vectors come first; directions without periodicity get an orthogonal
    box vector that holds all atoms.
    """
    pbc, positions = np.array(structure.pbc, bool), np.array(structure.positions, float)
    periodic = np.array(structure.cell, float)[pbc]
    directions = np.linalg.svd(periodic, full_matrices=True)[2][pbc.sum() :]
    if not pbc.any():
        directions = np.eye(3)
    origin = np.zeros(3)
    lengths = []
    for direction in directions:
        along = positions @ direction
        lengths.append(np.ptp(along) + 2 * MARGIN)
        origin = origin + (along.min() - MARGIN) * direction
    rows = [*periodic, *(n * d for n, d in zip(lengths, directions, strict=True))]
    rows = _right_handed(np.array(rows), pbc.sum())
    q, upper = np.linalg.qr(rows.T)
    signs = np.sign(np.diag(upper))
    rotation, vectors = (q * signs).T, (upper.T * signs)
    repeats = np.arange(3) < pbc.sum()
    inside = (positions - origin) @ np.linalg.inv(rows)
    inside -= np.floor(inside) * repeats
    inside[inside >= 1.0] = 0.0  # of a tiny negative number
    return Box(np.tril(vectors), repeats, inside @ vectors, rotation)


def _right_handed(rows, n_periodic):
    """Box vectors with a positive volume: two of one kind change places if needed."""
    if np.linalg.det(rows) > 0:
        return rows
    return rows[[0, 2, 1] if n_periodic == 1 else [1, 0, 2]]
