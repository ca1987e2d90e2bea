"""Energies, forces and virials of a padded batch, in the three forms of training.

Forms differ in where descriptors and their derivatives come from:

    rows      descriptors from tables; energies only
    stored    descriptors and derivatives from tables
    computed  descriptors from neighbour vectors, derivatives by differentiation

All give the same numbers to rounding. A form is called with (networks, tables, batch):
AtomicNetworks, the tables of the form, and a `batch.Chunk` without its first axis.
"""

from itertools import pairwise
from typing import NamedTuple

from annpot.networks.element_network import network_output, tf
from annpot.structures.stress import X_OF, Y_OF

PART_BYTES = 6.0e5  # of stored derivatives that are handled together
MOST_PARTS = 16


class Prediction(NamedTuple):
    """What the networks say of a batch.

    Attributes:
        energies: (batch_size,) without offsets, eV, float64.
        forces: (n_places, 3) eV/angstrom, float64, or None.
        virials: (batch_size, 6) eV, float64, or None.
    """

    energies: tf.Tensor
    forces: tf.Tensor | None = None
    virials: tf.Tensor | None = None


class AtomicNetworks:
    """The element networks as functions of plain tensors.

    Args:
        layers: for each element the (kernel, bias) variables of its layers.
        activations: for each element the names of its activations.
        precision: dtype of the networks.
        mixed: type of their products, see `annpot.networks.element_network.product`.
    """

    def __init__(self, layers, activations, precision, mixed="none"):
        self.layers, self.activations = layers, activations
        self.precision, self.mixed = precision, mixed

    def outputs(self, descriptors):
        """[(n_atoms_s,)] of [(n_atoms_s, n_columns_s)], eV without offsets."""
        return [
            network_output(
                tf.cast(g, self.precision),
                [(tf.convert_to_tensor(w), tf.convert_to_tensor(b)) for w, b in layers],
                activations,
                self.mixed,
            )
            for g, layers, activations in zip(
                descriptors, self.layers, self.activations, strict=True
            )
        ]

    def outputs_and_gradients(self, descriptors):
        """Outputs, and their derivatives by the descriptors of the atom."""
        descriptors = [tf.cast(g, self.precision) for g in descriptors]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(descriptors)
            outputs = self.outputs(descriptors)
        return outputs, tape.gradient(outputs, descriptors)


class RowsForm:
    """Energies of descriptors that lie in tables."""

    def arrays(self, tables):
        """What the step reads of AtomTables."""
        return tables.g

    def __call__(self, networks, tables, batch):
        """Prediction of a batch; tables: descriptors of each element."""
        descriptors = gathered(tables, batch.rows)
        return Prediction(energies(networks.outputs(descriptors), batch))


class StoredForm:
    """Energies, forces and virials of descriptors and derivatives in tables.

    F_k = -sum_i dG_i/dr_k . dE/dG_i, dE/dstrain likewise; see
    `annpot.training.forms.stored_blocks` for the layout.

    Args:
        with_virials: whether the tables hold derivatives by strain.
    """

    def __init__(self, with_virials):
        self.with_virials = with_virials

    def arrays(self, tables):
        """What the step reads: the StoredTables."""
        return tables

    def __call__(self, networks, tables, batch):
        """Prediction of a batch; tables: StoredTables."""
        geometry = batch.geometry
        descriptors = gathered(tables.g, batch.rows)
        outputs, slopes = networks.outputs_and_gradients(descriptors)
        owners = tf.concat(batch.owners, 0)
        pushes = [
            tf.reshape(
                contracted(tf.gather(slope, atoms), tf.gather(table, rows)), [-1]
            )
            for slope, table, all_atoms, all_rows in zip(
                slopes, tables.blocks, geometry.atoms, geometry.rows, strict=True
            )
            for atoms, rows in zip(*in_parts(table, all_atoms, all_rows), strict=True)
        ]
        pushes = tf.reshape(tf.concat(pushes, 0), [-1, 3])
        n_places = tf.shape(owners)[0]
        forces = -tf.math.unsorted_segment_sum(
            pushes, tf.concat(geometry.moved, 0), n_places + 1
        )
        virials = None
        if self.with_virials:
            strained = [
                contracted(slope, tf.gather(table, rows))
                for slope, table, rows in zip(
                    slopes, tables.strain, batch.rows, strict=True
                )
            ]
            virials = by_structure(-tf.concat(strained, 0), owners, batch)
        return Prediction(
            energies(outputs, batch),
            tf.cast(forces[:-1], tf.float64),
            virials,
        )


class ComputedForm:
    """Energies, forces and virials from neighbour vectors.

    With d_p = r_j - r_i of pair p and f_p = dE/dd_p: F_i = sum f_p over the pairs of
    i, minus those where i is the neighbour; W = -sum d_p (x) f_p.

    Args:
        settings: DescriptorSettings.
        columns: for each element the descriptor columns in use, or None for all.
        with_virials: whether virials are asked for.
    """

    def __init__(self, settings, columns, with_virials):
        self.settings = settings
        self.columns, self.with_virials = columns, with_virials

    def arrays(self, tables):
        """What the step reads: nothing but the batch."""
        return ()

    def __call__(self, networks, tables, batch):
        """Prediction of a batch; there are no tables."""
        from annpot.descriptors import differentiable

        geometry = batch.geometry
        owners = tf.concat(batch.owners, 0)
        sizes = [size_of(owned) for owned in batch.owners]
        n_places = size_of(owners)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            vectors = tf.identity(geometry.vectors)
            tape.watch(vectors)
            g = differentiable.descriptors(
                differentiable.Geometry(
                    vectors, geometry.segment, geometry.near, geometry.a, geometry.b,
                    geometry.block_segment,
                ),
                n_places,
                self.settings,
            )  # fmt: skip
            outputs = networks.outputs(
                [
                    part if kept is None else tf.gather(part, kept, axis=1)
                    for part, kept in zip(tf.split(g, sizes), self.columns, strict=True)
                ]
            )
        slopes = tape.gradient(outputs, vectors)  # (n_pairs, 3)
        forces = tf.math.unsorted_segment_sum(slopes, geometry.i, n_places + 1)
        forces -= tf.math.unsorted_segment_sum(slopes, geometry.j, n_places + 1)
        virials = None
        if self.with_virials:
            by_pair = -0.5 * (
                tf.gather(geometry.vectors, X_OF, axis=1)
                * tf.gather(slopes, Y_OF, axis=1)
                + tf.gather(geometry.vectors, Y_OF, axis=1)
                * tf.gather(slopes, X_OF, axis=1)
            )
            of_atoms = tf.concat([owners, [size_of(batch.n_atoms)]], 0)
            virials = by_structure(by_pair, tf.gather(of_atoms, geometry.i), batch)
        return Prediction(
            energies(outputs, batch),
            tf.cast(forces[:-1], tf.float64),
            virials,
        )


def gathered(tables, rows):
    """Rows of the table of each element."""
    return [tf.gather(g, row) for g, row in zip(tables, rows, strict=True)]


def in_parts(table, *places):
    """Lists of places, cut into parts whose rows of the table stay in the cache.

    XLA then copies and multiplies part by part, several at the same time: twice as
    fast where a batch reads megabytes.

    Args:
        table: (n_rows, ...).
        places: tensors (n_places,) of a length that is known, else they stay whole.
    """
    n_places = places[0].shape[0]
    if n_places is None:
        return [[place] for place in places]
    n_bytes = n_places * table.dtype.size * table[0].shape.num_elements()
    n_parts = min(max(1, round(n_bytes / PART_BYTES)), MOST_PARTS)
    ends = [n_places * k // n_parts for k in range(n_parts + 1)]
    return [[place[start:stop] for start, stop in pairwise(ends)] for place in places]


def contracted(slopes, tables):
    """sum_c slopes[n, c] tables[n, x, c], as one product of matrices for each n."""
    return tf.einsum("nc,nxc->nx", slopes, tf.cast(tables, slopes.dtype))


def energies(outputs, batch):
    """(n_structures,) sums over atoms, in float64."""
    return by_structure(tf.concat(outputs, 0), tf.concat(batch.owners, 0), batch)


def by_structure(values, owners, batch):
    """Sums over what belongs to each structure of the batch, float64."""
    n_structures = size_of(batch.n_atoms)
    sums = tf.math.unsorted_segment_sum(
        tf.cast(values, tf.float64), owners, n_structures + 1
    )
    return sums[:n_structures]


def size_of(tensor):
    """Length of a tensor: a number where it is known, else a tensor."""
    return tensor.shape[0] if tensor.shape[0] is not None else tf.shape(tensor)[0]
