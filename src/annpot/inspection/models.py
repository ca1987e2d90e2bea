"""Sheets of model folders, and what a model knows of the data it was trained on."""

from pathlib import Path

from annpot.inspection.descriptors import descriptor_facts
from annpot.inspection.extracted import extracted_sheet, networks_listing
from annpot.inspection.sheet import Listing, Sheet
from annpot.models.names import TRAINING_INI
from annpot.networks.metadata_layouts import FILE_NAME as METADATA


def model_sheet(folder):
    """Sheet of a folder with model.json; all files are compared with what it says.

    Raises:
        InputError: a file is missing, changed or malformed.
    """
    # Compiled kernels come with it, which other sheets do not need.
    from annpot.models.folder import read_model

    folder = Path(folder)
    model = read_model(folder)
    # networks_metadata.json beside it tells more of the origin.
    known = extracted_sheet(folder) if (folder / METADATA).exists() else None
    facts = {} if known is None else dict(known.facts)
    facts.pop("layout", None)
    described = {
        "species": model.settings.species,
        "g_size": model.settings.n_features,
        "descriptor": model.settings.to_dict(),
        "mbp_generation": model.mbp_generation,
        "mbp_generation_source": "stated",
    }
    facts |= {
        "species": list(model.settings.species),
        **{k: v for k, v in descriptor_facts(described).items() if v is not None},
        "precision": max(m[0].kernel.dtype for m in model.weights.values()).name,
        "checkpoint": model.training.get("checkpoint"),
        "data_fingerprint": model.training.get("data_fingerprint"),
        "training_atoms": training_atoms(model.ranges),
        "files": "verified",
    }
    notes = [] if model.ranges else ["It does not know the range of its training data."]
    tables = [networks_listing(model.specs), *_golden(model.golden)]
    tables += _metrics(model.training.get("metrics") or {})
    if known is not None:
        tables += [table for table in known.tables if table.title == "changes"]
    ini = folder / TRAINING_INI
    text = ini.read_text(encoding="utf-8", errors="replace") if ini.is_file() else None
    return Sheet(str(folder), "model", facts, tuple(tables), tuple(notes), text)


def training_atoms(ranges):
    """{element: number of atoms trained on}; None where nothing is known.

    Args:
        ranges: {element: object with `n_atoms`}.
    """
    return {element: one.n_atoms for element, one in ranges.items()} or None


def _golden(structures):
    columns = ("name", "role", "atoms", "energy_eV", "reference_eV")
    rows = tuple(
        (s.name, s.role, len(s.symbols), s.energy, s.reference.get("energy"))
        for s in structures
    )
    return [Listing("golden structures", columns, rows)] if rows else []


def _metrics(metrics):
    rows = tuple(metrics.items())
    return [Listing("metrics", ("metric", "value"), rows)] if rows else []
