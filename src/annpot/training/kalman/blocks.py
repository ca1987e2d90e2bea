"""How weights are ordered, grouped and tiled in the covariance.

Weights stand one after the other in the order of their ParameterKeys. A group is a
stretch of them whose correlations are kept. Of its symmetric matrix the part on and
right of the diagonal is stored, in strips of `STRIP_ROWS` rows: half the memory, and
symmetric by construction.
"""

from dataclasses import dataclass
from itertools import groupby

STRIP_ROWS = 512  # rows of a strip; what is updated at a time stays near the cache

# What the weights of one group have in common.
GROUPED_BY = {
    "full": lambda key: (),
    "element": lambda key: (key.element,),
    "layer": lambda key: (key.element, key.layer),
}


@dataclass(frozen=True)
class Strip:
    """Rows of the matrix of a group: a square on the diagonal and what is right of it.

    Attributes:
        first, stop: rows, counted within the group.
        n_columns: size of the group.
    """

    first: int
    stop: int
    n_columns: int

    @property
    def n_rows(self):
        """Number of rows."""
        return self.stop - self.first

    @property
    def shapes(self):
        """Shapes of the square and of the part right of it."""
        n = self.n_rows
        return (n, n), (n, self.n_columns - self.stop)


@dataclass(frozen=True)
class Group:
    """Weights whose correlations are kept.

    Attributes:
        name: "all", "O" or "O/0".
        first, stop: its stretch of the weights.
        strips: Strips of its matrix, from the top.
    """

    name: str
    first: int
    stop: int
    strips: tuple[Strip, ...]

    @property
    def size(self):
        """Number of weights."""
        return self.stop - self.first


def groups_of(sizes, covariance, strip_rows=STRIP_ROWS):
    """Groups of the weights of a run.

    Args:
        sizes: {ParameterKey: number of weights}, elements and layers in order.
        covariance: "full", "element" or "layer".
        strip_rows: rows of a strip.

    Returns:
        tuple of Groups; together they are all the weights.
    """
    groups, first = [], 0
    for label, keys in groupby(sizes, GROUPED_BY[covariance]):
        n = sum(sizes[key] for key in keys)
        if n:
            name = "/".join(map(str, label)) or "all"
            groups.append(Group(name, first, first + n, strips_of(n, strip_rows)))
        first += n
    return tuple(groups)


def strips_of(n, strip_rows=STRIP_ROWS):
    """Strips of a matrix of n rows."""
    return tuple(
        Strip(first, min(first + strip_rows, n), n) for first in range(0, n, strip_rows)
    )
