"""A deployed model on disk: `model.json`, the arrays of its networks, `golden.json`."""

import hashlib
from pathlib import Path

from annpot import files
from annpot.errors import InputError
from annpot.models import document, golden
from annpot.models.model import Model
from annpot.models.names import FILE_NAMES, GOLDEN, MODEL, TRAINING_INI
from annpot.networks.architecture import LayerWeights
from annpot.networks.array_file import read_array
from annpot.networks.metadata import array_files, write_metadata


def write_model(
    folder, model, training_ini=None, about=None, provenance=None, others=None
):
    """Write a model; the networks are those of `write_metadata`, one set for both.

    What the folder held of an earlier model is replaced, all or nothing.

    Args:
        folder: created if absent.
        model: Model; its golden structures were computed.
        training_ini: text of the INI file of the training, None where unknown.
        about, provenance, others: see `write_metadata`.

    Returns:
        names of the files written.

    Raises:
        InputError: the disk is full or the folder cannot be written.
    """
    ini = None if training_ini is None else training_ini.encode()
    own = {GOLDEN: golden.golden_text(model.golden).encode()}
    if ini is not None:
        own[TRAINING_INI] = ini
    listed = array_files(model.specs, model.weights) | own
    text = document.model_text(model, {n: _entry(c) for n, c in listed.items()})
    own |= {MODEL: text.encode()}
    cleared = dict.fromkeys(FILE_NAMES) | own
    return write_metadata(
        folder, model.specs, model.weights, about, provenance, cleared | (others or {})
    )


def read_model(folder):
    """Model of a folder; each file is compared with what model.json says of it.

    Raises:
        InputError: a file is missing, changed, truncated or malformed.
    """
    folder = Path(folder)
    path = folder / MODEL
    if not path.is_file():
        raise InputError(
            f"{path}: no such file: expected the folder of a model. Give the one that "
            "app_extract_weights wrote with output_type = ASE or LAMMPS."
        )
    found = document.parse_model(files.content_of(path), path)
    listed = found.pop("files")
    contents = {name: _content(folder / name, entry) for name, entry in listed.items()}
    weights = {
        spec.element: tuple(
            LayerWeights(
                _array(folder, contents, f"{spec.element}_l{i}_w.npy", shape),
                _array(folder, contents, f"{spec.element}_l{i}_b.npy", shape[1:]),
            )
            for i, shape in enumerate(spec.shapes)
        )
        for spec in found["specs"]
    }
    stored = contents.get(GOLDEN)
    structures = () if stored is None else golden.parse_golden(stored, folder / GOLDEN)
    return Model(weights=weights, golden=structures, folder=folder, **found)


def _entry(content):
    return {"n_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _content(path, entry):
    """Bytes of a listed file."""
    if not path.exists():
        raise InputError(
            f"{path}: there is no such file, but model.json beside it lists it. The "
            "folder was copied in part; extract or copy the model again."
        )
    content = files.content_of(path)
    found = _entry(content)
    if found != entry:
        what = (
            f"{found['n_bytes']} bytes, expected {entry.get('n_bytes')}"
            if found["n_bytes"] != entry.get("n_bytes")
            else "its sha256 is not the recorded one"
        )
        raise InputError(
            f"{path}: {what}, as model.json beside it says. The file was changed or "
            "copied in part; extract or copy the model again."
        )
    return content


def _array(folder, contents, name, shape):
    if name not in contents:
        raise InputError(
            f"{folder / MODEL}: {name} is not in its list of files. "
            "Extract the model again."
        )
    return read_array(folder / name, shape)
