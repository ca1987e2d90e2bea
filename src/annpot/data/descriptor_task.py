"""The work that a GvectConfig describes."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from annpot.data.descriptor_origin import DescriptorOrigin
from annpot.data.records import DenseDerivatives, SparseDerivatives

DONE_LOG = "gvect_already_computed.dat"


@dataclass(frozen=True, eq=False)
class Described:
    """What was computed of one structure.

    Attributes:
        g: (n_atoms, g_size) descriptors.
        derivatives: DenseDerivatives, SparseDerivatives or None.
        at_kink: whether a derivative does not exist because atoms are collinear.
    """

    g: np.ndarray
    derivatives: DenseDerivatives | SparseDerivatives | None = None
    at_kink: bool = False


@dataclass(frozen=True)
class DescriptorTask:
    """What is computed and where it goes.

    Attributes:
        folder: of the `.bin` files; made when absent.
        origin: DescriptorOrigin, also saying what to do with periodicity,
            energies of single atoms and derivatives.
        describe: function of a list of Structure that returns a list of Described.
        n_derivatives: function of a Structure that returns how many derivatives will
            be stored of it; not less.
        done_log: text file that lists the computed names, comma separated.
    """

    folder: Path
    origin: DescriptorOrigin
    describe: Callable
    n_derivatives: Callable
    done_log: Path


def descriptor_task(config):
    """DescriptorTask of a GvectConfig.

    Raises:
        InputError: with everything that is wrong about the descriptor's parameters.
    """
    from annpot.descriptors.settings import descriptor_settings

    settings = descriptor_settings(config)
    generation = config.symmetry_function.mbp_generation
    is_modified = settings.kind == "mBP"
    origin = DescriptorOrigin(
        species=settings.species,
        g_size=settings.n_features,
        descriptor=settings.to_dict(),
        mbp_generation=generation if is_modified else None,
        mbp_generation_source="stated" if is_modified else None,
        pbc_override=config.pbc.use_pbc,
        per_atom_energy=config.misc.per_atom_energy,
        derivatives=_kind(config.symmetry_function),
    )
    describe, n_derivatives = _FORMS[origin.derivatives]
    threads = config.parallelization.number_of_process
    return DescriptorTask(
        folder=config.io.output_gvect_dir,
        origin=origin,
        describe=partial(describe, settings=settings, threads=threads),
        n_derivatives=partial(n_derivatives, settings=settings),
        done_log=config.io.log_dir / DONE_LOG,
    )


def _kind(symmetry_function):
    """ "dense", "sparse" or None; sparse alone asks for nothing."""
    if not symmetry_function.include_derivatives:
        return None
    return "sparse" if symmetry_function.sparse_derivatives else "dense"


# Compiled kernels are loaded only when something is left to compute.


def _plain(structures, settings, threads):
    from annpot.descriptors.calculator import descriptors

    return [Described(g) for g in descriptors(structures, settings, threads=threads)]


def _dense(structures, settings, threads):
    for g, found, at_kink in _with_derivatives(structures, settings, threads):
        yield Described(g, DenseDerivatives(found.dense()), at_kink)


def _sparse(structures, settings, threads):
    for g, found, at_kink in _with_derivatives(structures, settings, threads):
        yield Described(g, SparseDerivatives(*found.sparse()), at_kink)


def _with_derivatives(structures, settings, threads):
    """Yield (g, DescriptorDerivatives in float32, at a kink?) of each structure."""
    from annpot.descriptors.derivatives import descriptors_and_derivatives

    for g, found in descriptors_and_derivatives(
        structures, settings, np.float32, threads, warn=False
    ):
        yield g, found, settings.has_kinks and bool(found.n_collinear.any())


def _none(structure, settings):
    return 0


def _all(structure, settings):
    return 3 * settings.n_features * structure.n_atoms**2


def _nonzero(structure, settings):
    from annpot.descriptors.derivatives import most_nonzero

    return most_nonzero(structure, settings)


_FORMS = {
    None: (_plain, _none),
    "dense": (_dense, _all),
    "sparse": (_sparse, _nonzero),
}
