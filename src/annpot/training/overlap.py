"""Are structures of the validation data also among those that are trained on?"""

import numpy as np

from annpot.data.record_names import record_names
from annpot.data.split import is_name

NAMES_SHOWN = 3


def overlap_notes(training, validation):
    """What to tell of structures that are in both; a list with at most one sentence.

    Two structures count as the same when energy, to the last bit, numbers of atoms and
    name agree. Names are read only of those whose energy is found in both.

    Args:
        training: OpenedData.
        validation: OpenedData.
    """
    shared = np.intersect1d(training.data.energies, validation.data.energies)
    if not len(shared):
        return []
    both = _known(training, shared) & _known(validation, shared)
    names = sorted({name for name, *_ in both})
    if not names:
        return []
    listed = ", ".join(names[:NAMES_SHOWN])
    more = ", ..." if len(names) > NAMES_SHOWN else ""
    return [
        f"{validation.path}: name and energy of {len(both)} of {len(validation.data)} "
        f"structures are those of one in {training.path} ({listed}{more}). What was "
        "trained on is no test: leave them out of one of the two."
    ]


def _known(opened, energies):
    """{(name, energy, atoms of each element)} of the structures with given energies."""
    data = opened.data
    records = np.flatnonzero(np.isin(data.energies, energies))
    if opened.structures is None:
        chosen = np.zeros(len(data), bool)
        chosen[records] = True
        names = record_names(data.stream.index.chosen(chosen))
    else:
        names = [opened.structures.batch.names[record] for record in records]
    counts = map(tuple, data.element_counts[records].tolist())
    found = zip(names, data.energies[records].tolist(), counts, strict=True)
    return {one for one in found if is_name(one[0])}
