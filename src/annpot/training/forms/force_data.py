"""Training data with forces: derivatives in tables, or neighbours for the step."""

import numpy as np

from annpot.training.forms.force_feed import ForceFeed
from annpot.training.forms.force_validation import ForceValidator
from annpot.training.forms.geometry import empty_geometry, fill_geometry
from annpot.training.forms.prediction import ComputedForm, StoredForm
from annpot.training.forms.rows_data import feed_settings
from annpot.training.forms.standardized import scaled

VALUES_TOGETHER = 2**23  # derivatives that validation handles together: 34 MB
COSTS_TOGETHER = 400_000  # about 130,000 triplets


class ForceData:
    """What stored and computed derivatives have in common.

    Attributes:
        form: name of the form of the step.
        counts: (n_records, n_columns) what a record needs room for: atoms of each
            element, then what the form lists.
        sizes: (n_records,) what a record costs.
        most_together: sum of sizes that are evaluated together.
        tables: what the step reads beside the chunks.
        scales: for each element the InputScale of its descriptors, or None; () for
            none.

    Args:
        targets: ForceTargets.
        element_counts: (n_records, n_species) atoms of each element.
        with_virials: whether virials are trained or measured.
    """

    form = None
    tables = ()
    scales = ()

    def __init__(self, targets, element_counts, with_virials):
        self.targets = targets
        self.element_counts = element_counts
        self.with_virials = with_virials

    def __len__(self):
        return len(self.counts)

    @property
    def n_species(self):
        """Number of elements."""
        return self.element_counts.shape[1]

    @property
    def labels(self):
        """Those of `annpot.training.metrics` that are there and compared with."""
        targets = self.targets
        there = {
            "energy": targets.has_energy.any(),
            "force": targets.has_forces.any(),
            "virial": self.with_virials and targets.has_virial.any(),
        }
        return tuple(name for name, is_there in there.items() if is_there)

    def feed(self, plan):
        """ForceFeed of a Plan."""
        return ForceFeed(self, feed_settings(plan))

    def validator(self, step):
        """ForceValidator of the data."""
        return ForceValidator(self, step)

    def _placed(self, records, shape):
        """Chunk without rows and geometry, atoms by place, and where places start."""
        capacities = shape[: self.n_species]
        chunk, atoms = self.targets.chunk(records, capacities)
        ends = np.cumsum(capacities)
        return chunk, atoms, (ends - np.array(capacities), int(ends[-1]))


class StoredData(ForceData):
    """Derivatives in tables.

    Args:
        targets, element_counts, with_virials: see ForceData.
        tables: AtomTables, for the descriptors.
        blocks: StoredBlocks.
    """

    form = "stored"
    is_resident = True
    about = "derivatives in memory"

    def __init__(self, targets, element_counts, with_virials, tables, blocks):
        super().__init__(targets, element_counts, with_virials)
        self.blocks = blocks
        self.most_together = VALUES_TOGETHER // max(t[0].size for t in blocks.blocks)
        self.tables = blocks.tables(tables.g)
        groups = blocks.group_counts(targets.first)
        self.counts = np.concatenate([element_counts, groups], axis=1)
        self.sizes = groups.sum(axis=1)
        self.row_of_atom = np.empty(len(targets.species), np.int64)
        for element in range(self.n_species):
            own = np.flatnonzero(targets.species == element)
            self.row_of_atom[own] = np.arange(len(own))
        self.last_rows = [len(g) - 1 for g in tables.g]

    @property
    def kept_bytes(self):
        """Bytes of the tables: here, on the device, and what they are made from."""
        arrays = (*self.tables.g, *self.tables.blocks, *self.tables.strain)
        return 3 * sum(array.nbytes for array in arrays)

    @property
    def budgeted_bytes(self):
        """Bytes of the derivatives, which count against the memory budget."""
        arrays = (*self.tables.blocks, *self.tables.strain)
        return sum(array.nbytes for array in arrays)

    def work_bytes(self, shape):
        """Bytes that a step works with: copies of what it reads of the tables."""
        reads = zip(shape[self.n_species :], self.tables.blocks, strict=True)
        return 2 * sum(room * table[0].nbytes for room, table in reads)

    def bytes_per_step(self, shape):
        """Bytes made anew for a step of a shape."""
        groups = [
            room * (8 + 4 * moved.shape[1])
            for room, moved in zip(
                shape[self.n_species :], self.blocks.moved, strict=True
            )
        ]
        return sum(groups) + 40 * sum(shape[: self.n_species])

    def step_form(self, step):
        """The form of the step, for StepSettings."""
        return scaled(StoredForm(self.with_virials), self.scales, step)

    def chunk(self, records, shape):
        """Chunk of batches `records` (n_steps, batch_size) with the room of a shape."""
        chunk, atoms, (starts, n_places) = self._placed(records, shape)
        rows = tuple(
            np.where(part >= 0, self.row_of_atom[part], last).astype(np.int32)
            for part, last in zip(
                np.split(atoms, starts[1:], axis=1), self.last_rows, strict=True
            )
        )
        geometry = self.blocks.chunk(
            records, self.targets.first, starts, n_places, shape[self.n_species :]
        )
        return chunk._replace(rows=rows, geometry=geometry)


class ComputedData(ForceData):
    """Neighbour lists, from which the step makes descriptors.

    Args:
        targets, element_counts, with_virials: see ForceData.
        store: NeighborStore.
        settings: DescriptorSettings.
        columns: for each element the columns in use, or None for all.
        dtype: of the neighbour vectors.
    """

    form = "computed"

    def __init__(
        self, targets, element_counts, with_virials, store, settings, columns, dtype
    ):
        super().__init__(targets, element_counts, with_virials)
        self.store, self.settings = store, settings
        self.columns, self.dtype = columns, np.dtype(dtype)
        listed = store.counts()
        self.counts = np.concatenate([element_counts, listed], axis=1)
        self.most_together = COSTS_TOGETHER
        # A triplet costs as much as three pairs.
        self.sizes = listed[:, 0] + 3 * store.block * listed[:, 2]
        self.is_resident = store.is_resident
        where = "in memory" if store.is_resident else "in a temporary file"
        self.about = f"neighbour lists {where}"

    @property
    def kept_bytes(self):
        """Bytes of the neighbour lists, where they are in memory."""
        return self.store.n_bytes if self.is_resident else 0

    budgeted_bytes = kept_bytes

    def work_bytes(self, shape):
        """Bytes that a step works with: what is kept for pairs, triplets and atoms.

        For each triplet 12 numbers of geometry, each radial part and its two slopes,
        each angular part and its slope, and rows of the blocks; for each pair its
        radial functions and slopes.
        """
        n_pairs, _, n_blocks = shape[self.n_species :]
        settings = self.settings
        n_eta, n_theta = len(settings.angular_etas), len(settings.thetas)
        triplet = 12 + 3 * n_eta + 2 * n_theta + 3 * n_eta * n_theta / self.store.block
        pair = 12 + 4 * len(settings.radial_etas)
        atoms = sum(shape[: self.n_species]) * settings.n_features
        numbers = n_blocks * self.store.block * triplet + n_pairs * pair + 8 * atoms
        return int(numbers * self.dtype.itemsize)

    def bytes_per_step(self, shape):
        """Bytes made anew for a step of a shape."""
        n_pairs, n_near, n_blocks = shape[self.n_species :]
        pairs = n_pairs * (12 + 3 * self.dtype.itemsize)
        triplets = n_blocks * (4 + 8 * self.store.block)
        return pairs + 4 * n_near + triplets + 40 * sum(shape[: self.n_species])

    def step_form(self, step):
        """The form of the step, for StepSettings."""
        form = ComputedForm(self.settings, self.columns, self.with_virials)
        return scaled(form, self.scales, step)

    def chunk(self, records, shape):
        """Chunk of batches `records` (n_steps, batch_size) with the room of a shape."""
        chunk, _, (starts, n_places) = self._placed(records, shape)
        geometry = empty_geometry(
            len(records), shape[self.n_species :], n_places, self.n_species,
            self.store.block, self.dtype,
        )  # fmt: skip
        lists, listed = self.store.lists_of(records)
        fill_geometry(
            records, listed, self.targets.first, self.targets.species, starts, lists,
            self.n_species, geometry,
        )  # fmt: skip
        return chunk._replace(geometry=geometry)
