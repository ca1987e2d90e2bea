"""The Gauss-Newton method with explicit derivatives of the residuals, in NumPy."""

from dataclasses import replace

import numpy as np

from annpot.networks.architecture import LayerWeights
from reference import numpy_force_loss
from reference.numpy_training import atom_energy_and_gradient


class NumpyGaussNewton:
    """v and the step of all weights as one vector.

    Args:
        scales: (n_weights,) D; 0 where a weight is frozen.
        damping, momentum: lambda, mu.
    """

    def __init__(self, scales, damping, momentum):
        self.scales, self.damping, self.momentum = scales, damping, momentum
        self.v = np.zeros(len(scales))

    def step(self, jacobian, residuals, rate):
        """Change of the weights."""
        rows = np.abs(jacobian).max(axis=1) > 0
        j, r = jacobian[rows], residuals[rows]
        k = j @ np.diag(self.scales) @ j.T
        added = self.damping * np.trace(k) / len(k) * np.eye(len(k))
        alpha = np.linalg.inv(k + added) @ (r - self.momentum * (j @ self.v))
        self.v = self.momentum * self.v + self.scales * (j.T @ alpha)
        return -rate * self.v


def flat(weights, elements):
    """(n,) of {element: [(kernel, bias), ...]}."""
    arrays = [a for e in elements for pair in weights[e] for a in pair]
    return np.concatenate([np.ravel(a) for a in arrays])


def unflat(vector, weights, elements):
    """{element: [(kernel, bias), ...]} in the shapes of `weights`."""
    found, first = {}, 0
    for element in elements:
        found[element] = []
        for pair in weights[element]:
            parts = []
            for array in pair:
                part = vector[first : first + array.size]
                parts.append(part.reshape(array.shape))
                first += array.size
            found[element].append(tuple(parts))
    return found


def step_scales(weights, elements, bias_scale, frozen=()):
    """D of all weights; `frozen`: numbers of the layers that are not trained."""
    ones = {
        e: [
            tuple(
                np.full(array.shape, 0.0 if layer in frozen else scale)
                for array, scale in zip(pair, (1.0, bias_scale), strict=True)
            )
            for layer, pair in enumerate(weights[e])
        ]
        for e in elements
    }
    return flat(ones, elements)


def energy_row(record, layers, activations, offsets, elements):
    """(network minus reference, its derivatives by all weights) of a record.

    Args:
        record: DescriptorRecord.
        layers: {element: [(kernel, bias), ...]}.
        activations: {element: [number of each layer]}.
        offsets: eV of each element.
        elements: in the order of the species.
    """
    sums = {e: [[0.0 * k, 0.0 * b] for k, b in layers[e]] for e in elements}
    error = -record.energy
    for s, x in zip(record.species, record.g, strict=True):
        element = elements[s]
        energy, parts = atom_energy_and_gradient(
            x, layers[element], activations[element]
        )
        error += energy + offsets[s]
        for total, part in zip(sums[element], parts, strict=True):
            for kind in (0, 1):
                total[kind] = total[kind] + part[kind]
    return error, flat(sums, elements)


def by_structure(directions, owners, structures, elements):
    """For each structure (q, n_atoms, 3) of the directions of the places of a batch.

    Args:
        directions: (n_places, q, 3).
        owners: for each element the structure of each place.
        structures: Structures in the order of the batch.
        elements: in the order of the places.
    """
    found = [np.zeros((directions.shape[1], s.n_atoms, 3)) for s in structures]
    first = 0
    for element, owned in zip(elements, owners, strict=True):
        for number, structure in enumerate(structures):
            atoms = np.flatnonzero(np.array(structure.symbols) == element)
            places = first + np.flatnonzero(owned == number)
            found[number][:, atoms] = directions[places].transpose(1, 0, 2)
        first += len(owned)
    return found


def force_residuals(potential, weights, structures, directions, cost):
    """Residuals of losses quad of energies and quad_percomp of forces, both means.

    Args:
        potential: StructurePotential.
        weights: {element: [(kernel, bias), ...]}.
        structures: Structures.
        directions: of `by_structure`, orthonormal as far as there are coordinates.
        cost: of the forces.
    """
    layers = {e: tuple(LayerWeights(*p) for p in w) for e, w in weights.items()}
    predictions = numpy_force_loss.predictions(
        replace(potential, weights=layers), structures
    )
    n_energies = sum(s.energy is not None for s in structures)
    n_forces = sum(s.forces is not None for s in structures)
    found = []
    for s, one, along in zip(structures, predictions, directions, strict=True):
        error = 0.0 if s.energy is None else one.energies[0] - s.energy
        found.append(error / np.sqrt(n_energies))
        n, q = 3 * s.n_atoms, len(along)
        if s.forces is None:
            found += [0.0] * q
            continue
        # sum_k (u_k . d)^2 estimates |d|^2 q / n: the loss has |d|^2 / n.
        weight = np.sqrt(cost / n_forces / n * n / min(n, q))
        d = one.forces - s.forces
        found += [weight * (u * d).sum() for u in along]
    return np.array(found)
