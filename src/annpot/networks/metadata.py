"""Networks in a folder: `networks_metadata.json` and one .npy file per array.

Two layouts are read. "v1" (also written) holds a list `networks`; "v0" holds one
list per property, and its arrays stand in the files that `networks_files` names.
"""

import json
import os
import shutil
from pathlib import Path

import numpy as np

from annpot.errors import InputError
from annpot.files import explained_write_errors, make_folder, sync
from annpot.networks.architecture import LayerWeights
from annpot.networks.array_file import read_array
from annpot.networks.metadata_layouts import FILE_NAME, parse_v0, parse_v1, v1_document


def read_metadata(folder):
    """Networks stored in a folder; arrays keep the precision of their files.

    Args:
        folder: holds networks_metadata.json and the .npy files it names.

    Returns:
        (specs, weights): NetworkSpec of each element, in the order of the file, and
        {element: (LayerWeights, ...)}, with None for an element whose structure is
        described without weights.

    Raises:
        InputError: a file is missing, truncated or malformed, a shape does not
            agree with the layer sizes, a value is not finite, or the folder was
            being written meanwhile.
    """
    path = Path(folder) / FILE_NAME
    before = _identity(path)
    document = _read_document(path)
    parse = parse_v1 if "networks" in document else parse_v0
    specs, files = parse(document, path)
    weights = {
        spec.element: files[spec.element] and _read_weights(path.parent, spec, files)
        for spec in specs
    }
    if _identity(path) != before:
        raise InputError(f"{path}: changed while it was read. Run the command again.")
    return specs, weights


def write_metadata(folder, specs, weights):
    """Write networks in layout v1; what the folder held before is replaced.

    All files are first written and synced under other names, then the old
    metadata is removed, the arrays are renamed and the new metadata comes last:
    a full disk changes nothing, and no reader takes old and new files for one set.

    Args:
        folder: created if absent; other files in it stay.
        specs: NetworkSpec of each element.
        weights: {element: (LayerWeights, ...)}, written in their own precision.

    Returns:
        names of the files written, arrays first.

    Raises:
        InputError: the disk is full or the folder cannot be written.
    """
    folder = Path(folder)
    make_folder(folder)
    staging = folder / f".networks.{os.getpid()}.tmp"
    try:
        with explained_write_errors(folder):
            staging.mkdir(exist_ok=True)
            names = _write_staged(staging, specs, weights)
            (folder / FILE_NAME).unlink(missing_ok=True)
            for name in names:
                os.replace(staging / name, folder / name)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return names


def _write_staged(staging, specs, weights):
    """Write and sync all files in the order they are to be renamed."""
    names = []
    for spec in specs:
        for index, layer in enumerate(weights[spec.element]):
            for ending, array in (("w", layer.kernel), ("b", layer.bias)):
                name = f"{spec.element}_l{index}_{ending}.npy"
                np.save(staging / name, array, allow_pickle=False)
                names.append(name)
    text = json.dumps(v1_document(specs), indent=2) + "\n"
    (staging / FILE_NAME).write_text(text, encoding="utf-8")
    names.append(FILE_NAME)
    for name in names:
        sync(staging / name)
    return names


def _identity(path):
    """What changes when another file takes this path; None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _read_document(path):
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(
            f"{path}: no such file: expected the description of extracted networks. "
            "Give the folder that app_extract_weights wrote."
        ) from error
    except ValueError as error:
        raise InputError(f"{path}: not valid JSON ({error}). Extract it again.") from (
            error
        )
    if not isinstance(document, dict):
        raise InputError(f"{path}: expected a JSON object. Extract it again.")
    return document


def _read_weights(folder, spec, files):
    """LayerWeights of one element from the (kernel, bias) files of its layers."""
    return tuple(
        LayerWeights(
            read_array(folder / kernel_file, shape),
            read_array(folder / bias_file, shape[1:]),
        )
        for shape, (kernel_file, bias_file) in zip(
            spec.shapes, files[spec.element], strict=True
        )
    )
