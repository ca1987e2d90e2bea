"""Which atoms a descriptor depends on, and derivatives laid out in full.

A block holds the derivatives of the descriptor of one atom i with respect to the
position of one atom k. Blocks are kept for the atoms k within reach only, i included,
sorted by i, then k; the images of k share its block.
"""

import numpy as np

from annpot.compiled import compiled


@compiled(nogil=True)
def find_blocks(first, j):
    """Blocks of every atom of a neighbour list.

    Args:
        first, j: of a NeighborList.

    Returns:
        first_block: (n_atoms + 1,) int64; blocks first_block[i]:first_block[i + 1]
            are those of atom i.
        own: (n_atoms,) int64, which of them is (i, i).
        of_pair: (n_pairs,) int64, which of its atom's blocks a pair belongs to.
        moved: (n_blocks,) int64, the atom k of each block.
    """
    n_atoms = len(first) - 1
    first_block, own = np.empty(n_atoms + 1, np.int64), np.empty(n_atoms, np.int64)
    of_pair = np.empty(len(j), np.int64)
    moved = np.empty(len(j) + n_atoms, np.int64)
    n = 0
    for i in range(n_atoms):
        first_block[i], own[i] = n, -1
        for p in range(first[i], first[i + 1]):
            k = j[p]
            if k >= i and own[i] < 0:
                own[i] = n - first_block[i]
                moved[n] = i
                n += 1
            if k != i and (p == first[i] or k != j[p - 1]):
                moved[n] = k
                n += 1
            of_pair[p] = own[i] if k == i else n - 1 - first_block[i]
        if own[i] < 0:
            own[i] = n - first_block[i]
            moved[n] = i
            n += 1
    first_block[n_atoms] = n
    return first_block, own, of_pair, moved[:n].copy()


@compiled(nogil=True)
def fill_dense(first, moved, values, out):
    """Write blocks into out (n_atoms, n_features, n_atoms, 3), which holds zeros."""
    for i in range(len(first) - 1):
        for c in range(values.shape[1]):
            for b in range(first[i], first[i + 1]):
                for x in range(3):
                    out[i, c, moved[b], x] = values[b, c, x]


@compiled(nogil=True)
def coordinates(first, moved, values):
    """The values that are not zero, with their place in the dense array.

    Returns:
        values (n,), rows (n,) i * n_features + c and columns (n,) 3 k + x, int64,
        sorted by row, then column.
    """
    n_features = values.shape[1]
    n = np.count_nonzero(values)
    found, rows = np.empty(n, values.dtype), np.empty(n, np.int64)
    columns = np.empty(n, np.int64)
    n = 0
    for i in range(len(first) - 1):
        for c in range(n_features):
            for b in range(first[i], first[i + 1]):
                for x in range(3):
                    if values[b, c, x] != 0:
                        found[n] = values[b, c, x]
                        rows[n] = i * n_features + c
                        columns[n] = 3 * moved[b] + x
                        n += 1
    return found, rows, columns
