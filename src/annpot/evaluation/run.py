"""Evaluation of a data set by the networks of checkpoints."""

from dataclasses import replace

import numpy as np

from annpot import files
from annpot.errors import InputError
from annpot.evaluation.batches import Labelled
from annpot.evaluation.output import write_results
from annpot.evaluation.parts import DataParts
from annpot.evaluation.records import open_folder
from annpot.evaluation.results import Evaluation, ForceResults, VirialResults, joined
from annpot.formula import formula
from annpot.networks.checkpoint_files import (
    find_checkpoint,
    latest_checkpoint,
    list_checkpoints,
)
from annpot.networks.checkpoint_networks import open_networks
from annpot.wording import counted

OF_STRUCTURES = ("example", "structure")  # values of input_format


def chosen_checkpoints(config):
    """CheckpointFiles that an EvaluateConfig asks for.

    `single_step`: the one of `epoch_number` and `step_number`, or the latest when
    neither is given. Else all, by epoch and step, from `start` to `end` (as list
    indices), every `subsampling`-th.

    Raises:
        InputError: there is none.
    """
    folder, options = config.io.networks_dir, config.validation
    if options.single_step:
        wanted = options.epoch_number, options.step_number
        if wanted == (None, None):
            return [latest_checkpoint(folder)]
        return [find_checkpoint(folder, *wanted)]
    existing = list_checkpoints(folder)
    chosen = existing[options.start : options.end : options.subsampling]
    if not chosen:
        raise InputError(
            f"{config.source.where('VALIDATION_OPTIONS', 'start')}: start = "
            f"{options.start} and end = {options.end} leave none of the "
            f"{counted(len(existing), 'checkpoint')} of {folder}. Choose another range."
        )
    return chosen


def networks_to_evaluate(config, train_config):
    """Iterable of CheckpointNetworks: of `model_dir`, or of one checkpoint at a time.

    Raises:
        InputError: there is none; while iterating, one that is damaged.
    """
    if config.io.model_dir is not None:
        return [_of_model(config.io.model_dir)]
    checkpoints, weights = chosen_checkpoints(config), config.validation.weights
    return (open_networks(one, train_config, weights) for one in checkpoints)


def evaluate(config, train_config, announce):
    """Evaluate the model, or the chosen checkpoints one after the other.

    Earlier results of the same name are computed anew and replaced: it does not tell
    which data and which run they came from.

    Args:
        config: EvaluateConfig.
        train_config: TrainConfig of the run that wrote the checkpoints, or None.
        announce: `announce(description, total)` gives a context whose value is
            called with the number of structures done.

    Yields:
        Evaluation of each checkpoint, after its files were written.

    Raises:
        InputError: model, checkpoints, INI files or data do not fit, or are damaged.
    """
    chosen_networks = networks_to_evaluate(config, train_config)
    options = config.validation
    dtype, data = np.dtype(options.precision), None
    if config.io.input_format not in OF_STRUCTURES:
        where = config.source.where("IO_INFORMATION", "data_dir")
        data = open_folder(config.io.data_dir, config.io.input_format, where)
    files.make_folder(config.io.eval_dir)
    parts = _parts(config)
    for networks in chosen_networks:
        if data is None:
            data = _structures(config, networks)
        notices = data.check(networks, options.compute_forces)
        chosen, told = (data, []) if parts is None else parts.of(data, networks)
        with announce(networks.file.name, chosen.n_structures) as advance:
            evaluation = predict(
                networks, chosen, dtype, advance, options.compute_forces,
                (*notices, *told),
            )  # fmt: skip
        evaluation = replace(evaluation, part=options.split)
        write_results(config.io.eval_dir, evaluation)
        yield evaluation


def _parts(config):
    """DataParts that an EvaluateConfig asks for; None for all data."""
    part = config.validation.split
    if part is None:
        return None
    where = config.source.where("VALIDATION_OPTIONS", "split")
    return DataParts(part, where, config.io.data_dir)


# Compiled kernels are loaded only for structures and models.


def _of_model(folder):
    from annpot.evaluation.model import networks_of_model

    return networks_of_model(folder)


def _structures(config, networks):
    from annpot.evaluation.structures import open_structure_data

    return open_structure_data(config, networks)


def _kinks(names):
    """The notice about structures at a kink, if there are any."""
    if not names:
        return []
    from annpot.descriptors.derivatives import kink_warning

    return [kink_warning(names)]


def predict(networks, data, dtype, advance, with_forces=False, notices=()):
    """Evaluation of one checkpoint; descriptors are kept of a few structures only.

    Args:
        networks: CheckpointNetworks.
        data: RecordFolder or StructureData.
        dtype: precision of the networks.
        advance: called with the number of structures after each batch.
        with_forces: whether to compute forces, and virials where structures repeat.
        notices: lines to keep with the result.
    """
    elements = [spec.element for spec in networks.specs]
    batches, counts = [], []
    for batch in data.batches(networks, dtype, with_forces):
        batches.append(batch)
        counts.append(batch.element_counts(len(elements)))
        advance(len(batch.names))
    counts = np.concatenate(counts)
    found = joined([batch.energies for batch in batches])
    at_kink = [name for batch in batches for name in batch.at_kink]
    return Evaluation(
        checkpoint=networks.file,
        names=tuple(name for batch in batches for name in batch.names),
        compositions=formulas(counts, elements),
        n_atoms=counts.sum(axis=1),
        e_ref=found.reference,
        e_nn=found.predicted,
        e_offset=counts @ np.array([spec.offset for spec in networks.specs]),
        forces=_forces(batches, elements) if with_forces else None,
        virials=_virials(batches),
        notices=(*notices, *data.notices(), *_kinks(at_kink)),
    )


def _forces(batches, elements):
    species = np.concatenate([batch.species for batch in batches])
    values = joined([batch.forces for batch in batches])
    return ForceResults(values, np.array(elements)[species])


def _virials(batches):
    """VirialResults of the periodic structures, None without any."""
    parts, start = [], 0
    for batch in batches:
        n = len(batch.names)
        if batch.virials is not None:
            chosen = np.flatnonzero(batch.pbc.any(axis=1))
            n_atoms = np.bincount(batch.structure, minlength=n)[chosen]
            values = batch.virials.predicted[chosen], batch.virials.reference[chosen]
            places = batch.cells[chosen], batch.pbc[chosen]
            parts.append((start + chosen, *values, n_atoms, *places))
        start += n
    if not parts:
        return None
    structures, predicted, reference, *rest = map(
        np.concatenate, zip(*parts, strict=True)
    )
    return VirialResults(structures, Labelled(predicted, reference), *rest)


def formulas(counts, elements):
    """Chemical formula of each row of (n_structures, n_elements) atom counts."""
    distinct, which = np.unique(counts, axis=0, return_inverse=True)
    texts = [formula(np.repeat(elements, row)) for row in distinct]
    return tuple(texts[i] for i in which.ravel())
