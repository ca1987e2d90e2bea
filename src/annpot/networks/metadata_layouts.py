"""The two layouts of `networks_metadata.json`, as Python objects."""

import sys

from annpot.elements import is_element
from annpot.errors import InputError
from annpot.networks.activations import activation_named
from annpot.networks.architecture import LayerSpec, NetworkSpec

FILE_NAME = "networks_metadata.json"
TYPE_SPELLINGS = ("a2aff", "a2ff", "a2a", "ff")  # all mean one network per element
_V0_LISTS = {
    "type": "networks_type",
    "name": "networks_species",
    "feature_size": "networks_feature_size",
    "layers": "networks_layers_size",
    "activations": "networks_layers_activation",
    "offset": "networks_offset",
}


def v1_document(specs):
    """Layout v1 of the networks; offsets are written so that they read back exactly.

    Args:
        specs: NetworkSpec of each element.

    Returns:
        dict that `json` can write.
    """
    return {
        "version": "v1",
        "scaffold_type": "PANNA",
        "networks_species": [spec.element for spec in specs],
        "networks": [
            {
                "type": "a2aff",
                "name": spec.element,
                "feature_size": spec.n_features,
                "layers": [layer.size for layer in spec.layers],
                "activations": [layer.activation for layer in spec.layers],
                "offset": float(spec.offset),
            }
            for spec in specs
        ],
    }


def parse_v1(document, path):
    """Specs and files of layout v1.

    Args:
        document: the JSON object.
        path: where it was read, for messages.

    Returns:
        (specs, files): NetworkSpec of each element, and for each element the
        names (kernel, bias) of each layer's files.

    Raises:
        InputError: a key is missing or a value is not what it should be.
    """
    entries = document["networks"]
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise InputError(f"{path}: networks: expected a list of JSON objects.")
    specs = tuple(_spec(entry, path) for entry in entries)
    files = {
        spec.element: tuple(
            (f"{spec.element}_l{i}_w.npy", f"{spec.element}_l{i}_b.npy")
            for i in range(len(spec.layers))
        )
        for spec in specs
    }
    return _in_listed_order(specs, document, path), files


def parse_v0(document, path):
    """Specs and files of layout v0; files are None where it names none.

    Arguments, result and errors are those of `parse_v1`.
    """
    missing = [
        key for key in _V0_LISTS.values() if key not in document and "type" not in key
    ]
    if missing:
        raise InputError(
            f"{path}: no key {', '.join(missing)}: expected the layout of "
            "app_extract_weights (a list `networks`) or the older one with one list "
            "per property. Extract the networks again."
        )
    columns = {key: _column(document, name, path) for key, name in _V0_LISTS.items()}
    n_networks = len(columns["name"])
    trainable = _optional_column(
        document, "networks_layers_trainable", n_networks, path
    )
    files = _optional_column(document, "networks_files", n_networks, path)
    specs, files_of = [], {}
    for i in range(n_networks):
        entry = {key: values[i] for key, values in columns.items()}
        entry["trainable"] = trainable[i] if trainable else None
        spec = _spec(entry, path)
        specs.append(spec)
        files_of[spec.element] = files and _file_pairs(files, i, spec, path)
    return tuple(specs), files_of


def _column(document, name, path):
    """One v0 list, checked to have one entry per network."""
    species = document["networks_species"]
    if not isinstance(species, list):
        raise InputError(
            f"{path}: networks_species = {species}: expected a list of chemical "
            "symbols."
        )
    values = document.get(name, ["a2aff"] * len(species))
    return _one_per_network(values, name, len(species), path)


def _optional_column(document, name, n_networks, path):
    """One v0 list that may be missing or null: then None."""
    values = document.get(name)
    return values and _one_per_network(values, name, n_networks, path)


def _one_per_network(values, name, n_networks, path):
    if not isinstance(values, list) or len(values) != n_networks:
        raise InputError(
            f"{path}: {name}: expected a list of {n_networks} entries, one per network."
        )
    return values


def _file_pairs(files, index, spec, path):
    """((kernel file, bias file), ...) of one v0 network."""
    try:
        pairs = tuple((str(kernel), str(bias)) for kernel, bias in files[index])
    except (IndexError, TypeError, ValueError):
        pairs = ()
    if len(pairs) != len(spec.layers):
        raise InputError(
            f"{path}: networks_files of {spec.element}: expected "
            f"{len(spec.layers)} pairs of file names, one pair per layer."
        )
    return pairs


def _spec(entry, path):
    """NetworkSpec of one entry with the keys of layout v1."""
    element = entry.get("name")
    if not isinstance(element, str) or not is_element(element):
        raise InputError(
            f"{path}: network name {element!r}: expected a chemical symbol."
        )
    where = f"{path}: network of {element}"
    if entry.get("type", "a2aff") not in TYPE_SPELLINGS:
        raise InputError(
            f"{where}: unknown type {entry['type']!r}: expected one of "
            f"{', '.join(TYPE_SPELLINGS)}."
        )
    sizes = _sizes(entry.get("layers"), f"{where}: layers")
    (n_features,) = _sizes([entry.get("feature_size")], f"{where}: feature_size")
    activations = _per_layer(entry.get("activations"), sizes, f"{where}: activations")
    trainable = entry.get("trainable") or [True] * len(sizes)
    trainable = _per_layer(trainable, sizes, f"{where}: trainable")
    layers = tuple(
        LayerSpec(size, activation_named(activation, where).number, bool(train))
        for size, activation, train in zip(sizes, activations, trainable, strict=True)
    )
    return NetworkSpec(element, n_features, layers, _offset(entry, where))


def _sizes(values, where):
    good = isinstance(values, list) and values
    if not good or not all(type(value) is int and value >= 1 for value in values):
        raise InputError(f"{where} = {values}: expected integers >= 1.")
    return values


def _per_layer(values, sizes, where):
    if not isinstance(values, list) or len(values) != len(sizes):
        raise InputError(f"{where} = {values}: expected {len(sizes)}, one per layer.")
    return values


def _offset(entry, where):
    offset = entry.get("offset", 0.0)
    largest = sys.float_info.max
    if type(offset) not in (int, float) or not abs(offset) <= largest:
        raise InputError(f"{where}: offset = {offset}: expected a finite number, eV.")
    return float(offset)


def _in_listed_order(specs, document, path):
    """Specs in the order of `networks_species`, which must name the same elements."""
    by_name = {spec.element: spec for spec in specs}
    listed = document.get("networks_species", list(by_name))
    if not isinstance(listed, list) or not all(isinstance(x, str) for x in listed):
        raise InputError(
            f"{path}: networks_species = {listed}: expected a list of chemical symbols."
        )
    if len(by_name) != len(specs) or sorted(listed) != sorted(by_name):
        raise InputError(
            f"{path}: networks_species {listed} but networks of {list(by_name)}: "
            "expected each element once in both."
        )
    return tuple(by_name[name] for name in listed)
