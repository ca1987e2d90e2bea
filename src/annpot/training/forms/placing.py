"""Which place of a padded batch each atom gets.

The places of a batch are those of the first element, then those of the second and so
on; inside an element atoms follow the structures of the batch. Compiled: it runs beside
the steps for every batch.
"""

import numpy as np

from annpot.compiled import compiled


@compiled(nogil=True)
def most_atoms(records, first):
    """Atoms of the largest of some batches, at least 1.

    Args:
        records: (n_steps, batch_size).
        first: (n_structures + 1,) first atom of each structure of the data set.
    """
    most = 1
    for t in range(len(records)):
        n = 0
        for r in records[t]:
            n += first[r + 1] - first[r]
        most = max(most, n)
    return most


@compiled(nogil=True)
def place_structures(records, first, species, starts, place):
    """Give the atoms of one batch their places.

    Args:
        records: (batch_size,) structures of the batch.
        first: (n_structures + 1,) first atom of each structure of the data set.
        species: (n_atoms,) element of each atom of the data set.
        starts: (n_species,) first place of each element.
        place: (most atoms in a batch,) is filled: place of each atom of the batch, in
            the order of the structures.
    """
    following = starts.copy()
    n = 0
    for r in records:
        for atom in range(first[r], first[r + 1]):
            place[n] = following[species[atom]]
            following[species[atom]] += 1
            n += 1


@compiled(nogil=True)
def place_atoms(records, first, species, starts, owners, atoms):
    """Say what is in every place of some batches.

    Args:
        records: (n_steps, batch_size).
        first, species, starts: see `place_structures`.
        owners: (n_steps, n_places) is filled where there is an atom: structure of the
            batch; holds batch_size before.
        atoms: the same: atom of the data set; holds -1 before.
    """
    place = np.empty(most_atoms(records, first), np.int64)
    for t in range(len(records)):
        place_structures(records[t], first, species, starts, place)
        n = 0
        for s in range(records.shape[1]):
            for atom in range(first[records[t, s]], first[records[t, s] + 1]):
                owners[t, place[n]] = s
                atoms[t, place[n]] = atom
                n += 1
