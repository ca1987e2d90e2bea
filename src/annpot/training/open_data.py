"""The data of a run as they are on disk, read once: descriptors or structures."""

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from annpot.data.data_set import DataSet, open_data_set
from annpot.data.pipeline import ReadingOptions
from annpot.data.record_index import RecordIndex, index_records
from annpot.data.record_names import record_names
from annpot.data.split import Division, SplitSettings, divide, names_note
from annpot.data.structure_set import StructureSet, read_structure_set
from annpot.data.structure_source import open_structures
from annpot.data.structure_stream import structure_data_set
from annpot.descriptors.settings import descriptor_settings
from annpot.errors import InputError
from annpot.structures.force_consistency import unit_warning
from annpot.training.overlap import overlap_notes

MEGABYTE = 1e6
NAMES_SHOWN = 5


@dataclass(frozen=True)
class OpenedData:
    """Data of one folder, or of a part of it.

    Attributes:
        path: of the folder or file, and the part, in words.
        data: DataSet: counts, columns in use, descriptors where they fit.
        structures: StructureSet, None where the folder holds descriptors.
        notes: what to tell about them.
        division: Division of the folder that the training data are a part of, None
            where they are all of it.
    """

    path: object
    data: DataSet
    structures: StructureSet | None = None
    notes: tuple[str, ...] = ()
    division: Division | None = None


def open_all(config, n_features, sources, announce):
    """OpenedData of training and of validation; None without validation.

    With validation_split or test_split the training folder is divided; its test set is
    not opened.

    Args:
        config: TrainConfig.
        n_features: descriptor length.
        sources: see `structure_sources`.
        announce: see `annpot.training.setup.prepare`.

    Raises:
        InputError: a set would be empty, or the data are not what the settings say.
    """
    training, validation = (
        sources[section] if section in sources else _index(keys.data_dir)
        for section, keys in _sections(config)
    )
    _refuse_validation_on_test(config)
    path, division = config.io.data_dir, None
    paths = [path, config.validation.data_dir]
    if settings := split_settings(config.data):
        division = _division(config, training, settings)
        whole, training = training, training.chosen(division.of("train"))
        paths[0] = f"{path} (training part)"
        if settings.validation:
            validation = whole.chosen(division.of("validation"))
            paths[1] = f"{path} (validation part)"
    opened = [
        None if one is None else _opened(config, path, one, n_features, announce)
        for path, one in zip(paths, (training, validation), strict=True)
    ]
    notes = [*opened[0].notes]
    if division is not None:
        note = names_note(path, division.names)
        notes += [note] if note else []
    if None not in opened and len(set(map(str, paths))) > 1:
        notes += overlap_notes(*opened)
    opened[0] = replace(opened[0], notes=tuple(notes), division=division)
    return opened


def split_settings(data):
    """SplitSettings of the [DATA_INFORMATION] section; false where nothing is split."""
    return SplitSettings(data.validation_split, data.test_split, data.split_seed)


def _refuse_validation_on_test(config):
    """Refuse to validate on a whole folder of which a part is kept for a test."""
    folder, validation = config.io.data_dir, config.validation.data_dir
    if not config.data.test_split or validation is None:
        return
    if validation.resolve() == folder.resolve():
        where = config.source.where("VALIDATION_OPTIONS", "data_dir")
        raise InputError(
            f"{where}: {validation} is the folder of the training, so that validation "
            "would see what test_split keeps for the test. Remove it, and set "
            "validation_split, or give another folder."
        )


def _division(config, source, settings):
    names = record_names(source) if _is_of_records(source) else source.names()
    return divide(
        names, settings, lambda key: config.source.where("DATA_INFORMATION", key)
    )


def _index(folder):
    return None if folder is None else index_records(folder)


def _is_of_records(source):
    return isinstance(source, RecordIndex)


def _opened(config, path, source, n_features, announce):
    if _is_of_records(source):
        return _open_records(config, path, source, n_features, announce)
    return _open_structures(config, path, source, announce)


def structure_sources(config):
    """{section: StructureSource} of the sections of a TrainConfig that name structures.

    What had to be assumed about the files is counted in `assumptions` of each while it
    is read.
    """
    return {
        section: open_structures(
            keys.data_dir,
            keys.input_format,
            config.data.atomic_sequence,
            config.source.where(section, "data_dir"),
            Counter(),
            config.descriptor.use_pbc,
        )
        for section, keys in _sections(config)
        if keys.data_dir is not None and keys.input_format != "tfr"
    }


def _sections(config):
    return ("IO_INFORMATION", config.io), ("VALIDATION_OPTIONS", config.validation)


def budget_of(io):
    """Bytes of data that may stay in memory."""
    if isinstance(io.dataset_cache, bool):
        return np.inf if io.dataset_cache else -1
    return io.memory_budget_mb * MEGABYTE


def reading_options(io):
    """ReadingOptions of the [IO_INFORMATION] section."""
    return ReadingOptions(
        readers=io.num_parallel_readers,
        parsers=io.num_parallel_calls,
        prefetch=io.prefetch_buffer_size_multiplier,
    )


def _open_records(config, path, index, n_features, announce):
    n_species = len(config.data.atomic_sequence)
    options, budget = reading_options(config.io), budget_of(config.io)
    with announce(f"reading {path}", len(index)) as advance:
        data = open_data_set(index, n_features, n_species, options, budget, advance)
    return OpenedData(path, data)


def _open_structures(config, path, source, announce):
    settings = descriptor_settings(config.descriptor)
    assumed = Counter(source.assumptions)  # about another part of the same folder
    with announce(f"reading {path}", len(source)) as advance:
        structures = read_structure_set(source, settings.species, advance)
    notes = [
        f"{path}: {count} structures: {what}"
        for what, count in (Counter(source.assumptions) - assumed).items()
    ]
    trains_forces = config.training.needs_derivatives
    if not trains_forces:
        structures = _with_energy(structures, path, notes)
    elif warning := unit_warning(structures):
        notes.append(f"{path}: {warning}")
    # Where forces are trained, the form decides what is kept.
    budget = -1 if trains_forces else budget_of(config.io)
    with announce(f"descriptors of {path}", len(structures)) as advance:
        try:
            data, alone = structure_data_set(
                structures, settings, config.training.precision, budget, advance,
                reading_options(config.io),
            )  # fmt: skip
        except InputError as error:  # names the structure, not its file
            problems = [f"{path}: {problem}" for problem in error.problems]
            raise InputError(problems) from None
    notes += _told_of_range(structures, alone, settings, path)
    return OpenedData(path, data, structures, tuple(notes))


def _with_energy(structures, path, notes):
    """The structures that have an energy; tells how many have not."""
    has_energy = ~np.isnan(structures.energies)
    if not has_energy.any():
        raise InputError(
            f"{path}: none of {len(structures)} structures has an energy, which "
            "training needs. Add the energies, or train on forces with forces_cost."
        )
    if has_energy.all():
        return structures
    notes.append(
        f"{path}: {int((~has_energy).sum())} of {len(structures)} structures have no "
        "energy and are left out."
    )
    return structures.chosen(has_energy)


def _told_of_range(structures, alone, settings, path):
    """What to say about atoms that see no other atom."""
    if not len(alone):
        return []
    names = ", ".join(structures.batch.names[s] for s in alone[:NAMES_SHOWN])
    names += ", ..." if len(alone) > NAMES_SHOWN else ""
    several = int((structures.n_atoms > 1).sum())
    text = (
        f"{path}: {len(alone)} of {several} structures with several atoms ({names}) "
        f"hold an atom without any other within {settings.r_cut:g} angstrom, the range "
        "of the descriptor: nothing about it can be learned. Check the unit of the "
        "positions, or raise the cutoffs in gvect_ini."
    )
    if len(alone) == several:
        raise InputError(text)
    return [text]
