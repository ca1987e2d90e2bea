"""How networks came to be: `provenance.json` beside extracted ones (doc/formats.md)."""

import hashlib
import json
import math
from pathlib import Path

from annpot import __version__
from annpot.errors import InputError
from annpot.networks.metadata import PREVIOUS, PROVENANCE
from annpot.networks.metadata_layouts import FILE_NAME
from annpot.networks.stored_run import read_stored_run

FORMAT_VERSION = 1
# Facts of a run that mean nothing outside of it, or that the metadata holds.
LEFT_OUT = ("format_version", "networks", "shapes", "columns", "slots_since")
LEFT_OUT_OF_PROGRESS = ("sums",)


def provenance_of(checkpoint):
    """What a CheckpointFile tells of its origin, an object for JSON.

    Returns:
        facts of the run, `checkpoint` and `checkpoint_checksum`, `history` with
        `columns` and `rows`, `extracted_by`; None of a checkpoint of another program.

    Raises:
        InputError: the checkpoint is damaged.
    """
    run = read_stored_run(checkpoint.prefix)
    if not run.facts:
        return None
    facts = {k: v for k, v in run.facts.items() if k not in LEFT_OUT}
    progress = facts.get("progress") or {}
    facts["progress"] = {
        k: v for k, v in progress.items() if k not in LEFT_OUT_OF_PROGRESS
    }
    rows = [list(map(_number, row)) for row in run.history.tolist()]
    return {
        "format_version": FORMAT_VERSION,
        "extracted_by": f"annpot {__version__}",
        "checkpoint": checkpoint.name,
        "checkpoint_checksum": run.checksum(),
        **facts,
        "history": {"columns": list(run.columns), "rows": rows},
    }


def read_provenance(folder):
    """What `provenance.json` of a folder says; {} where there is none.

    Raises:
        InputError: it is not an object of JSON.
    """
    folder = Path(folder)
    is_being_written = not (folder / FILE_NAME).exists()
    path = folder / (PREVIOUS if is_being_written else "") / PROVENANCE
    try:
        content = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: not valid JSON ({error}). Extract the networks again."
        ) from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected a JSON object. Extract the networks again.")
    return content


def weights_sha256(specs, weights):
    """sha256 of networks: elements, sizes, activations, offsets and all numbers.

    Args:
        specs: NetworkSpec of each element.
        weights: {element: (LayerWeights, ...)}.
    """
    digest = hashlib.sha256()
    for spec in specs:
        layers = [(layer.size, layer.activation) for layer in spec.layers]
        about = spec.element, spec.n_features, layers, float(spec.offset)
        digest.update(json.dumps(about).encode())
        for layer in weights[spec.element]:
            for array in (layer.kernel, layer.bias):
                digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def origin_of(folder, stored):
    """What a run that starts from extracted networks says of them.

    Args:
        folder: of the networks, as the INI file names it.
        stored: StoredNetworks found there.
    """
    about = stored.about
    return {
        "networks_metadata": str(folder),
        "weights_sha256": about.get("weights_sha256"),
        "checkpoint": about.get("checkpoint"),
        "checkpoint_checksum": about.get("checkpoint_checksum"),
        "data_fingerprint": (about.get("data") or {}).get("fingerprint"),
    }


def _number(value):
    """A number of a history; None where it is not finite, which JSON cannot say."""
    return value if math.isfinite(value) else None
