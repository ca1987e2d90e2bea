"""Which structures of a data set are trained on, validated on and kept for a test.

Structures are ordered by a hash of the seed and of their name, blake2b(seed, key). The
first round(test n) of n are the test set, the next round(validation n) the validation
set, the others are trained on. So who goes where depends on names, seed and fractions
alone: not on files, their order, or the seed of the training. A larger data set keeps
the order of those it had; only near the two borders a few change sets.
"""

import csv
import hashlib
import io
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from annpot.data.records import NO_NAME
from annpot.errors import InputError

SETS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(len(SETS))
FILE_NAME = "split.csv"
_HASH_BYTES = 16
_MARK = "\0"  # between a name and a number; in no name


@dataclass(frozen=True)
class SplitSettings:
    """How a data set is to be divided.

    Attributes:
        validation: fraction of the structures to validate on, 0 for none.
        test: fraction that is neither trained nor validated on, 0 for none.
        seed: decides who goes where.
    """

    validation: float = 0.0
    test: float = 0.0
    seed: int = 0

    def __bool__(self):
        """Whether anything is to be divided."""
        return self.validation > 0 or self.test > 0


@dataclass(frozen=True, eq=False)
class Division:
    """Who went where.

    Attributes:
        settings: SplitSettings.
        names: of all structures, in the order of the folder.
        sets: (n_structures,) int8, index into SETS.
    """

    settings: SplitSettings
    names: tuple[str, ...]
    sets: np.ndarray

    def of(self, name):
        """(n_structures,) bool: which structures are in the set `name`."""
        return self.sets == SETS.index(name)

    @cached_property
    def keys(self):
        """What tells structures apart, see `structure_keys`."""
        return structure_keys(self.names)

    @cached_property
    def counts(self):
        """{set: number of structures}."""
        sizes = np.bincount(self.sets, minlength=len(SETS)).tolist()
        return dict(zip(SETS, sizes, strict=True))

    @cached_property
    def fingerprint(self):
        """sha256 of who went where, the same in any order of the folder."""
        return keys_hash(
            f"{key}{_MARK}{int(group)}"
            for key, group in zip(self.keys, self.sets, strict=True)
        )

    def facts(self):
        """What a checkpoint says about the division, as JSON-able values."""
        return {
            "split_seed": self.settings.seed,
            "validation_split": self.settings.validation,
            "test_split": self.settings.test,
            "counts": self.counts,
            "sha256": self.fingerprint,
        }

    def csv(self):
        """Text of split.csv: name and set of each structure."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("name", "set"))
        writer.writerows(
            (name, SETS[group])
            for name, group in zip(self.names, self.sets, strict=True)
        )
        return text.getvalue()


def divide(names, settings, where=lambda key: "[DATA_INFORMATION]"):
    """Division of the structures with these names.

    Args:
        names: of the structures, in the order of the folder.
        settings: SplitSettings.
        where: function that tells where a key is set, for messages.

    Raises:
        InputError: a set that was asked for, or training, would get no structure.
    """
    n = len(names)
    n_test = round(settings.test * n)
    n_validation = round(settings.validation * n)
    _refuse_empty(n, n_validation, n_test, settings, where)
    order = _order(structure_keys(names), settings.seed)
    sets = np.full(n, TRAIN, np.int8)
    sets[order[:n_test]] = TEST
    sets[order[n_test : n_test + n_validation]] = VALIDATION
    return Division(settings, tuple(names), sets)


def structure_keys(names):
    """What tells structures apart: a list of texts, no two of them equal.

    The name; with a number where an earlier structure has the same; the place in the
    folder where there is no name.
    """
    seen, keys = Counter(), []
    for place, given in enumerate(names):
        name = given.replace(_MARK, " ")
        if not is_name(name):
            keys.append(f"{_MARK}{place}")
            continue
        keys.append(f"{name}{_MARK}{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return keys


def is_name(name):
    """Whether a record says what its structure is called."""
    return name not in ("", NO_NAME)


def is_by_place(key):
    """Whether a key depends on where in the folder the structure is."""
    return _MARK in key


def in_words(key):
    """A key as a user may read it."""
    name, _, number = key.partition(_MARK)
    if not name:
        return f"the one at place {int(number) + 1}"
    return name if not number else f"{name} (no. {int(number) + 1} of this name)"


def keys_hash(keys):
    """sha256 of some keys in any order."""
    return hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()


def names_note(path, names):
    """What to tell where structures have no name, or share one; None otherwise."""
    n_by_place = sum(map(is_by_place, structure_keys(names)))
    if not n_by_place:
        return None
    return (
        f"{path}: {n_by_place} of {len(names)} structures have no name, or that of an "
        "earlier one. To which set they go follows from their order in the folder: the "
        "same files give the same sets, files in another order may not."
    )


def _order(keys, seed):
    """Numbers of the structures by the hash of seed and key."""
    hashes = [
        hashlib.blake2b(f"{seed}{_MARK}{key}".encode(), digest_size=_HASH_BYTES)
        for key in keys
    ]
    digests = [one.digest() for one in hashes]
    return sorted(range(len(keys)), key=digests.__getitem__)


def _refuse_empty(n, n_validation, n_test, settings, where):
    problems = []
    for key, fraction, size in (
        ("validation_split", settings.validation, n_validation),
        ("test_split", settings.test, n_test),
    ):
        if fraction > 0 and size == 0:
            problems.append(
                f"{where(key)}: {key} = {fraction:g} of {n} structures is none: "
                f"expected at least 1. Raise it to {1 / max(n, 1):.3g} or more, or set "
                "it to 0."
            )
    if n_validation + n_test >= n:
        key = "validation_split" if n_validation else "test_split"
        problems.append(
            f"{where(key)}: validation_split = {settings.validation:g} and test_split "
            f"= {settings.test:g} take {n_validation} and {n_test} of {n} structures: "
            "expected at least 1 to train on. Lower them, or give more structures."
        )
    if problems:
        raise InputError(problems)
