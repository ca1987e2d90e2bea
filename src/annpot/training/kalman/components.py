"""Which force components an update observes: a pure function of (seed, t)."""

from typing import NamedTuple

import numpy as np

# Added to the seed, so that components do not follow the order of the records.
STREAM = 0x6B616C6D


class ForceComponents(NamedTuple):
    """Force components of a run of updates.

    Attributes:
        places: (n_steps, n) int32 of the components, 3 place + direction.
        present: (n_steps, n) whether there is one; False where a batch has fewer.
    """

    places: np.ndarray
    present: np.ndarray


def force_components(chunk, settings, first_step):
    """ForceComponents of a Chunk, drawn without replacement.

    The candidates of an update are all components of its structures with forces, in
    the order of its places; update t draws by rng([seed, STREAM, t]). Neither padding
    nor the cut into chunks enters.

    Args:
        chunk: Chunk.
        settings: KalmanSettings.
        first_step: number t of its first update.
    """
    n_steps, n = len(chunk.targets), settings.n_force_components
    places = np.zeros((n_steps, n), np.int32)
    present = np.zeros((n_steps, n), bool)
    if not n:
        return ForceComponents(places, present)
    owners = np.concatenate(chunk.owners, axis=1)
    for step in range(n_steps):
        has_forces = np.append(chunk.labels.has_forces[step], False)
        atoms = np.flatnonzero(has_forces[owners[step]])
        rng = np.random.default_rng([settings.seed, STREAM, first_step + step])
        drawn = rng.permutation(3 * len(atoms))[:n]
        places[step, : len(drawn)] = 3 * atoms[drawn // 3] + drawn % 3
        present[step, : len(drawn)] = True
    return ForceComponents(places, present)


def n_components(fraction, batch_size, n_atoms):
    """Force components per update that are a fraction of those of a mean batch.

    Args:
        fraction: 0 to 1; 0 for none, else at least one component.
        batch_size: structures per update.
        n_atoms: (n_structures,) atoms of the structures with forces.
    """
    if not fraction or not len(n_atoms):
        return 0
    return max(1, round(fraction * 3.0 * batch_size * float(np.mean(n_atoms))))
