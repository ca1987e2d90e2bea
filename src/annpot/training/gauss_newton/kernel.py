"""The tangent kernel of a batch: products of the derivatives of its residuals.

K = J D J^T, of energies E_i = sum of E_p over the atoms p of structure i and of their
rates of change along q directions. J is not formed: with M = a_p . a_q and N = delta_p
. delta_q of a layer (k, l count directions, 0 for none, D is 1 for weights and d for
biases)

    dE_p . dE_q           = (M00 + d) N00
    d(dot E_pk) . dE_q    = Mk0 N00 + (M00 + d) Nk0
    d(dot E_pk) . d(dot E_ql) = Mkl N00 + Mk0 N0l + M0l Nk0 + (M00 + d) Nkl

summed over layers and over the atoms of the structures. The number of operations goes
with the square of the atoms of an element in a batch.
"""

from annpot.networks.element_network import tf


def atom_kernel(layers, bias_scale):
    """(n_atoms, 1 + q, n_atoms, 1 + q) products for one element, summed over layers.

    Args:
        layers: LayerSlopes of the layers that are trained.
        bias_scale: d.
    """
    total = None
    for layer in layers:
        found = _layer_kernel(layer, bias_scale)
        total = found if total is None else total + found
    return total


def _layer_kernel(layer, bias_scale):
    m, n = _products(layer.inputs), _products(layer.slopes)
    n_rows = layer.inputs.shape[1]
    if n_rows == 1:
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
    n_atoms = tf.shape(values)[0]
    return tf.reshape(products, [n_atoms, n_rows, n_atoms, n_rows])


def structure_kernel(products, owners, n_structures):
    """(n_structures (1 + q),) squared: sums over the atoms of each structure.

    Args:
        products: (n_atoms, 1 + q, n_atoms, 1 + q).
        owners: (n_atoms,) structure of each atom; n_structures for none.
        n_structures: number of structures.
    """
    n_rows = products.shape[1]
    # As products of matrices: a sum over segments is slow under XLA.
    member = tf.one_hot(owners, n_structures, dtype=products.dtype, axis=0)
    n_atoms = tf.shape(products)[0]
    half = tf.matmul(member, tf.reshape(products, [n_atoms, -1]))
    half = tf.reshape(half, [n_structures * n_rows, n_atoms, n_rows])
    if n_rows == 1:
        return tf.matmul(half[:, :, 0], member, transpose_b=True)
    whole = tf.einsum("rml,cm->rcl", half, member)
    return tf.reshape(whole, [n_structures * n_rows, n_structures * n_rows])
