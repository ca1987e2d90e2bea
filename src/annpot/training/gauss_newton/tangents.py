"""Descriptors of a batch, and how they change when its atoms move."""

import numpy as np

from annpot.networks.element_network import tf
from annpot.training.forms.prediction import gathered, size_of
from annpot.training.forms.standardized import ScaledForm
from annpot.training.gauss_newton.settings import ENERGIES_ONLY


def descriptors_and_rates(form, name, tables, batch, directions, precision):
    """For each element (n_atoms, 1 + q, n_columns): x, then dx along q directions.

    x is what the networks see: descriptors G, or scaled ones.

    Args:
        form: the form of the step, `name` that of the settings.
        tables: tables of the form.
        batch: Chunk without its first axis.
        directions: (n_places, q, 3); () for G alone.
        precision: dtype.
    """
    if name != ENERGIES_ONLY:
        directions = tf.cast(directions, precision)
    is_scaled = isinstance(form, ScaledForm)
    plain = form.form if is_scaled else form
    found = SOURCES[name](plain, tables, batch, directions)
    found = [tf.cast(values, precision) for values in found]
    if not is_scaled:
        return found
    return [
        values if scale is None else _scaled(values, scale)
        for values, scale in zip(found, form.scales, strict=True)
    ]


def _scaled(values, scale):
    """x = (G - m) / s and dx = dG / s."""
    n_rates = values.shape[1] - 1
    mean = np.concatenate([scale.mean[None], np.zeros((n_rates, len(scale.mean)))])
    return (values - tf.constant(mean, values.dtype)) * tf.constant(
        1.0 / scale.scale, values.dtype
    )


def _rows(form, tables, batch, directions):
    return [g[:, None] for g in gathered(tables, batch.rows)]


def _stored(form, tables, batch, directions):
    """sum over the atoms k that moved of dG_i/dr_k . u_k, from blocks."""
    geometry, found = batch.geometry, []
    # Unused entries of `moved` point behind the last place.
    q = directions.shape[1]
    padded = tf.concat([directions, tf.zeros([1, q, 3], directions.dtype)], 0)
    padded = tf.transpose(padded, [0, 2, 1])  # (n_places + 1, 3, q)
    about = zip(
        gathered(tables.g, batch.rows), tables.blocks, geometry.rows, geometry.atoms,
        geometry.moved, strict=True,
    )  # fmt: skip
    for g, table, rows, atoms, moved in about:
        blocks = tf.cast(tf.gather(table, rows), directions.dtype)
        motion = tf.reshape(tf.gather(padded, moved), [size_of(rows), -1, q])
        rates = tf.einsum("nxq,nxc->nqc", motion, blocks)
        rates = tf.math.unsorted_segment_sum(rates, atoms, size_of(g))
        found.append(tf.concat([tf.cast(g, rates.dtype)[:, None], rates], 1))
    return found


def _computed(form, tables, batch, directions):
    """The transposed of the slope by vectors: linear in what it is weighted with."""
    from annpot.descriptors import differentiable

    geometry, q = batch.geometry, directions.shape[1]
    sizes = [size_of(owned) for owned in batch.owners]
    padded = tf.concat([directions, tf.zeros([1, q, 3], directions.dtype)], 0)
    motion = tf.gather(padded, geometry.j) - tf.gather(padded, geometry.i)
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as of_weights:
        with tf.GradientTape(watch_accessed_variables=False) as of_vectors:
            vectors = tf.identity(geometry.vectors)
            of_vectors.watch(vectors)
            g = differentiable.descriptors(
                differentiable.Geometry(
                    vectors, geometry.segment, geometry.near, geometry.a, geometry.b,
                    geometry.block_segment,
                ),
                sum(sizes),
                form.settings,
            )  # fmt: skip
        weights = tf.zeros_like(g)
        of_weights.watch(weights)
        slopes = of_vectors.gradient(g, vectors, weights)  # (n_pairs, 3)
    motion = tf.cast(motion, slopes.dtype)
    rates = [
        of_weights.gradient(slopes, weights, motion[:, number]) for number in range(q)
    ]
    whole = tf.stack([g, *rates], 1)
    return [
        part if kept is None else tf.gather(part, kept, axis=2)
        for part, kept in zip(tf.split(whole, sizes), form.columns, strict=True)
    ]


SOURCES = {"rows": _rows, "stored": _stored, "computed": _computed}
