"""The work that a GvectConfig describes."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from annpot.data.descriptor_origin import DescriptorOrigin

DONE_LOG = "gvect_already_computed.dat"


@dataclass(frozen=True)
class DescriptorTask:
    """What is computed and where it goes.

    Attributes:
        folder: of the `.bin` files; made when absent.
        origin: DescriptorOrigin, also saying what to do with periodicity and
            energies of single atoms.
        descriptors: function of a list of Structure that returns a list of
            (n_atoms, g_size) arrays.
        done_log: text file that lists the computed names, comma separated.
    """

    folder: Path
    origin: DescriptorOrigin
    descriptors: Callable
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
    )
    threads = config.parallelization.number_of_process
    return DescriptorTask(
        folder=config.io.output_gvect_dir,
        origin=origin,
        descriptors=partial(_descriptors, settings=settings, threads=threads),
        done_log=config.io.log_dir / DONE_LOG,
    )


def _descriptors(structures, settings, threads):
    # Compiled kernels are loaded only when something is left to compute.
    from annpot.descriptors.calculator import descriptors

    return descriptors(structures, settings, threads=threads)
