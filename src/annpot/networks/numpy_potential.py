"""Energies of structures from their descriptors, in plain NumPy."""

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
    y = np.asarray(g, dtype)
    for layer, weights in zip(spec.layers, layers, strict=True):
        kernel = np.asarray(weights.kernel, dtype)
        bias = np.asarray(weights.bias, dtype)
        y = ACTIVATIONS[layer.activation].layer_output(y, kernel, bias)
    return y[:, 0]


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
