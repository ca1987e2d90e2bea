"""From opened data to what the step trains on, in the form that was chosen."""

import numpy as np

from annpot.data.atom_tables import atom_tables
from annpot.descriptors.pair_lists import best_block, pair_lists
from annpot.descriptors.settings import descriptor_settings
from annpot.errors import InputError
from annpot.structures.stress import periodic_projectors
from annpot.training.forms.derivative_choice import (
    choose_form,
    follow_form,
    geometry_sizes,
)
from annpot.training.forms.derivative_parts import (
    kink_notes,
    parts_of_records,
    parts_of_structures,
)
from annpot.training.forms.force_data import ComputedData, StoredData
from annpot.training.forms.force_targets import ForceTargets
from annpot.training.forms.neighbor_store import NeighborStore
from annpot.training.forms.rows_data import RowsData, offsets_of
from annpot.training.forms.stored_blocks import StoredBlocks
from annpot.training.open_data import MEGABYTE, budget_of

ATOMS_SAMPLED = 4096  # from which the block size of triplets is decided


def prepare_data(config, opened, columns, specs, announce, earlier=None, scales=()):
    """Training and validation data in their form, and what to tell about it.

    Training data come first: their form depends on nothing of the validation data,
    which get what is left of the memory.

    Args:
        config: TrainConfig.
        opened: OpenedData of training and of validation, or None for the latter.
        columns: for each element the descriptor columns to train, or None for all.
        specs: NetworkSpec of each element.
        announce: see `annpot.training.setup.prepare`.
        earlier: form of an earlier part of the run, which `auto` keeps; None: there is
            none.
        scales: for each element the InputScale of its descriptors, or None; () for
            none.

    Returns:
        RowsData, StoredData or ComputedData of training; the same or None of
        validation; list of notes.

    Raises:
        InputError: labels or derivatives that are asked for are not there.
    """
    if not config.training.needs_derivatives:
        return *(_rows(config, one, specs, scales) for one in opened), []
    training, validation = opened
    _require_room(config, opened)
    budget = budget_of(config.io)
    form, reason = _form(config, training, columns, budget, earlier)
    notes = [f"Derivatives of the descriptors: {form} ({reason})."]
    about = columns, specs, announce
    made = [_made(config, training, form, *about, budget, notes), None]
    if validation is not None:
        left = max(budget - made[0].budgeted_bytes, min(budget, 0))
        form = _validation_form(config, validation, form, columns, left, notes)
        made[1] = _made(config, validation, form, *about, left, notes)
    for data in filter(None, made):
        data.scales = scales
    _require_labels(config, made[0].targets, opened[0].path)
    return *made, notes


def _made(config, opened, form, columns, specs, announce, budget, notes):
    """Data of one folder in their form; adds to the notes."""
    if opened.structures is None:
        data = _from_records(config, opened, columns, specs, announce)
    else:
        data = _from_structures(config, opened, form, columns, specs, announce, budget)
    notes += _told_of(opened, form, config)
    notes.append(f"{opened.path}: {_label_counts(data.targets)}.")
    return data


def _told_of(opened, form, config):
    """Notes about data whose derivatives are made in the step."""
    if opened.structures is None or form != "computed":
        return []
    settings = descriptor_settings(config.descriptor)
    notes = kink_notes(opened.structures, settings)
    return [f"{opened.path}: {note}" for note in notes]


def _rows(config, opened, specs, scales):
    if opened is None:
        return None
    rescale = config.data.energy_rescale
    offsets = offsets_of(opened.data.element_counts, specs)
    targets = opened.data.energies * rescale - offsets
    return RowsData(opened.data, targets, rescale, scales)


def _form(config, training, columns, budget, earlier):
    """("stored" or "computed", why) of the training data."""
    wish = config.io.derivatives
    where = config.source.where("IO_INFORMATION", "derivatives")
    if training.structures is None:
        if wish == "computed":
            raise InputError(
                f"{where}: derivatives = computed needs positions, but "
                f"{training.path} holds descriptors. Train from structures "
                "(input_format = example or structure with gvect_ini), or set "
                "derivatives = stored."
            )
        return "stored", "the records hold them"
    sizes = geometry_sizes(training.structures, descriptor_settings(config.descriptor))
    needed = _stored_bytes(config, training, sizes, columns)
    fits = earlier == "computed" or (earlier == "stored" and needed <= budget)
    if wish == "auto" and fits:
        return earlier, "as before"
    return choose_form(wish, sizes, needed, config.training.batch_size, budget, where)


def _validation_form(config, validation, form, columns, left, notes):
    """Form of the validation data: that of the training data where there is room."""
    if validation.structures is None or form == "computed":
        return "stored" if validation.structures is None else form
    settings = descriptor_settings(config.descriptor)
    sizes = geometry_sizes(validation.structures, settings)
    needed = _stored_bytes(config, validation, sizes, columns)
    where = config.source.where("IO_INFORMATION", "derivatives")
    form, reason = follow_form(config.io.derivatives, needed, left, where)
    if form == "computed":
        notes.append(f"Derivatives of the validation data: computed ({reason}).")
    return form


def _stored_bytes(config, opened, sizes, columns):
    itemsize = np.dtype(config.training.precision).itemsize
    mean = mean_columns(opened.data, columns)
    return sizes.stored_bytes(mean, itemsize, _with_virials(config))


def _require_room(config, opened):
    """Refuse records whose derivatives do not fit together into the memory."""
    opened = [one for one in opened if one is not None and one.structures is None]
    needed = sum(one.data.stream.index.n_bytes for one in opened)
    if not opened or needed <= budget_of(config.io):
        return
    is_cached = isinstance(config.io.dataset_cache, bool)
    key = "dataset_cache" if is_cached else "memory_budget_mb"
    where = config.source.where("IO_INFORMATION", key)
    paths = " and ".join(str(one.path) for one in opened)
    raise InputError(
        f"{where}: the records of {paths} take {needed / MEGABYTE:.3g} MB, but {key} = "
        f"{getattr(config.io, key)}, and derivatives are not streamed. "
        f"{'Remove' if is_cached else 'Raise'} it, or train from structures "
        "(input_format = example or structure with gvect_ini)."
    )


def mean_columns(data, columns):
    """Descriptor columns in use, the average over atoms."""
    widths = [data.used.shape[1] if kept is None else len(kept) for kept in columns]
    counts = data.element_counts.sum(axis=0)
    return float(counts @ np.array(widths) / max(counts.sum(), 1))


def _with_virials(config):
    return config.training.virial_cost > 0


def _from_structures(config, opened, form, columns, specs, announce, budget):
    structures, rescale = opened.structures, config.data.energy_rescale
    settings, dtype = descriptor_settings(config.descriptor), config.training.precision
    batch, counts = structures.batch, structures.element_counts
    targets = ForceTargets(
        first=batch.first,
        species=batch.species,
        energies=structures.energies * rescale - offsets_of(counts, specs),
        forces=structures.forces * rescale,
        virials=structures.virials * rescale,
        projectors=periodic_projectors(batch.cells, batch.pbc),
    )
    virials = _with_virials(config)
    if form == "computed":
        block = block_for(structures, settings)
        with announce(f"neighbours of {opened.path}", len(structures)) as advance:
            store = NeighborStore(
                structures, settings, block, dtype, budget,
                config.io.train_dir, advance,
            )  # fmt: skip
        return ComputedData(targets, counts, virials, store, settings, columns, dtype)
    with announce(f"derivatives of {opened.path}", len(structures)) as advance:
        parts = parts_of_structures(structures, settings, dtype, virials, advance)
        blocks = StoredBlocks(parts, columns, dtype)
    tables = atom_tables(list(opened.data.stream.whole()), columns)
    return StoredData(targets, counts, virials, tables, blocks)


def block_for(structures, settings):
    """Triplets per block that suit a StructureSet, from its first structures."""
    _, batch = next(iter(structures.parts(ATOMS_SAMPLED)))
    return best_block(pair_lists(batch, settings, 1))


def _from_records(config, opened, columns, specs, announce):
    if _with_virials(config):
        where = config.source.where("TRAINING_PARAMETERS", "virial_cost")
        raise InputError(
            f"{where}: virial_cost needs structures, but {opened.path} holds "
            "descriptors, which do not know the cell. Train from structures "
            "(input_format = example or structure with gvect_ini), or remove the key."
        )
    source, rescale = config.source, config.data.energy_rescale
    is_given = source.is_given("DATA_INFORMATION", "sparse_derivatives")
    sparse = config.data.sparse_derivatives if is_given else None
    forces, data = [], opened.data

    def parts(advance):
        index = data.stream.index
        for part, found in parts_of_records(index, sparse, advance):
            forces.append(found)
            yield part

    with announce(f"derivatives of {opened.path}", len(data)) as advance:
        blocks = StoredBlocks(parts(advance), columns, config.training.precision)
    n_atoms = data.n_atoms
    targets = ForceTargets(
        first=np.concatenate([[0], np.cumsum(n_atoms)]),
        species=blocks.species,
        energies=data.energies * rescale - offsets_of(data.element_counts, specs),
        forces=np.concatenate(forces).astype(np.float64) * rescale,
        virials=np.full((len(data), 6), np.nan),
        projectors=np.zeros((len(data), 3, 3)),
    )
    tables = atom_tables(data.resident or list(data.stream.whole()), columns)
    return StoredData(targets, data.element_counts, False, tables, blocks)


def _label_counts(targets):
    """What labels a data set has, in words."""
    n = len(targets.energies)
    found = [
        f"{int(has.sum())} with {name}"
        for name, has in (
            ("energy", targets.has_energy),
            ("forces", targets.has_forces),
            ("virial", targets.has_virial),
        )
    ]
    told = f"{n} structures, {', '.join(found)}"
    if not targets.has_energy.any():
        told += "; without any energy the networks learn it up to a constant only"
    return told


def _require_labels(config, targets, path):
    """Refuse data in which a label that is trained on is absent everywhere."""
    problems = []
    for key, has, name in (
        ("forces_cost", targets.has_forces, "forces"),
        ("virial_cost", targets.has_virial, "a virial or stress (and a cell)"),
    ):
        if getattr(config.training, key) > 0 and not has.any():
            where = config.source.where("TRAINING_PARAMETERS", key)
            problems.append(
                f"{where}: {key} > 0, but none of the {len(has)} structures of {path} "
                f"has {name}. Add the labels, or set {key} = 0."
            )
    if problems:
        raise InputError(problems)
