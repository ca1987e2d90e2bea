"""Training written out by hand in NumPy: the oracle of the compiled step.

Structures are treated one by one, gradients are propagated with loops over layers, and
all arithmetic is float64. Only energies, no padding, no dropped columns.
"""

import numpy as np


def layer_forward(x, kernel, bias, activation):
    """y (n_out,) of one layer for one atom x (n_in,)."""
    if activation == 2:
        return np.exp(-((x[:, None] - kernel) ** 2).sum(axis=0))
    z = x @ kernel + bias
    return {0: z, 1: np.exp(-(z**2)), 3: np.maximum(z, 0), 4: np.tanh(z)}[activation]


def layer_backward(x, y, kernel, bias, activation, dy):
    """(dL/dx, dL/dW, dL/db) of one layer for one atom, from dL/dy."""
    if activation == 2:
        difference = x[:, None] - kernel  # (n_in, n_out)
        scaled = 2.0 * difference * (dy * y)
        return -scaled.sum(axis=1), scaled, np.zeros_like(bias)
    z = x @ kernel + bias
    slope = {
        0: np.ones_like(z),
        1: -2.0 * z * y,
        3: (z > 0).astype(float),
        4: 1.0 - y**2,
    }[activation]
    dz = dy * slope
    return kernel @ dz, np.outer(x, dz), dz


def atom_energy_and_gradient(x, layers, activations):
    """(energy of one atom without offset, [(dE/dW, dE/db) of each layer])."""
    values = [np.asarray(x, float)]
    for (kernel, bias), activation in zip(layers, activations, strict=True):
        values.append(layer_forward(values[-1], kernel, bias, activation))
    dy, gradients = np.ones(1), []
    for index in reversed(range(len(layers))):
        kernel, bias = layers[index]
        dy, dkernel, dbias = layer_backward(
            values[index], values[index + 1], kernel, bias, activations[index], dy
        )
        gradients.append((dkernel, dbias))
    return values[-1][0], gradients[::-1]


# d = E_network - E_reference, n atoms, p prefactor: (loss, dloss/dd) of a structure.
LOSSES = {
    "quad": lambda d, n, p: (d**2, 2 * d),
    "exp_quad": lambda d, n, p: (np.exp(p * d**2), 2 * p * d * np.exp(p * d**2)),
    "quad_atom": lambda d, n, p: (d**2 / n**2, 2 * d / n**2),
    "quad_std_atom": lambda d, n, p: (d**2 / n, 2 * d / n),
    "exp_quad_atom": lambda d, n, p: (
        np.exp(p * d**2 / n**2),
        2 * p * d / n**2 * np.exp(p * d**2 / n**2),
    ),
}


class NumpyTraining:
    """Networks of all elements and their Adam state.

    Args:
        layers: {species index: [(kernel, bias), ...]}.
        activations: {species index: [number of each layer]}.
        offsets: (n_species,) eV.
        loss: name in LOSSES; prefactor: its p; weight: power of 1/n; reduction.
        penalties: (kernel l1, kernel l2, bias l1, bias l2).
        frozen: set of (species index, layer) that are not trained.
    """

    def __init__(
        self,
        layers,
        activations,
        offsets,
        loss="quad",
        prefactor=1.0,
        weight=0,
        reduction="mean",
        penalties=(0.0, 0.0, 0.0, 0.0),
        frozen=(),
    ):
        self.layers = {
            s: [tuple(np.array(a, float) for a in pair) for pair in pairs]
            for s, pairs in layers.items()
        }
        self.activations, self.offsets = activations, offsets
        self.loss, self.prefactor = LOSSES[loss], prefactor
        self.weight, self.reduction = weight, reduction
        self.penalties, self.frozen = penalties, set(frozen)
        self.moments = {s: _zeros(p) for s, p in self.layers.items()}
        self.squares = {s: _zeros(p) for s, p in self.layers.items()}
        self.step = 0

    def energy(self, record):
        """Total energy of a DescriptorRecord, eV."""
        return sum(
            atom_energy_and_gradient(x, self.layers[s], self.activations[s])[0]
            + self.offsets[s]
            for s, x in zip(record.species, record.g, strict=True)
        )

    def loss_and_gradient(self, batch):
        """(loss, {species: [[dW, db], ...]}) of a list of records.

        Without records: the penalties alone.
        """
        gradient = {s: _zeros(pairs) for s, pairs in self.layers.items()}
        total = 0.0
        share = 1.0 / max(len(batch), 1) if self.reduction == "mean" else 1.0
        for record in batch:
            n = record.n_atoms
            weight = share / n**self.weight
            error = self.energy(record) - record.energy
            value, slope = self.loss(error, n, self.prefactor)
            total += weight * value
            for s, x in zip(record.species, record.g, strict=True):
                _, parts = atom_energy_and_gradient(
                    x, self.layers[s], self.activations[s]
                )
                for sums, part in zip(gradient[s], parts, strict=True):
                    for kind in (0, 1):
                        sums[kind] += weight * slope * part[kind]
        return total + self._penalty(gradient), gradient

    def _penalty(self, gradient):
        total = 0.0
        for s, pairs in self.layers.items():
            for pair, sums in zip(pairs, gradient[s], strict=True):
                for kind, values in enumerate(pair):
                    l1, l2 = self.penalties[2 * kind : 2 * kind + 2]
                    total += l1 * np.abs(values).sum() + l2 * (values**2).sum()
                    sums[kind] += l1 * np.sign(values) + 2 * l2 * values
        return total

    def train(self, batch, rate, beta1=0.9, beta2=0.999, epsilon=1e-7):
        """One Adam step on a batch; return the loss before it."""
        loss, gradient = self.loss_and_gradient(batch)
        self.step += 1
        scale = rate * np.sqrt(1 - beta2**self.step) / (1 - beta1**self.step)
        for s, pairs in self.layers.items():
            for layer in range(len(pairs)):
                if (s, layer) in self.frozen:
                    continue
                for kind in (0, 1):
                    g = gradient[s][layer][kind]
                    m, v = self.moments[s][layer], self.squares[s][layer]
                    m[kind] = beta1 * m[kind] + (1 - beta1) * g
                    v[kind] = beta2 * v[kind] + (1 - beta2) * g**2
                    pairs[layer][kind][...] -= (
                        scale * m[kind] / (np.sqrt(v[kind]) + epsilon)
                    )
        return loss


def _zeros(pairs):
    return [[np.zeros_like(kernel), np.zeros_like(bias)] for kernel, bias in pairs]
