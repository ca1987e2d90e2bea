"""The tangent kernel of a batch: products of the derivatives of its residuals.

K = J D J^T, of energies E_i = sum of E_p over the atoms p of structure i and of their
rates of change along q directions; D is 1 for weights and d for biases. Two ways lead
to the part of an element, and the one with fewer operations is taken:

By pairs of atoms, J is not formed. With M = a_p . a_q and N = delta_p . delta_q (k, l
count directions, 0 for none)

    dE_p . dE_q           = (M00 + d) N00
    d(dot E_pk) . dE_q    = Mk0 N00 + (M00 + d) Nk0
    d(dot E_pk) . d(dot E_ql) = Mkl N00 + Mk0 N0l + M0l Nk0 + (M00 + d) Nkl

summed over the atoms of the structures. By structures, the rows of J are

    dE_i = sum_p a_p (x) delta_p,
    d(dot E_ik) = sum_p dot a_pk (x) delta_p + a_p (x) dot delta_pk
"""

from typing import NamedTuple

from annpot.networks.element_network import tf
from annpot.training.forms.prediction import size_of

# Multiplications in the time that is taken by each pair beside its two products.
PAIR_OVERHEAD = 16


class Extent(NamedTuple):
    """Sizes of an element's part of a batch.

    Attributes:
        n_atoms: places.
        most_atoms: of one structure.
        n_structures: of the batch.
        n_rows: 1 + q of a structure.
    """

    n_atoms: int
    most_atoms: int
    n_structures: int
    n_rows: int


def element_kernel(layers, owners, extent, bias_scale):
    """(n_structures (1 + q),) squared: the part of K of one element.

    Args:
        layers: LayerSlopes of the layers that are trained.
        owners: (n_atoms,) structure of each atom, in order; n_structures for none.
        extent: Extent.
        bias_scale: d.
    """
    widths = [(layer.inputs.shape[2], layer.slopes.shape[2]) for layer in layers]
    if is_by_pairs(widths, extent):
        products = tf.add_n([kernel_by_pairs(layer, bias_scale) for layer in layers])
        return summed_over_atoms(products, owners, extent.n_structures)
    places = places_of_structures(owners, extent)
    return tf.add_n([kernel_by_structures(one, places, bias_scale) for one in layers])


def is_by_pairs(widths, extent):
    """Whether pairs of atoms take fewer operations than structures.

    Args:
        widths: inputs and outputs of each layer.
        extent: Extent.
    """
    pairs = (extent.n_atoms * extent.n_rows) ** 2
    n_rows = extent.n_structures * extent.n_rows
    structures = n_rows * (n_rows + 2 * extent.most_atoms)
    per_pair = sum(n_in + n_out + PAIR_OVERHEAD for n_in, n_out in widths)
    return pairs * per_pair < structures * sum(n_in * n_out for n_in, n_out in widths)


def places_of_structures(owners, extent):
    """(n_structures, most_atoms) atoms of each structure; n_atoms for none."""
    member = tf.one_hot(owners, extent.n_structures, dtype=tf.int32, axis=0)
    counts = tf.reduce_sum(member, 1)[:, None]
    within = tf.range(extent.most_atoms)[None]
    places = tf.cumsum(counts, exclusive=True) + within
    return tf.where(within < counts, places, extent.n_atoms)


def kernel_by_structures(layer, places, bias_scale):
    """K of a layer from the rows of J.

    Args:
        layer: LayerSlopes.
        places: of `places_of_structures`.
        bias_scale: d.
    """
    a, delta = (_dense(values, places) for values in layer)
    first = tf.einsum("smki,smo->skio", a, delta[:, :, 0])
    if a.shape[2] > 1:
        rates = tf.einsum("smi,smko->skio", a[:, :, 0], delta[:, :, 1:])
        first += tf.concat([tf.zeros_like(first[:, :1]), rates], 1)
    n_rows = first.shape[0] * first.shape[1]
    kernels = tf.reshape(first, [n_rows, -1])
    biases = tf.reshape(tf.reduce_sum(delta, 1), [n_rows, -1])
    return tf.matmul(kernels, kernels, transpose_b=True) + bias_scale * tf.matmul(
        biases, biases, transpose_b=True
    )


def _dense(values, places):
    """(n_structures, most_atoms, 1 + q, width), zero where there is no atom."""
    padded = tf.concat([values, tf.zeros_like(values[:1])], 0)
    return tf.gather(padded, places)


def kernel_by_pairs(layer, bias_scale):
    """(n_atoms, 1 + q, n_atoms, 1 + q) products of the derivatives of a layer.

    Args:
        layer: LayerSlopes.
        bias_scale: d.
    """
    m, n = _products(layer.inputs), _products(layer.slopes)
    if layer.inputs.shape[1] == 1:
        return (m + bias_scale) * n
    # What is multiplied with M00 holds the bias.
    m00, n00 = m[:, :1, :, :1] + bias_scale, n[:, :1, :, :1]
    mk0, nk0 = m[:, 1:, :, :1], n[:, 1:, :, :1]
    m0l, n0l = m[:, :1, :, 1:], n[:, :1, :, 1:]
    mkl, nkl = m[:, 1:, :, 1:], n[:, 1:, :, 1:]
    energies = tf.concat([m00 * n00, m0l * n00 + m00 * n0l], 3)
    rates = tf.concat(
        [mk0 * n00 + m00 * nk0, mkl * n00 + mk0 * n0l + m0l * nk0 + m00 * nkl], 3
    )
    return tf.concat([energies, rates], 1)


def _products(values):
    """(n_atoms, 1 + q, n_atoms, 1 + q) scalar products of (n_atoms, 1 + q, n)."""
    _, n_rows, width = values.shape
    flat = tf.reshape(values, [-1, width])
    products = tf.matmul(flat, flat, transpose_b=True)
    n_atoms = size_of(values)
    return tf.reshape(products, [n_atoms, n_rows, n_atoms, n_rows])


def summed_over_atoms(products, owners, n_structures):
    """(n_structures (1 + q),) squared: sums over the atoms of each structure.

    Args:
        products: (n_atoms, 1 + q, n_atoms, 1 + q).
        owners: (n_atoms,) structure of each atom; n_structures for none.
        n_structures: number of structures.
    """
    n_rows = products.shape[1]
    # As products of matrices: a sum over segments is slow under XLA.
    member = tf.one_hot(owners, n_structures, dtype=products.dtype, axis=0)
    n_atoms = size_of(products)
    half = tf.matmul(member, tf.reshape(products, [n_atoms, -1]))
    half = tf.reshape(half, [n_structures * n_rows, n_atoms, n_rows])
    if n_rows == 1:
        return tf.matmul(half[:, :, 0], member, transpose_b=True)
    whole = tf.einsum("rml,cm->rcl", half, member)
    return tf.reshape(whole, [n_structures * n_rows, n_structures * n_rows])
