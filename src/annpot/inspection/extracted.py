"""Sheets of folders of extracted networks, ours and PANNA's."""

import json
from pathlib import Path

from annpot.inspection.descriptors import descriptor_facts
from annpot.inspection.sheet import Listing, Sheet, changes_listing
from annpot.networks.activations import ACTIVATIONS
from annpot.networks.metadata import read_metadata
from annpot.networks.metadata_layouts import FILE_NAME
from annpot.networks.provenance import read_provenance


def extracted_sheet(folder):
    """Sheet of a folder with networks_metadata.json; all arrays are checked.

    Raises:
        InputError: a file is missing or malformed.
    """
    folder = Path(folder)
    stored = read_metadata(folder)
    about, origin = stored.about, read_provenance(folder)
    data = about.get("data") or {}
    facts = {
        "layout": _layout(folder),
        "program": origin.get("program") or about.get("version"),
        "versions": origin.get("versions"),
        "checkpoint": about.get("checkpoint"),
        "checkpoint_checksum": about.get("checkpoint_checksum"),
        "seed": origin.get("seed"),
        "device": origin.get("device"),
        "started_from": origin.get("started_from"),
        "stage": (origin.get("stage") or {}).get("name"),
        "parent": (origin.get("stage") or {}).get("parent"),
        "step": (origin.get("progress") or {}).get("step"),
        "epochs_done": (origin.get("progress") or {}).get("epoch"),
        "species": [spec.element for spec in stored.specs],
        "energy_rescale": about.get("energy_rescale"),
        "data_fingerprint": data.get("fingerprint"),
        **descriptor_facts(data),
        "weights_sha256": about.get("weights_sha256"),
        "epochs_of_history": len((origin.get("history") or {}).get("rows", ())) or None,
        "comment": about.get("comment"),
    }
    notes = []
    if not about:
        notes.append("It does not tell where the networks come from.")
    if any(stored.weights[spec.element] is None for spec in stored.specs):
        notes.append("It describes networks without weights.")
    kind = "extracted networks"
    text = origin.get("ini")
    tables = networks_listing(stored.specs), *changes_listing(about.get("changes"))
    return Sheet(str(folder), kind, facts, tables, tuple(notes), text)


def _layout(folder):
    """The layout that the file states (PANNA 1 misspells the key), or that it has."""
    try:
        document = json.loads((folder / FILE_NAME).read_bytes())
    except (OSError, ValueError):
        return None
    stated = document.get("version") or document.get("verison")
    return stated or ("v1" if "networks" in document else "v0")


def networks_listing(specs):
    """Listing of layers, activations and offset of each NetworkSpec."""
    columns = ("element", "layers", "activations", "offset_eV")
    rows = []
    for spec in specs:
        sizes = spec.n_features, *(layer.size for layer in spec.layers)
        names = (ACTIVATIONS[layer.activation].name for layer in spec.layers)
        row = spec.element, ":".join(map(str, sizes)), ":".join(names), spec.offset
        rows.append(row)
    return Listing("networks", columns, tuple(rows))
