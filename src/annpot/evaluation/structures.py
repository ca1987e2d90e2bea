"""Structures as data of an evaluation: their descriptors are made on the way."""

from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np

from annpot.data.descriptor_origin import DescriptorOrigin
from annpot.data.recorded_files import missing_notice
from annpot.data.structure_source import StructureSource, open_structures
from annpot.descriptors.definition import DescriptorSettings
from annpot.descriptors.settings import descriptor_settings
from annpot.errors import InputError
from annpot.evaluation.agreement import check_origin
from annpot.evaluation.batches import EvaluatedBatch, Labelled
from annpot.forces.prediction import StructurePotential, predict_batch
from annpot.structures.batch import structure_batch
from annpot.wording import counted

ATOMS_PER_BATCH = 4096  # bounds neighbour lists and descriptors


@dataclass(frozen=True)
class StructureData:
    """Structures, and what their descriptors are made with.

    Attributes:
        source: StructureSource.
        origin: DescriptorOrigin that gvect_ini states; None: the checkpoint tells.
        where: of gvect_ini, for messages.
        assumptions: Counter of what was assumed about the files.
    """

    source: StructureSource
    origin: DescriptorOrigin | None
    where: str
    assumptions: Counter = field(default_factory=Counter)

    @property
    def n_structures(self):
        """Number of structures."""
        return self.source.n_structures

    def names(self):
        """Names of all structures of the folder or file, in order."""
        return self.source.names()

    def chosen(self, keep):
        """StructureData of the structures where `keep` is true; see `names`."""
        return replace(self, source=self.source.chosen(keep))

    def check(self, networks, with_forces):
        """Notices; InputError where the networks were trained on other descriptors."""
        notices = []
        if self.source.described is not None:
            missing = missing_notice(self.source.path, self.source.described)
            notices += [] if missing is None else [missing]
        if self.origin is not None:
            return notices + check_origin(
                self.origin, networks, self.where, _remedy(networks, self.where)
            )
        self._settings(networks)
        return notices

    def _settings(self, networks):
        """DescriptorSettings of gvect_ini, else of the checkpoint."""
        told = networks.data.get("descriptor")
        if self.origin is not None:
            told = self.origin.descriptor
        if told is None:
            raise InputError(
                f"{self.where}: gvect_ini is missing, and {networks.file.name} does "
                "not tell its descriptors: expected an INI file with "
                "[SYMMETRY_FUNCTION] and [GVECT_PARAMETERS]. Give the one that the "
                "training data were made with."
            )
        return DescriptorSettings.from_dict(told)

    def batches(self, networks, dtype, with_forces):
        """Iterate over EvaluatedBatches, in order."""
        potential = StructurePotential(
            self._settings(networks), networks.specs, networks.weights, dtype
        )
        self.assumptions.clear()
        for structures in _grouped(self.source):
            yield _evaluated(
                potential, structures, networks.energy_rescale, with_forces
            )

    def notices(self):
        """Lines on what was assumed about the files, after a pass over them."""
        return [
            f"{self.source.path}: in {counted(count, 'structure')} {assumption}."
            for assumption, count in self.assumptions.items()
        ]


def open_structure_data(config, networks):
    """StructureData of an EvaluateConfig.

    Args:
        config: EvaluateConfig with input_format = example or structure.
        networks: CheckpointNetworks, whose elements may occur.

    Raises:
        InputError: see `open_structures` and `descriptor_settings`.
    """
    io, source, origin = config.io, config.source, None
    use_pbc = networks.data.get("pbc_override")
    where = source.where("IO_INFORMATION", "gvect_ini")
    if config.descriptor is not None:
        origin = DescriptorOrigin.of_settings(
            descriptor_settings(config.descriptor),
            config.descriptor.symmetry_function.mbp_generation,
            config.descriptor.use_pbc,
        )
        use_pbc, where = config.descriptor.use_pbc, str(io.gvect_ini)
    assumptions = Counter()
    structures = open_structures(
        io.data_dir,
        io.input_format,
        [spec.element for spec in networks.specs],
        source.where("IO_INFORMATION", "data_dir"),
        assumptions,
        use_pbc,
    )
    return StructureData(structures, origin, where, assumptions)


def _remedy(networks, gvect_ini):
    """What to do where gvect_ini does not fit the networks."""
    text = f"Restore the settings of {gvect_ini} that the training data were made with"
    if networks.data.get("descriptor") is None:
        return f"{text}."
    return f"{text}, or remove gvect_ini: {networks.file.name} knows them."


def _grouped(structures, largest=ATOMS_PER_BATCH):
    """Lists of structures with about `largest` atoms together."""
    chosen, n_atoms = [], 0
    for structure in structures:
        chosen.append(structure)
        n_atoms += structure.n_atoms
        if n_atoms >= largest:
            yield chosen
            chosen, n_atoms = [], 0
    if chosen:
        yield chosen


def _evaluated(potential, structures, rescale, with_forces):
    batch = structure_batch(structures, potential.settings.species)
    is_periodic = with_forces and bool(batch.pbc.any())
    found = predict_batch(potential, batch, with_forces, is_periodic)
    forces = virials = None
    if with_forces:
        forces = np.concatenate([_forces(structure) for structure in structures])
        forces = Labelled(found.forces, rescale * forces)
    if is_periodic:
        virials = np.stack([_label(s.virial, 6) for s in structures])
        virials = Labelled(found.virials, rescale * virials)
    energies = np.array([_label(s.energy, 1)[0] for s in structures])
    at_kink = found.at_kink if with_forces else ()
    return EvaluatedBatch(
        names=tuple(batch.names),
        species=batch.species,
        structure=np.repeat(np.arange(batch.n_structures), np.diff(batch.first)),
        energies=Labelled(found.energies, rescale * energies),
        forces=forces,
        virials=virials,
        cells=batch.cells if is_periodic else None,
        pbc=batch.pbc if is_periodic else None,
        at_kink=tuple(batch.names[s] for s in np.flatnonzero(at_kink)),
    )


def _label(values, size):
    """(size,) label, NaN where there is none."""
    return np.full(size, np.nan) if values is None else np.reshape(values, size)


def _forces(structure):
    return _label(structure.forces, 3 * structure.n_atoms).reshape(-1, 3)
