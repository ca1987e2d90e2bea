"""What a checkpoint keeps of the data its networks were trained on.

The ranges of the descriptors, which tell later whether an atom is like those of the
training, and the golden structures, by which a deployed model tests itself. Read
without TensorFlow.
"""

import json
import re
import zlib
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from annpot.errors import InputError
from annpot.networks.bundle import Bundle, open_bundle

VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
RANGES, GOLDEN = "ranges", "golden"  # names in a checkpoint, after a "_"
PARTS = ("minimum", "maximum", "n_atoms")
# Roles of golden structures: by energy per atom; by place where none has an energy.
BY_ENERGY, BY_PLACE = ("lowest", "median", "highest"), ("first", "middle", "last")
FORMAT_VERSION = 1
_RANGE = re.compile(rf"_{RANGES}/([^/]+)/({'|'.join(PARTS)}){VALUE}")
_GOLDEN = f"_{GOLDEN}{VALUE}"


class StoredRange(NamedTuple):
    """Descriptors of one element in the training.

    Attributes:
        minimum, maximum: (n_features,) float64, over the atoms.
        n_atoms: how many atoms.
    """

    minimum: np.ndarray
    maximum: np.ndarray
    n_atoms: int

    def union(self, other):
        """Range over two sets of atoms; `n_atoms` is that of the larger set.

        So the union of a range with itself, or with a part of itself, is itself.
        """
        return StoredRange(
            np.minimum(self.minimum, other.minimum),
            np.maximum(self.maximum, other.maximum),
            max(self.n_atoms, other.n_atoms),
        )


@dataclass(frozen=True, eq=False)
class StoredDomain:
    """What a checkpoint knows of the data of its training.

    Attributes:
        ranges: {element: StoredRange}; {} in a checkpoint of another program or of an
            earlier version.
        golden: dicts of the golden structures: `name`, `role` and `energy` (eV or
            None), and where the data are structures `symbols`, `positions`, `cell`
            (rows are vectors, angstrom), `pbc`, `forces` (eV/angstrom) and `virial`
            (xx yy zz yz xz xy, eV), these two None where they are not known.
    """

    ranges: dict[str, StoredRange] = field(default_factory=dict)
    golden: tuple[dict, ...] = ()


def domain_texts(domain):
    """{name: array or bytes} of a StoredDomain, as each checkpoint holds them."""
    texts = {
        f"{RANGES}/{element}/{part}": np.asarray(value)
        for element, one in domain.ranges.items()
        for part, value in zip(PARTS, one, strict=True)
    }
    if not domain.golden:
        return texts
    content = {"format_version": FORMAT_VERSION, "structures": list(domain.golden)}
    packed = zlib.compress(json.dumps(content, allow_nan=False).encode(), level=9)
    return texts | {GOLDEN: packed}


def read_domain(prefix):
    """StoredDomain of a checkpoint, empty where it holds nothing of that kind.

    Args:
        prefix: path of a checkpoint without suffix, or its Bundle.

    Raises:
        InputError: the checkpoint is missing, damaged, or what it says of its data
            cannot be understood.
    """
    bundle = prefix if isinstance(prefix, Bundle) else open_bundle(prefix)
    parts = {}
    for name in bundle.entries:
        if found := _RANGE.fullmatch(name):
            parts.setdefault(found[1], {})[found[2]] = bundle.value(name)
    text = bundle.value(_GOLDEN) if _GOLDEN in bundle.entries else None
    return StoredDomain(
        {element: _range(one, element, bundle) for element, one in parts.items()},
        () if text is None else _golden(text, bundle),
    )


def _range(parts, element, bundle):
    if set(parts) != set(PARTS) or len({parts[p].shape for p in PARTS[:2]}) != 1:
        raise _not_understood(bundle, f"the range of the descriptors of {element}")
    return StoredRange(parts["minimum"], parts["maximum"], int(parts["n_atoms"]))


def _golden(text, bundle):
    try:
        content = json.loads(zlib.decompress(text))
        if content["format_version"] != FORMAT_VERSION:
            raise ValueError
        return tuple(map(dict, content["structures"]))
    except (zlib.error, ValueError, KeyError, TypeError):
        raise _not_understood(bundle, "its golden structures") from None


def _not_understood(bundle, what):
    return InputError(
        f"{bundle.prefix}: what the checkpoint says of the data it was trained on "
        f"({what}) cannot be understood. Choose another checkpoint, or read it with "
        "the version of annpot that wrote it."
    )
