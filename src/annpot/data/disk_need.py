"""How much disk a descriptor calculation is about to need."""

import contextlib
from dataclasses import dataclass

from annpot import files
from annpot.data.binary_format import SUFFIX, bin_size
from annpot.errors import InputError


@dataclass(frozen=True)
class DiskNeed:
    """Number and bytes of the `.bin` files that are not there yet.

    Attributes:
        n_files, n_bytes: of these files.
        n_free: bytes that the disk has free.
        is_bound: whether they may need less: of sparse derivatives it is only known
            which can differ from 0.
    """

    n_files: int
    n_bytes: int
    n_free: int
    is_bound: bool

    def __str__(self):
        at_most = "at most " if self.is_bound else ""
        return (
            f"{at_most}{size_text(self.n_bytes)} of disk for {self.n_files} files, "
            f"{size_text(self.n_free)} free"
        )


def disk_need(sources, task):
    """DiskNeed of a DescriptorTask.

    A structure that cannot be read counts nothing: the calculation will tell.

    Args:
        sources: iterable of NamedSource; read through, one in memory at a time.
        task: DescriptorTask.
    """
    n_files = n_bytes = 0
    for source in _readable(sources):
        if (task.folder / f"{source.name}{SUFFIX}").exists():
            continue
        with contextlib.suppress(InputError):
            n_bytes += _file_size(source.load(), task)
            n_files += 1
    is_bound = task.origin.derivatives == "sparse"
    return DiskNeed(n_files, n_bytes, files.free_bytes(task.folder), is_bound)


def require_room(need, folder):
    """Raise an InputError when the disk of a folder cannot hold a DiskNeed."""
    if need.n_bytes <= need.n_free:
        return
    raise InputError(
        f"{folder}: the descriptors and their derivatives need {need}. Choose an "
        "output_gvect_dir on another disk, free some space, set sparse_derivatives = "
        "True where atoms have few neighbours, or leave derivatives out."
    )


def size_text(n_bytes):
    """Bytes with three digits and a unit: 26.4 MB."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if n_bytes < 999.5:
            return f"{n_bytes:.3g} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.3g} TB"


def _file_size(structure, task):
    """Bytes of the `.bin` file of a structure."""
    origin = task.origin
    return bin_size(
        structure.n_atoms,
        origin.g_size,
        task.n_derivatives(structure),
        origin.derivatives,
        origin.per_atom_energy,
    )


def _readable(sources):
    """The sources up to where reading them fails."""
    with contextlib.suppress(InputError):
        yield from sources
