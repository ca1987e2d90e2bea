"""Compiled networks of a few atoms of one element: energies and dE/dG.

y_0 = G, y_{l+1} = activation_l(y_l W_l + b_l), then the same backwards:
dE/dy_l = (dE/dy_{l+1} activation_l') W_l^T.
"""

import numpy as np

from annpot.compiled import compiled
from annpot.descriptors.symmetry_functions import exponentials

FAST = {"contract", "reassoc"}
LINEAR, GAUSSIAN, RBF, RELU, TANH = range(5)  # as networks.activations numbers them


@compiled(calls=("../descriptors",), fastmath=FAST, error_model="numpy")
def network_gradient(n_atoms, layers, weights, active, values, sums, slopes):
    """Energies without offset, and their gradients, of atoms of one element.

    Args:
        n_atoms: number of atoms.
        layers, weights: of NetworkArrays; the layers of this element.
        active: (n, 2) first and one past the last of runs of components; all others
            are 0 and their dE/dG is not asked for.
        values: flat working array; the descriptors (n_atoms, n_features) stand at
            its beginning, the outputs of each layer are put behind them.
        sums: flat working array of the same size, for x W + b.
        slopes: (2, n) working array, n being n_atoms times the widest layer.

    Returns:
        place of the energies (n_atoms,) in `values`, and which row of `slopes`
        begins with dE/dG (n_atoms, n_features).
    """
    n_layers = len(layers)
    while layers[n_layers - 1, 1] == 0:
        n_layers -= 1
    every = np.zeros((1, 2), np.int64)
    for k in range(n_layers):
        every[0, 1] = layers[k, 0]
        runs = active if k == 0 else every
        _layer_output(n_atoms, layers[k], weights, runs, values, sums)
    row = 0
    slopes[row, :n_atoms] = 1.0
    for k in range(n_layers - 1, -1, -1):
        every[0, 1] = layers[k, 0]
        runs = active if k == 0 else every
        by_y, by_x = slopes[row], slopes[1 - row]
        _layer_gradient(n_atoms, layers[k], weights, runs, values, sums, by_y, by_x)
        row = 1 - row
    last = layers[n_layers - 1]
    return n_atoms * (last[7] + last[0]), row


@compiled(inline="always")
def _ends(n_atoms, layer):
    """Places in the flat arrays: first of x, first of y, one past the last of y."""
    start = n_atoms * layer[7]
    middle = start + n_atoms * layer[0]
    return start, middle, middle + n_atoms * layer[1]


@compiled(calls=("../descriptors",), fastmath=FAST, error_model="numpy")
def _layer_output(n_atoms, layer, weights, runs, values, sums):
    """y = activation(x W + b), and z = x W + b into `sums`; z = x W for rbf."""
    n_in, n_out, activation = layer[0], layer[1], layer[2]
    start, middle, stop = _ends(n_atoms, layer)
    x = values[start:middle].reshape((n_atoms, n_in))
    y, z = values[middle:stop], sums[middle:stop]
    bias = weights[layer[5] : layer[5] + n_out]
    for i in range(n_atoms):
        for c in range(n_out):
            z[i * n_out + c] = 0.0 if activation == RBF else bias[c]
    if n_out == 1:
        _add_dots(x, weights[layer[3] : layer[3] + n_in], z)
    else:
        W = weights[layer[3] : layer[3] + n_in * n_out].reshape((n_in, n_out))
        for run in range(len(runs)):
            k, stop = runs[run]
            add_product(x, W, z.reshape((n_atoms, n_out)), k, stop, 0, n_out)
    n = len(z)
    if activation == LINEAR:
        for q in range(n):
            y[q] = z[q]
    elif activation == GAUSSIAN:
        for q in range(n):
            y[q] = -z[q] * z[q]
        exponentials(y, n)
    elif activation == RBF:
        squares = weights[layer[6] : layer[6] + n_out]
        for i in range(n_atoms):
            square = 0.0
            for k in range(n_in):
                square += x[i, k] * x[i, k]
            for c in range(n_out):
                q = i * n_out + c
                y[q] = -max(square + squares[c] - 2.0 * z[q], 0.0)
        exponentials(y, n)
    elif activation == RELU:
        for q in range(n):
            y[q] = max(z[q], 0.0)
    else:
        for q in range(n):
            y[q] = -2.0 * abs(z[q])
        exponentials(y, n)
        for q in range(n):
            size = (1.0 - y[q]) / (1.0 + y[q])
            y[q] = size if z[q] >= 0.0 else -size


@compiled(calls=("../descriptors",), fastmath=FAST, error_model="numpy")
def _layer_gradient(n_atoms, layer, weights, runs, values, sums, by_y, by_x):
    """dE/dx of a layer from dE/dy, which is overwritten."""
    n_in, n_out, activation = layer[0], layer[1], layer[2]
    start, middle, stop = _ends(n_atoms, layer)
    y, z = values[middle:stop], sums[middle:stop]
    n = len(z)
    if activation == GAUSSIAN:
        for q in range(n):
            by_y[q] *= -2.0 * z[q] * y[q]
    elif activation == RBF:
        for q in range(n):
            by_y[q] *= 2.0 * y[q]
    elif activation == RELU:
        for q in range(n):
            by_y[q] = by_y[q] if z[q] > 0.0 else 0.0
    elif activation == TANH:
        for q in range(n):
            by_y[q] *= 1.0 - y[q] * y[q]
    by_x[: n_atoms * n_in] = 0.0
    if activation == RBF:
        for i in range(n_atoms):
            total = 0.0
            for c in range(n_out):
                total += by_y[i * n_out + c]
            for k in range(n_in):
                by_x[i * n_in + k] = -total * values[start + i * n_in + k]
    transposed = weights[layer[4] : layer[4] + n_in * n_out].reshape((n_out, n_in))
    of_sum = by_y[:n].reshape((n_atoms, n_out))
    out = by_x[: n_atoms * n_in].reshape((n_atoms, n_in))
    for run in range(len(runs)):
        k, stop = runs[run]
        add_product(of_sum, transposed, out, 0, n_out, k, stop)


@compiled(fastmath=FAST, error_model="numpy")
def _add_dots(x, kernel, y):
    """y += x kernel of a layer with one output."""
    for i in range(len(x)):
        total = 0.0
        for k in range(len(kernel)):
            total += x[i, k] * kernel[k]
        y[i] += total


@compiled(fastmath=FAST, error_model="numpy")
def add_product(x, kernel, y, k_start, k_stop, start, stop):
    """y += x kernel for inputs from k_start and outputs from start on.

    Four atoms and four inputs are taken at a time: an output is read and written once
    for 4 products, and a weight is read once for 4 atoms.
    """
    n_atoms, i, fours = len(x), 0, k_stop - (k_stop - k_start) % 4
    # Numba looks at each signed index whether it is negative.
    start, stop = np.uint64(start), np.uint64(stop)
    while i + 4 <= n_atoms:
        for k in range(k_start, fours, 4):
            a0, a1, a2, a3 = x[i, k], x[i, k + 1], x[i, k + 2], x[i, k + 3]
            b0, b1, b2, b3 = (
                x[i + 1, k],
                x[i + 1, k + 1],
                x[i + 1, k + 2],
                x[i + 1, k + 3],
            )
            c0, c1, c2, c3 = (
                x[i + 2, k],
                x[i + 2, k + 1],
                x[i + 2, k + 2],
                x[i + 2, k + 3],
            )
            d0, d1, d2, d3 = (
                x[i + 3, k],
                x[i + 3, k + 1],
                x[i + 3, k + 2],
                x[i + 3, k + 3],
            )
            for c in range(start, stop):
                w0, w1 = kernel[k, c], kernel[k + 1, c]
                w2, w3 = kernel[k + 2, c], kernel[k + 3, c]
                y[i, c] += a0 * w0 + a1 * w1 + a2 * w2 + a3 * w3
                y[i + 1, c] += b0 * w0 + b1 * w1 + b2 * w2 + b3 * w3
                y[i + 2, c] += c0 * w0 + c1 * w1 + c2 * w2 + c3 * w3
                y[i + 3, c] += d0 * w0 + d1 * w1 + d2 * w2 + d3 * w3
        for k in range(fours, k_stop):
            a0, b0, c0, d0 = x[i, k], x[i + 1, k], x[i + 2, k], x[i + 3, k]
            for c in range(start, stop):
                y[i, c] += a0 * kernel[k, c]
                y[i + 1, c] += b0 * kernel[k, c]
                y[i + 2, c] += c0 * kernel[k, c]
                y[i + 3, c] += d0 * kernel[k, c]
        i += 4
    while i < n_atoms:
        for k in range(k_start, fours, 4):
            a0, a1, a2, a3 = x[i, k], x[i, k + 1], x[i, k + 2], x[i, k + 3]
            for c in range(start, stop):
                y[i, c] += (
                    a0 * kernel[k, c]
                    + a1 * kernel[k + 1, c]
                    + a2 * kernel[k + 2, c]
                    + a3 * kernel[k + 3, c]
                )
        for k in range(fours, k_stop):
            for c in range(start, stop):
                y[i, c] += x[i, k] * kernel[k, c]
        i += 1
