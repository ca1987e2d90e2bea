"""Derivatives of a data set, piece by piece, from structures or from records."""

import logging

import numpy as np

from annpot.data.tfrecord import decode_record
from annpot.descriptors.derivatives import batch_derivatives, kink_warning
from annpot.errors import InputError
from annpot.training.forms.stored_blocks import DerivativePart

VALUES_TOGETHER = 2**23  # derivatives that are made together

logger = logging.getLogger(__name__)


def parts_of_structures(structures, settings, dtype, with_strain, advance):
    """DerivativeParts of a StructureSet.

    Logs a warning about collinear atoms where the descriptor has kinks.

    Args:
        structures: StructureSet.
        settings: DescriptorSettings.
        dtype: of the derivatives.
        with_strain: whether derivatives by strain are asked for.
        advance: called with the number of structures after each part.
    """
    per_atom = 3 * settings.n_features * max(structures.n_atoms.max(), 1)
    in_line = []
    for records, batch in structures.parts(max(1, VALUES_TOGETHER // per_atom)):
        _, found = batch_derivatives(batch, settings, dtype, strain=with_strain)
        owner = np.repeat(batch.first[:-1], np.diff(batch.first))  # of each atom
        of_block = np.repeat(owner, np.diff(found.first))
        yield DerivativePart(
            batch.species, found.first, found.moved - of_block, found.values,
            found.strain,
        )  # fmt: skip
        in_line += _collinear(batch, found)
        advance(len(records))
    if in_line and settings.has_kinks:
        logger.warning(kink_warning(in_line))


def kink_notes(structures, settings):
    """What to tell of structures whose slopes the step takes at a kink; a list."""
    if not settings.has_kinks:
        return []
    in_line = []
    per_atom = 3 * settings.n_features * max(structures.n_atoms.max(), 1)
    for _, batch in structures.parts(max(1, VALUES_TOGETHER // per_atom)):
        in_line += _collinear(batch, batch_derivatives(batch, settings)[1])
    return [kink_warning(in_line)] if in_line else []


def _collinear(batch, found):
    """Names of the structures of a batch with atoms in line with two neighbours."""
    collinear = np.add.reduceat(found.n_collinear, batch.first[:-1])
    return [batch.names[s] for s in np.flatnonzero(collinear)]


def parts_of_records(index, sparse, advance):
    """(DerivativePart, forces (n_atoms, 3)) of each record of an index.

    Args:
        index: RecordIndex.
        sparse: what the INI file says of the derivatives, or None.
        advance: called with 1 after each record.

    Raises:
        InputError: a record without derivatives, or of another kind than stated.
    """
    for number, payload in enumerate(index.payloads()):
        where = index.place(number)
        record = decode_record(payload, where)
        _check_kind(record, sparse, where)
        dense = record.derivatives
        if record.derivatives_kind == "sparse":
            dense = dense.dense(record.n_atoms, record.g_size)
        missing = np.full((record.n_atoms, 3), np.nan)
        forces = missing if record.forces is None else record.forces
        yield _part(record.species, dense.values), forces
        advance(1)


def _check_kind(record, sparse, where):
    kind = record.derivatives_kind
    if kind is None:
        raise InputError(
            f"{where}: no derivatives of the descriptors, which training on forces "
            "needs. Make descriptors and records with include_derivatives = True, or "
            "train from structures (input_format = example or structure with "
            "gvect_ini)."
        )
    if sparse is not None and sparse != (kind == "sparse"):
        raise InputError(
            f"{where}: its derivatives are {kind}, but [DATA_INFORMATION] "
            f"sparse_derivatives = {sparse}. Set sparse_derivatives = "
            f"{kind == 'sparse'}, or remove the key: the records say it themselves."
        )


def _part(species, values):
    """DerivativePart of one structure from dense (n_atoms, g_size, n_atoms, 3)."""
    sees = values.any(axis=(1, 3))
    i, k = np.nonzero(sees)
    first = np.concatenate([[0], np.cumsum(sees.sum(axis=1))])
    return DerivativePart(species, first, k, values[i, :, k, :], None)
