"""Energies of a data set by the networks of checkpoints."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from annpot import files
from annpot.accuracy import accuracy, accuracy_by_composition, errors_per_atom
from annpot.errors import InputError
from annpot.evaluation_data import check_description, open_folder, record_batches
from annpot.formula import formula
from annpot.networks.checkpoint_files import (
    CheckpointFile,
    find_checkpoint,
    latest_checkpoint,
    list_checkpoints,
)
from annpot.networks.checkpoint_networks import open_networks
from annpot.networks.numpy_potential import energies

HEADER = "#filename n_atoms e_ref e_nn"


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Energies of a data set by one checkpoint; all arrays are (n_structures,).

    Attributes:
        checkpoint: CheckpointFile.
        names: keys of the structures, in the order of the data.
        compositions: chemical formulas.
        n_atoms: numbers of atoms.
        e_ref: reference energies, eV.
        e_nn: energies of the networks with all offsets, eV.
        e_offset: sums of the atoms' offsets, eV.
        notices: one line for each thing worth knowing about the data.
    """

    checkpoint: CheckpointFile
    names: tuple[str, ...]
    compositions: tuple[str, ...]
    n_atoms: np.ndarray
    e_ref: np.ndarray
    e_nn: np.ndarray
    e_offset: np.ndarray
    notices: tuple[str, ...] = ()

    @cached_property
    def errors(self):
        """(n_structures,) (E_nn - E_ref) / n_atoms, eV/atom."""
        return errors_per_atom(self.e_nn, self.e_ref, self.n_atoms)

    @cached_property
    def accuracy(self):
        """Accuracy over all structures."""
        return accuracy(self.errors)

    @cached_property
    def by_composition(self):
        """{formula: Accuracy}."""
        return accuracy_by_composition(self.errors, self.compositions)


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
            f"{len(existing)} checkpoints of {folder}. Choose another range."
        )
    return chosen


def evaluate(config, train_config, announce):
    """Evaluate the chosen checkpoints one after the other.

    Earlier results of the same checkpoint are computed anew and replaced: their name
    does not tell which data and which run they came from.

    Args:
        config: EvaluateConfig.
        train_config: TrainConfig of the run that wrote the checkpoints, or None.
        announce: `announce(description, total)` gives a context whose value is
            called with the number of structures done.

    Yields:
        Evaluation of each checkpoint, after its `.dat` file was written.

    Raises:
        InputError: checkpoints, INI files or data do not fit, or are damaged.
    """
    checkpoints = chosen_checkpoints(config)
    where = config.source.where("IO_INFORMATION", "data_dir")
    folder = open_folder(config.io.data_dir, config.io.input_format, where)
    dtype = np.dtype(config.validation.precision)
    files.make_folder(config.io.eval_dir)
    for checkpoint in checkpoints:
        networks = open_networks(checkpoint, train_config)
        notices = check_description(folder, networks)
        with announce(checkpoint.name, folder.n_records) as advance:
            evaluation = predict(networks, folder, dtype, advance, tuple(notices))
        write_energies(dat_path(config.io.eval_dir, checkpoint), evaluation)
        yield evaluation


def predict(networks, folder, dtype, advance, notices=()):
    """Evaluation of one checkpoint on a folder; memory does not grow with its atoms.

    Args:
        networks: CheckpointNetworks.
        folder: RecordFolder.
        dtype: precision of the networks.
        advance: called with the number of structures after each batch.
        notices: lines to keep with the result.
    """
    specs = networks.specs
    names, counts, e_ref, e_nn = [], [], [], []
    for batch in record_batches(folder, specs):
        n = len(batch.names)
        names += batch.names
        counts.append(batch.element_counts(len(specs)))
        e_ref.append(batch.energies * networks.energy_rescale)
        atoms = batch.g, batch.species, batch.structure
        e_nn.append(energies(*atoms, n, specs, networks.weights, dtype))
        advance(n)
    counts = np.concatenate(counts)
    return Evaluation(
        checkpoint=networks.file,
        names=tuple(names),
        compositions=formulas(counts, [spec.element for spec in specs]),
        n_atoms=counts.sum(axis=1),
        e_ref=np.concatenate(e_ref),
        e_nn=np.concatenate(e_nn),
        e_offset=counts @ np.array([spec.offset for spec in specs]),
        notices=notices,
    )


def formulas(counts, elements):
    """Chemical formula of each row of (n_structures, n_elements) atom counts."""
    distinct, which = np.unique(counts, axis=0, return_inverse=True)
    texts = [formula(np.repeat(elements, row)) for row in distinct]
    return tuple(texts[i] for i in which.ravel())


def dat_path(eval_dir, checkpoint):
    """Path of a checkpoint's energies: eval_dir/epoch_{e}_step_{s}.dat."""
    return Path(eval_dir) / f"{checkpoint.name}.dat"


def write_energies(path, evaluation):
    """Write the energies: a header, then `name n_atoms e_ref e_nn` per structure.

    Energies are total, eV, to 1e-10. Blanks in names become underscores.
    """
    rows = zip(
        evaluation.names,
        evaluation.n_atoms,
        evaluation.e_ref,
        evaluation.e_nn,
        strict=True,
    )
    lines = [
        f"{'_'.join(name.split()) or 'N.A.'} {n} {e_ref:.10f} {e_nn:.10f}"
        for name, n, e_ref, e_nn in rows
    ]
    files.write_text(path, "\n".join([HEADER, *lines]) + "\n")
