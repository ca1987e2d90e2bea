"""`model.json`: a model described for programs that know nothing of its training."""

import json

import numpy as np

from annpot import __version__
from annpot.descriptors.definition import KINDS, DescriptorSettings
from annpot.descriptors.settings import GENERATIONS
from annpot.elements import is_element
from annpot.errors import InputError
from annpot.models.model import DescriptorRange
from annpot.models.names import GOLDEN
from annpot.networks.activations import ACTIVATIONS
from annpot.networks.architecture import LayerSpec, NetworkSpec

FORMAT, FORMAT_VERSION = "annpot model", 1
UNITS = {
    "length": "angstrom",
    "energy": "eV",
    "forces": "eV/angstrom",
    "virial": "eV",
}
KEYS = (
    "format", "format_version", "program", "species", "units", "descriptor",
    "mbp_generation", "precision", "networks", "files", "golden", "training",
)  # fmt: skip


def model_text(model, files):
    """Text of model.json; numbers have all digits of a float64.

    Args:
        model: Model.
        files: {name: {"n_bytes", "sha256"}} of all files that belong to it.
    """
    kernels = (model.weights[s.element][0].kernel for s in model.specs)
    content = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "program": f"annpot {__version__}",
        "species": list(model.settings.species),
        "units": UNITS,
        "descriptor": model.settings.to_dict(),
        "mbp_generation": model.mbp_generation,
        "precision": max(kernel.dtype for kernel in kernels).name,
        "networks": [_network(spec, model) for spec in model.specs],
        "files": files,
        "golden": GOLDEN,
        "training": model.training,
    }
    lines = [f" {json.dumps(k)}: {_value(v)}" for k, v in content.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _value(value):
    """JSON of a value; a list or an object of objects with a line for each."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n  " + ",\n  ".join(map(_json, value)) + "]"
    return _json(value)


def _json(value):
    return json.dumps(value, allow_nan=False)


def _network(spec, model):
    seen = model.ranges.get(spec.element)
    return {
        "element": spec.element,
        "n_features": spec.n_features,
        "offset": float(spec.offset),
        "layers": [
            {
                "size": layer.size,
                "activation": layer.activation,
                "weights": f"{spec.element}_l{i}_w.npy",
                "biases": f"{spec.element}_l{i}_b.npy",
            }
            for i, layer in enumerate(spec.layers)
        ],
        "n_training_atoms": seen and int(seen.n_atoms),
        "descriptor_minimum": seen and seen.minimum.tolist(),
        "descriptor_maximum": seen and seen.maximum.tolist(),
    }


def parse_model(content, path):
    """What the bytes of model.json say.

    Returns:
        settings, specs, ranges, mbp_generation, files and training, as `Model` and
        `model_text` have them, in a dict.

    Raises:
        InputError: a key is unknown or missing, or a value cannot be.
    """
    try:
        document = json.loads(content)
        _check_keys(document, path)
        settings = DescriptorSettings.from_dict(document["descriptor"])
        specs = tuple(_spec(network) for network in document["networks"])
        _check(document, settings, specs)
        return {
            "settings": settings,
            "specs": specs,
            "ranges": {
                network["element"]: _range(network)
                for network in document["networks"]
                if network["descriptor_minimum"] is not None
            },
            "mbp_generation": document["mbp_generation"],
            "files": {str(n): dict(f) for n, f in document["files"].items()},
            "training": dict(document["training"]),
        }
    except (
        ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError
    ) as error:  # fmt: skip
        raise InputError(
            f"{path}: not what app_extract_weights writes ({error!r}). Extract the "
            "model again."
        ) from None


def _check_keys(document, path):
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise InputError(
            f"{path}: not the description of a model: expected a JSON object with "
            f'"format": "{FORMAT}". Extract with output_type = ASE or LAMMPS.'
        )
    if document.get("format_version") != FORMAT_VERSION:
        raise InputError(
            f"{path}: format_version {document.get('format_version')}: this annpot "
            f"reads {FORMAT_VERSION}. Use the version that wrote it "
            f"({document.get('program', 'unknown')}), or extract again."
        )
    unknown, missing = sorted({*document} - {*KEYS}), sorted({*KEYS} - {*document})
    if unknown or missing:
        raise InputError(
            f"{path}: unknown key {', '.join(unknown) or 'none'}, missing key "
            f"{', '.join(missing) or 'none'}: expected exactly {', '.join(KEYS)}. "
            "Extract the model again."
        )


def _check(document, settings, specs):
    elements = tuple(spec.element for spec in specs)
    if not elements == settings.species == tuple(document["species"]):
        raise ValueError(f"species {settings.species}, networks of {elements}")
    if document["units"] != UNITS:
        raise ValueError(f"units {document['units']}, expected {UNITS}")
    if settings.kind not in KINDS:
        raise ValueError(f"descriptor kind {settings.kind}, expected one of {KINDS}")
    known = {None} if settings.kind == "BP" else set(GENERATIONS)
    if document["mbp_generation"] not in known:
        raise ValueError(f"mbp_generation {document['mbp_generation']}: {known} known")
    for spec in specs:
        if spec.n_features != settings.n_features or spec.layers[-1].size != 1:
            raise ValueError(f"sizes of the network of {spec.element}")


def _spec(network):
    layers = tuple(
        LayerSpec(_integer(layer["size"]), _integer(layer["activation"]))
        for layer in network["layers"]
    )
    known = {activation.number for activation in ACTIVATIONS}
    if not is_element(network["element"]) or not layers:
        raise ValueError(f"network of {network['element']!r} with {len(layers)} layers")
    if unknown := {layer.activation for layer in layers} - known:
        raise ValueError(f"activation {unknown}: expected one of {known}")
    offset = _finite([network["offset"]])[0]
    return NetworkSpec(
        network["element"], _integer(network["n_features"]), layers, float(offset)
    )


def _range(network):
    low = _finite(network["descriptor_minimum"])
    high = _finite(network["descriptor_maximum"])
    if not low.shape == high.shape == (network["n_features"],) or (low > high).any():
        raise ValueError(f"descriptor range of {network['element']}")
    return DescriptorRange(low, high, _integer(network["n_training_atoms"]))


def _integer(value):
    if type(value) is not int:
        raise ValueError(f"{value!r} is no integer")
    return value


def _finite(values):
    values = np.array(values, float)
    if not np.isfinite(values).all():
        raise ValueError("numbers that are not finite")
    return values
