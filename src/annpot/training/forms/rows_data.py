"""Training data as descriptors in tables: energies only."""

import numpy as np

from annpot.training.feed import Feed, FeedSettings
from annpot.training.forms.prediction import RowsForm
from annpot.training.forms.standardized import scaled
from annpot.training.validation import Validator

FLOAT32_BYTES = 4


class RowsData:
    """Descriptors of a data set, as the parts of a run want them.

    Attributes:
        form: name of the form of the step.
        labels: those of `annpot.training.metrics` that are compared with.
        counts: (n_records, n_species) what a record needs room for.
        sizes: (n_records,) atoms.

    Args:
        data: DataSet.
        targets: (n_records,) energies without offsets, eV, float64.
        rescale: factor on the energies of the data.
        scales: for each element the InputScale of its descriptors, or None; () for
            none.
    """

    form = "rows"
    labels = ("energy",)

    def __init__(self, data, targets, rescale=1.0, scales=()):
        self.data, self.targets, self.rescale = data, targets, rescale
        self.scales = scales
        self.counts = data.element_counts
        self.sizes = data.n_atoms
        self.is_resident = data.resident is not None
        self.about = "descriptors in memory" if self.is_resident else "streamed"

    def __len__(self):
        return len(self.data)

    def bytes_per_step(self, shape):
        """Bytes made or read anew for a step of a shape."""
        width = 2 if self.is_resident else self.data.used.shape[1]
        return sum(shape) * width * FLOAT32_BYTES

    @property
    def kept_bytes(self):
        """Bytes of what stays in memory: descriptors, and again those in tables."""
        parts = self.data.resident or ()
        return 2 * sum(part.g.nbytes for part in parts)

    def work_bytes(self, shape):
        """Bytes that a step works with."""
        return 4 * sum(shape) * self.data.used.shape[1] * FLOAT32_BYTES

    def step_form(self, step):
        """The form of the step, for StepSettings."""
        return scaled(RowsForm(), self.scales, step)

    def feed(self, plan):
        """Feed of a Plan."""
        return Feed(self.data, self.targets, feed_settings(plan))

    def validator(self, step):
        """Validator of the data."""
        return Validator(self.data, self.data.energies * self.rescale, step)


def feed_settings(plan):
    """The part of the plan that the feed needs."""
    return FeedSettings(
        order_seed=plan.order_seed,
        batch_size=plan.step.batch_size,
        chunk_size=plan.step.chunk_size,
        shapes=plan.step.shapes,
        n_devices=plan.step.n_parts,
        columns=plan.step.columns,
    )


def offsets_of(element_counts, specs):
    """(n_records,) sum of the offsets of a record's atoms, eV, float64."""
    return element_counts @ np.array([spec.offset for spec in specs])
