"""Networks in a folder: `networks_metadata.json` and one .npy file per array.

Two layouts are read. "v1" (also written) holds a list `networks`; "v0" holds one
list per property, and its arrays stand in the files that `networks_files` names.
"""

import io
import json
import logging
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from annpot.errors import InputError
from annpot.files import atomic_path, explained_write_errors, make_folder, sync
from annpot.networks.architecture import LayerWeights, NetworkSpec
from annpot.networks.array_file import read_array
from annpot.networks.metadata_layouts import FILE_NAME, parse_v0, parse_v1, v1_document

PROVENANCE = "provenance.json"  # beside it, see `annpot.networks.provenance`
ABOUT = "annpot"  # key of networks_metadata.json that other programs ignore

PREVIOUS = ".previous"  # earlier files, while new ones take their place
_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class StoredNetworks:
    """Networks of a folder.

    Attributes:
        specs: NetworkSpec of each element, in the order of the file.
        weights: {element: (LayerWeights, ...)}, with None for an element whose
            structure is described without weights.
        about: what annpot wrote of their origin, see doc/formats.md; {} if nothing.
    """

    specs: tuple[NetworkSpec, ...] = ()
    weights: dict = field(default_factory=dict)
    about: dict = field(default_factory=dict)


def read_specs(folder):
    """NetworkSpec of each element described in a folder; no array is read.

    Raises:
        InputError: the description is missing or malformed.
    """
    path = _description(Path(folder))
    return _parsed(_read_document(path), path)[0]


def read_metadata(folder):
    """StoredNetworks of a folder; arrays keep the precision of their files.

    Where a process was killed while it replaced the networks, the earlier ones are
    read, and that is logged.

    Args:
        folder: holds networks_metadata.json and the .npy files it names.

    Raises:
        InputError: a file is missing, truncated or malformed, a shape does not
            agree with the layer sizes, a value is not finite, or the folder was
            being written meanwhile.
    """
    folder = Path(folder)
    path = _description(folder)
    before = _identity(path)
    document = _read_document(path)
    specs, files = _parsed(document, path)
    folders = dict.fromkeys((path.parent, folder))
    weights = {
        spec.element: files[spec.element] and _read_weights(folders, spec, files)
        for spec in specs
    }
    if _identity(path) != before:
        raise InputError(f"{path}: changed while it was read. Run the command again.")
    about = document.get(ABOUT)
    return StoredNetworks(specs, weights, about if isinstance(about, dict) else {})


def _description(folder):
    """Path of the JSON file, of the earlier one where new ones are not complete."""
    path, earlier = folder / FILE_NAME, folder / PREVIOUS / FILE_NAME
    if path.exists() or not earlier.exists():
        return path
    _log.warning(
        "%s: writing new networks was interrupted; the earlier ones are used. Extract "
        "again for the new ones.",
        folder,
    )
    return earlier


def _parsed(document, path):
    parse = parse_v1 if "networks" in document else parse_v0
    return parse(document, path)


def write_metadata(folder, specs, weights, about=None, provenance=None, others=None):
    """Write networks in layout v1; what the folder held before is replaced.

    All files are first written and synced under other names, and the files that
    they replace are copied into a folder `.previous`. Then the old metadata is
    removed, the arrays are renamed and the new metadata comes last: a full disk
    changes nothing, no reader takes old and new files for one set, and after a kill
    the earlier networks are still there.

    Args:
        folder: created if absent; other files in it stay.
        specs: NetworkSpec of each element.
        weights: {element: (LayerWeights, ...)}, written in their own precision.
        about: what to keep of their origin, an object for JSON; other programs
            ignore it.
        provenance: what to keep beside them, see `annpot.networks.provenance`, an
            object for JSON; an earlier one is removed when it is None.
        others: {name: bytes} of further files that belong to the networks; None for
            the content removes an earlier file of that name.

    Returns:
        names of the files written, arrays first.

    Raises:
        InputError: the disk is full or the folder cannot be written.
    """
    folder, others = Path(folder), others or {}
    make_folder(folder)
    staging = folder / f".networks.{os.getpid()}.tmp"
    contents = _contents(specs, weights, about, provenance, others)
    names = list(contents)
    try:
        with explained_write_errors(folder):
            staging.mkdir(exist_ok=True)
            for name, content in contents.items():
                (staging / name).write_bytes(content)
                sync(staging / name)
            _keep_previous(folder, {*names, PROVENANCE, *others})
            for name in (FILE_NAME, PROVENANCE, *others):
                (folder / name).unlink(missing_ok=True)
            for name in names:
                os.replace(staging / name, folder / name)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        if (folder / FILE_NAME).exists():
            shutil.rmtree(folder / PREVIOUS, ignore_errors=True)
    return names


def _keep_previous(folder, names):
    """Copy the files that are replaced into PREVIOUS, the metadata last."""
    kept = folder / PREVIOUS
    if (folder / FILE_NAME).exists():
        shutil.rmtree(kept, ignore_errors=True)
    elif not (kept / FILE_NAME).exists():
        return
    # Else an earlier write was killed: what it kept stays as it is.
    kept.mkdir(exist_ok=True)
    for name in names:
        if (folder / name).is_file() and not (kept / name).exists():
            with atomic_path(kept / name) as copy:
                shutil.copyfile(folder / name, copy)


def array_files(specs, weights):
    """{name: bytes} of the .npy files of networks, kernel and bias of each layer."""
    return {
        f"{spec.element}_l{index}_{ending}.npy": _npy(array)
        for spec in specs
        for index, layer in enumerate(weights[spec.element])
        for ending, array in (("w", layer.kernel), ("b", layer.bias))
    }


def _npy(array):
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def _contents(specs, weights, about, provenance, others):
    """{name: bytes} of all files, in the order in which they take their places."""
    contents = array_files(specs, weights)
    contents |= {n: content for n, content in others.items() if content is not None}
    if provenance is not None:
        contents[PROVENANCE] = line_by_line(provenance).encode()
    document = v1_document(specs) | ({ABOUT: about} if about else {})
    contents[FILE_NAME] = (json.dumps(document, indent=2) + "\n").encode()
    return contents


def line_by_line(content):
    """Text of an object for JSON, a line for each of its keys."""
    lines = [f" {json.dumps(k)}: {json.dumps(v)}" for k, v in content.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


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


def _read_weights(folders, spec, files):
    """LayerWeights of one element from the (kernel, bias) files of its layers."""
    return tuple(
        LayerWeights(
            read_array(_first(folders, kernel_file), shape),
            read_array(_first(folders, bias_file), shape[1:]),
        )
        for shape, (kernel_file, bias_file) in zip(
            spec.shapes, files[spec.element], strict=True
        )
    )


def _first(folders, name):
    """Path of a file in the first of the folders that has it, else in the last."""
    paths = [folder / name for folder in folders]
    return next((path for path in paths if path.is_file()), paths[-1])
