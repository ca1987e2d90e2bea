"""Which descriptor columns a run computes with."""

import numpy as np


def columns_in_use(data_sets, stored):
    """For each element the columns that are not zero in all data, None for all.

    `stored` marks columns whose weights an earlier part of the run moved.
    """
    used = np.logical_or.reduce([stored, *(data.used for data in data_sets)])
    # An element without atoms keeps one column, so that no array is empty.
    used[~used.any(axis=1), 0] = True
    return tuple(
        None if marks.all() else np.flatnonzero(marks).astype(np.int32)
        for marks in used
    )


def shapes_in_step(spec, kept):
    """[(n_in, n_out)] of the layers of a network as the step has them.

    Args:
        spec: NetworkSpec.
        kept: its descriptor columns in use, or None for all.
    """
    (n_features, n_out), *others = spec.shapes
    return [(n_features if kept is None else len(kept), n_out), *others]
