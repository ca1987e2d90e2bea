"""Energies of structures and their gradients by descriptors, in plain NumPy."""

import numpy as np

from annpot.networks.activations import ACTIVATIONS


def network_output(g, spec, layers, dtype=np.float64):
    """Output of one element's network.

    y_0 = G, y_{l+1} = activation_l(y_l W_l + b_l)

    Args:
        g: (n_atoms, n_features) descriptors of atoms of this element.
        spec: NetworkSpec of the element.
        layers: LayerWeights of each layer.
        dtype: precision of all arithmetic.

    Returns:
        (n_atoms,) atomic energies without offset, eV, in `dtype`.
    """
    return _forward(g, spec, layers, dtype)[-1][:, 0]


def network_gradient(g, spec, layers, dtype=np.float64):
    """Output of one element's network and its gradient.

    Args:
        g, spec, layers, dtype: as in `network_output`.

    Returns:
        (n_atoms,) atomic energies without offset, eV, and (n_atoms, n_features)
        dN/dG, eV; both in `dtype`.
    """
    inputs = _forward(g, spec, layers, dtype)
    slope = np.ones_like(inputs[-1])
    steps = zip(spec.layers, layers, inputs[:-1], strict=True)
    for layer, weights, x in reversed(list(steps)):
        of_layer = _in_precision(weights, dtype)
        slope = ACTIVATIONS[layer.activation].layer_gradient(x, *of_layer, slope)
    return inputs[-1][:, 0], slope


def _forward(g, spec, layers, dtype):
    """What enters each layer, then what leaves the last one."""
    outputs = [np.asarray(g, dtype)]
    for layer, weights in zip(spec.layers, layers, strict=True):
        output = ACTIVATIONS[layer.activation].layer_output
        outputs.append(output(outputs[-1], *_in_precision(weights, dtype)))
    return outputs


def _in_precision(weights, dtype):
    return np.asarray(weights.kernel, dtype), np.asarray(weights.bias, dtype)


def atomic_energies(g, species, specs, weights, dtype=np.float64):
    """Energy of each atom.

    E_i = N_s(i)(G_i) + offset_s(i)

    Args:
        g: (n_atoms, n_features) descriptors.
        species: (n_atoms,) index into `specs`.
        specs: NetworkSpec of each element.
        weights: {element: LayerWeights of each layer}.
        dtype: precision of the networks.

    Returns:
        (n_atoms,) eV; the offset is added in float64 whatever `dtype` is.
    """
    energies = np.zeros(len(species), np.float64)
    for index, spec in enumerate(specs):
        chosen = np.flatnonzero(species == index)
        if len(chosen):
            output = network_output(g[chosen], spec, weights[spec.element], dtype)
            energies[chosen] = output.astype(np.float64) + spec.offset
    return energies


def atomic_energies_and_gradients(g, species, specs, weights, dtype=np.float64):
    """Energy of each atom and its gradient by the atom's own descriptor.

    Args:
        g, species, specs, weights, dtype: as in `atomic_energies`.

    Returns:
        (n_atoms,) E_i, eV, and (n_atoms, n_features) dE_i/dG_i, eV; both float64,
        the gradient computed in `dtype`.
    """
    energies = np.zeros(len(species), np.float64)
    gradients = np.zeros(np.shape(g), np.float64)
    for index, spec in enumerate(specs):
        chosen = np.flatnonzero(species == index)
        if len(chosen):
            layers = weights[spec.element]
            output, slopes = network_gradient(g[chosen], spec, layers, dtype)
            energies[chosen] = output.astype(np.float64) + spec.offset
            gradients[chosen] = slopes
    return energies, gradients


def energies(g, species, structure, n_structures, specs, weights, dtype=np.float64):
    """Total energy of each structure of a flat batch of atoms.

    E = sum_i E_i, see `atomic_energies`.

    Args:
        g: (n_atoms, n_features) descriptors.
        species: (n_atoms,) index into `specs`.
        structure: (n_atoms,) which structure each atom belongs to.
        n_structures: number of structures; one without atoms has energy 0.
        specs: NetworkSpec of each element.
        weights: {element: LayerWeights of each layer}.
        dtype: precision of the networks.

    Returns:
        (n_structures,) eV, summed in float64.
    """
    per_atom = atomic_energies(g, species, specs, weights, dtype)
    return np.bincount(structure, weights=per_atom, minlength=n_structures)
