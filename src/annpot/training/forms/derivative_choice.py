"""Are derivatives of descriptors kept in memory, or computed in every step?

Kept, a step reads three numbers for every component of every pair of atoms that see
each other: memory decides its time. Computed, it makes descriptors from pairs and
triplets: their number decides. The rule compares both by what they cost where they were
measured (benchmarks/force_step.py); it depends on sizes only, so that the same data and
settings always give the same program. Validation data have no say in it.
"""

from dataclasses import dataclass

import numpy as np

from annpot.descriptors.atom_blocks import find_blocks
from annpot.errors import InputError
from annpot.neighbors import neighbor_list

ATOMS_TOGETHER = 4096
SECONDS_PER_BYTE = 1.6e-10  # of stored derivatives
SECONDS_PER_TRIPLET = 9.0e-8
SECONDS_PER_PAIR = 6.0e-8
SECONDS_PER_STEP = 1.5e-4  # of what computing adds to a step of any size
MEGABYTE = 1e6


@dataclass(frozen=True)
class GeometrySizes:
    """What a set of structures holds.

    Attributes:
        n_structures, n_atoms: how many there are.
        n_pairs: neighbours within the larger cutoff.
        n_triplets: pairs of neighbours within the angular cutoff.
        n_blocks: pairs of atoms that see each other, images taken together, and each
            atom with itself.
    """

    n_structures: int
    n_atoms: int
    n_pairs: int
    n_triplets: int
    n_blocks: int

    def __add__(self, other):
        names = self.__dataclass_fields__
        return GeometrySizes(
            **{name: getattr(self, name) + getattr(other, name) for name in names}
        )

    def stored_bytes(self, n_columns, itemsize, with_strain):
        """Bytes of all stored derivatives.

        Args:
            n_columns: descriptor columns in use, the average over atoms.
            itemsize: bytes of a number.
            with_strain: whether derivatives by strain are kept too.
        """
        rows = 3 * self.n_blocks + (6 if with_strain else 0) * self.n_atoms
        return int(rows * n_columns * itemsize)


def geometry_sizes(structures, settings):
    """GeometrySizes of a StructureSet for a DescriptorSettings."""
    n_pairs = n_triplets = n_blocks = 0
    for _, batch in structures.parts(ATOMS_TOGETHER):
        found = neighbor_list(batch, settings.r_cut)
        inside = found.distances < settings.r_cut_angular
        near = np.bincount(found.i[inside], minlength=1)
        n_pairs += len(found.j)
        n_triplets += int((near * (near - 1) // 2).sum())
        n_blocks += len(find_blocks(found.first, found.j)[3])
    n_atoms = len(structures.batch.species)
    return GeometrySizes(len(structures), n_atoms, n_pairs, n_triplets, n_blocks)


def choose_form(wish, sizes, stored_bytes, batch_size, budget, where):
    """("stored" or "computed", the reason in words).

    Args:
        wish: "auto", "stored" or "computed", as the INI file says.
        sizes: GeometrySizes of the training data.
        stored_bytes: what their stored derivatives would take.
        batch_size: structures per step.
        budget: bytes that may be taken; infinite or negative where `dataset_cache`
            says so.
        where: INI file and line of `derivatives`.

    Raises:
        InputError: stored derivatives are demanded and do not fit.
    """
    needed = f"{stored_bytes / MEGABYTE:.3g} MB"
    limit, way_out = _limit(budget)
    fits = stored_bytes <= budget
    if wish == "stored":
        if not fits:
            raise InputError(
                f"{where}: derivatives = stored needs {needed}, but {limit}. Set "
                f"derivatives = computed (or auto), or {way_out}."
            )
        return wish, f"as asked, {needed}"
    if wish == "computed":
        return wish, "as asked"
    if not fits:
        return "computed", f"stored ones would need {needed}, but {limit}"
    share = batch_size / sizes.n_structures  # of all structures, in a step
    stored = share * stored_bytes * SECONDS_PER_BYTE
    computed = SECONDS_PER_STEP + share * (
        sizes.n_triplets * SECONDS_PER_TRIPLET + sizes.n_pairs * SECONDS_PER_PAIR
    )
    times = (
        f"a step would read {share * stored_bytes / MEGABYTE:.2g} MB stored in about "
        f"{stored * 1e3:.2g} ms, or compute {share * sizes.n_triplets:.0f} triplets "
        f"and {share * sizes.n_pairs:.0f} pairs in {computed * 1e3:.2g} ms"
    )
    return ("stored" if stored <= computed else "computed"), times


def follow_form(wish, stored_bytes, left, where):
    """("stored" or "computed", the reason) of validation data, training data stored.

    Args:
        wish: "auto", "stored" or "computed", as the INI file says.
        stored_bytes: what stored derivatives of the validation data would take.
        left: bytes that the training data leave.
        where: INI file and line of `derivatives`.

    Raises:
        InputError: stored derivatives are demanded and do not fit.
    """
    needed = f"{stored_bytes / MEGABYTE:.3g} MB"
    if stored_bytes <= left:
        return "stored", needed
    limit = f"the training data leave {left / MEGABYTE:.3g} MB of memory_budget_mb"
    if wish == "stored":
        raise InputError(
            f"{where}: derivatives = stored needs {needed} for the validation data, "
            f"but {limit}. Set derivatives = auto, or raise memory_budget_mb."
        )
    return "computed", f"stored ones would need {needed}, but {limit}"


def _limit(budget):
    """What stands against more memory, and what to do about it."""
    if budget < 0:
        return "dataset_cache = False keeps nothing in memory", "remove dataset_cache"
    limit = f"memory_budget_mb = {budget / MEGABYTE:g}"
    return limit, "raise memory_budget_mb"
