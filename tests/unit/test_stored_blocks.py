"""Tables of derivatives: put together again, they are the dense ones."""

import numpy as np
import pytest

from annpot.data.record_index import index_of_files
from annpot.data.structure_set import read_structure_set
from annpot.data.tfrecord import encode_record, write_tfrecord
from annpot.descriptors.derivatives import batch_derivatives
from annpot.structures.batch import structure_batch
from annpot.training.forms.derivative_parts import parts_of_records, parts_of_structures
from annpot.training.forms.stored_blocks import GROUP_OVERHEAD, StoredBlocks, group_size
from reference.small_structures import (
    N_FEATURES,
    SPECIES,
    descriptor_records,
    settings,
    small_structures,
)

STRUCTURES = small_structures(6)
ORDER = np.array([[4, 1, 1], [0, 5, 3]])  # one structure twice in a batch
COLUMNS = (None, np.array([0, 3, 4, 9]))  # hydrogen keeps all


def nothing(_):
    """Progress that is not shown."""


@pytest.fixture(scope="module")
def structures():
    return read_structure_set(STRUCTURES, SPECIES, nothing)


def blocks_of(structures, strain=True):
    parts = parts_of_structures(structures, settings(), np.float64, strain, nothing)
    return StoredBlocks(parts, COLUMNS, np.float64)


def derivatives_of(record):
    """DescriptorDerivatives of one structure."""
    batch = structure_batch([STRUCTURES[record]], SPECIES)
    return batch_derivatives(batch, settings(), np.float64, strain=True)[1]


def expected(records, capacities):
    """(n_places, n_features, n_places, 3) dG_ic / dr_kx of a batch, by place."""
    table = np.zeros((sum(capacities), N_FEATURES, sum(capacities), 3))
    places = {}
    for element, start in enumerate((0, capacities[0])):
        following = start
        for s, r in enumerate(records):
            for atom, symbol in enumerate(STRUCTURES[r].symbols):
                if SPECIES.index(symbol) == element:
                    places[s, atom] = following
                    following += 1
    for s, r in enumerate(records):
        dense = derivatives_of(r).dense()
        at = [places[s, atom] for atom in range(len(dense))]
        for i, place in enumerate(at):
            table[place][:, at] = dense[i]
    return table


@pytest.mark.parametrize("spare", [0, 3])
def test_a_batch_holds_the_dense_derivatives_of_its_structures(structures, spare):
    blocks = blocks_of(structures)
    capacities = structures.element_counts[ORDER].sum(axis=1).max(axis=0) + spare
    groups = blocks.group_counts(structures.batch.first)
    room = groups[ORDER].sum(axis=1).max(axis=0) + spare
    n_places = int(capacities.sum())
    starts = np.array([0, capacities[0]])
    chunk = blocks.chunk(ORDER, structures.batch.first, starts, n_places, room)
    tables = blocks.tables(())
    for step, records in enumerate(ORDER):
        found = np.zeros((n_places, N_FEATURES, n_places + 1, 3))
        for element, kept in enumerate(COLUMNS):
            kept = np.arange(N_FEATURES) if kept is None else kept
            size = blocks.moved[element].shape[1]
            for group in range(room[element]):
                row = chunk.rows[element][step, group]
                block = tables.blocks[element][row].reshape(size, 3, len(kept))
                i = starts[element] + chunk.atoms[element][step, group]
                for slot in range(size):
                    k = chunk.moved[element][step, group * size + slot]
                    found[i, kept, k] += block[slot].T
        assert not found[:, :, n_places].any()  # what moves nobody is zero
        wanted = expected(records, capacities)
        wanted[starts[1] :] *= np.isin(np.arange(N_FEATURES), COLUMNS[1])[:, None, None]
        np.testing.assert_array_equal(found[:, :, :-1], wanted)


def test_derivatives_by_strain_are_in_the_rows_of_the_atoms(structures):
    strain = blocks_of(structures).strain
    for element, kept in enumerate(COLUMNS):
        kept = slice(None) if kept is None else kept
        own = [
            derivatives_of(r).strain[i][kept].T
            for r, s in enumerate(STRUCTURES)
            for i, symbol in enumerate(s.symbols)
            if SPECIES.index(symbol) == element
        ]
        np.testing.assert_array_equal(strain[element][:-1], own)
        assert not strain[element][-1].any()
    assert blocks_of(structures, strain=False).strain == []


@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_records_hold_the_same_blocks_in_float32(tmp_path, structures, kind):
    path = tmp_path / "one.tfrecord"
    write_tfrecord(path, map(encode_record, descriptor_records(STRUCTURES, kind)))
    found = list(parts_of_records(index_of_files([path]), None, nothing))
    forces = np.concatenate([forces for _, forces in found])
    np.testing.assert_array_equal(forces, structures.forces.astype(np.float32))
    for record, (part, _) in enumerate(found):
        one = derivatives_of(record)
        full = part.values.astype(float)
        # Blocks that are zero throughout are not in the records.
        n = len(part.species)
        at = np.repeat(np.arange(n), np.diff(part.first))
        dense = np.zeros((n, N_FEATURES, n, 3))
        dense[at, :, part.moved] = full
        np.testing.assert_allclose(dense, one.dense(), rtol=1e-7, atol=1e-37)


def test_groups_are_as_long_as_reads_least():
    # Five blocks of 100 columns: one group of five, 1500 numbers and no zero.
    assert group_size(np.full(50, 5), 100) == 5
    # So narrow that another group costs more than the zeros of a longer one.
    assert group_size(np.full(50, 11), 1) == 12
    # Wide rows: no zero is read where pairs divide all.
    assert group_size(np.array([2, 4, 6] * 9), 10_000) == 2
    rng = np.random.default_rng(1)
    counts, n_columns = rng.integers(1, 30, 200), 40

    def read(size):
        groups = sum(-(-int(n) // size) for n in counts)
        return groups * (3 * size * n_columns + GROUP_OVERHEAD)

    assert read(group_size(counts, n_columns)) == min(map(read, range(2, 13)))
