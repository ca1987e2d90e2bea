"""A Division as a checkpoint keeps it, and the same parts found in a folder again.

The text in a checkpoint is JSON, packed with zlib: the keys of the validation and of
the test set, and hashes of the keys of the training set and of all. A key is the name
of a structure, see `annpot.data.split.structure_keys`.
"""

import json
import zlib
from dataclasses import dataclass

import numpy as np

from annpot.data.split import (
    SETS,
    TEST,
    TRAIN,
    VALIDATION,
    in_words,
    is_by_place,
    keys_hash,
    structure_keys,
)
from annpot.errors import InputError

NAMES_SHOWN = 3
FORMAT_VERSION = 1


@dataclass(frozen=True)
class StoredDivision:
    """Who went where, as far as it is needed to find everybody again.

    Attributes:
        validation: keys of the validation set, sorted.
        test: keys of the test set, sorted.
        n_train: size of the training set, and
        train_sha256: `keys_hash` of its keys.
        sha256: `keys_hash` of the keys of all structures.
    """

    validation: tuple[str, ...]
    test: tuple[str, ...]
    n_train: int
    train_sha256: str
    sha256: str

    def size(self, part):
        """Number of structures in a set, one of SETS."""
        sizes = self.n_train, len(self.validation), len(self.test)
        return dict(zip(SETS, sizes, strict=True))[part]

    def find(self, part, names):
        """(n_structures,) bool: which structures of a folder are in a set.

        Args:
            part: one of SETS.
            names: of the structures of the folder, in order.

        Raises:
            InputError: not all of the set are there, or, where names do not tell
                structures apart, the folder is another one. Its text does not name
                the folder.
        """
        keys = structure_keys(names)
        listed = {"validation": set(self.validation), "test": set(self.test)}
        others = listed["validation"] | listed["test"]
        if part == "train":
            chosen = [key for key in keys if key not in others]
            if (len(chosen), keys_hash(chosen)) != (self.n_train, self.train_sha256):
                raise InputError(self._other_training(len(chosen)))
            return np.array([key not in others for key in keys])
        wanted = listed[part]
        if missing := sorted(wanted.difference(keys)):
            raise InputError(self._missing(part, missing))
        if not self.is_of(names) and any(map(is_by_place, wanted)):
            raise InputError(
                f"some structures of the {part} set have no name of their own, and the "
                "folder is not the one that was divided, so that they cannot be found"
            )
        return np.array([key in wanted for key in keys])

    def is_of(self, names):
        """Whether the structures are those that were divided, in any order."""
        return keys_hash(structure_keys(names)) == self.sha256

    def newly_held_out(self, division):
        """{set: number of structures} that an earlier division did not keep out.

        Args:
            division: Division that comes after this one.
        """
        before = {*self.validation, *self.test}
        return {
            SETS[part]: sum(
                key not in before and group == part
                for key, group in zip(division.keys, division.sets, strict=True)
            )
            for part in (VALIDATION, TEST)
        }

    def _missing(self, part, missing):
        shown = ", ".join(map(in_words, missing[:NAMES_SHOWN]))
        more = ", ..." if len(missing) > NAMES_SHOWN else ""
        return (
            f"{len(missing)} of the {self.size(part)} structures of the {part} set are "
            f"not there ({shown}{more})"
        )

    def _other_training(self, found):
        return (
            f"its {found} structures beside the validation and the test set are not "
            f"the {self.n_train} that were trained on"
        )


def encoded_division(division):
    """Bytes of a Division for a checkpoint."""
    keys = np.array(division.keys, object)
    of = [sorted(keys[division.sets == part].tolist()) for part in range(len(SETS))]
    content = {
        "format_version": FORMAT_VERSION,
        "validation": of[VALIDATION],
        "test": of[TEST],
        "n_train": len(of[TRAIN]),
        "train_sha256": keys_hash(of[TRAIN]),
        "sha256": keys_hash(division.keys),
    }
    return zlib.compress(json.dumps(content).encode(), level=9)


def decoded_division(content, where):
    """StoredDivision of what a checkpoint holds; None for None.

    Args:
        content: bytes of `encoded_division`, or None.
        where: the checkpoint, for messages.

    Raises:
        InputError: the bytes are something else.
    """
    if content is None:
        return None
    try:
        stored = json.loads(zlib.decompress(content))
        return StoredDivision(
            validation=tuple(stored["validation"]),
            test=tuple(stored["test"]),
            n_train=int(stored["n_train"]),
            train_sha256=stored["train_sha256"],
            sha256=stored["sha256"],
        )
    except (zlib.error, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{where}: what it says about the division of the data cannot be read "
            f"({type(error).__name__}). Choose another checkpoint."
        ) from None
