"""From a path to the sheets of what is there."""

import contextlib
import os
import struct
from itertools import islice
from pathlib import Path
from tokenize import TokenError

from annpot.data.dataset_description import FILE_NAME as DATASET
from annpot.data.dataset_description import MALFORMED
from annpot.errors import InputError
from annpot.inspection.checkpoints import (
    checkpoint_sheet,
    models_folder_sheet,
    prefix_of,
)
from annpot.inspection.data_folders import (
    READERS,
    described_folder_sheet,
    plain_folder_sheet,
)
from annpot.inspection.events import events_sheet
from annpot.inspection.extracted import extracted_sheet
from annpot.inspection.models import model_sheet
from annpot.inspection.npy_files import npy_sheet
from annpot.inspection.plugin_files import FILE_NAME as PANNA_IN
from annpot.inspection.plugin_files import is_plugin_file, plugin_sheet
from annpot.inspection.runs import EXPANDED, MODELS, STAGES, run_sheets
from annpot.inspection.structure_files import xyz_sheet
from annpot.inspection.tables import (
    RESULTS,
    evaluation_folder_sheet,
    first_line,
    metrics_sheet,
    result_sheet,
)
from annpot.inspection.unknown import unknown_file_sheet, unknown_folder_sheet
from annpot.models.names import MODEL
from annpot.networks.metadata import PREVIOUS
from annpot.networks.metadata_layouts import FILE_NAME as METADATA
from annpot.wire_format import MalformedMessageError

MOST_NAMES = 100_000  # of a folder that are looked at
HEAD = 4096  # bytes of a file that are looked at
NPY_MAGIC = b"\x93NUMPY"
EVENTS = "events.out.tfevents"
RESULT_OF = ("epoch_", "model")  # how names of results of evaluations begin
METRICS = ("metrics.dat", "history.csv")
_DAMAGE = (
    *MALFORMED,
    IndexError,
    MemoryError,
    MalformedMessageError,
    TokenError,
    struct.error,
)


def sheets(path):
    """Sheets of all that a path is; at least one.

    Raises:
        InputError: there is no such path, it may not be read, or it is damaged.
    """
    path = Path(path)
    with explained(path):
        if path.is_dir():
            return list(_of_folder(path))
        if not os.path.lexists(path) and Path(f"{path}.index").is_file():
            return [checkpoint_sheet(path)]
        return [_of_file(path)]


@contextlib.contextmanager
def explained(path):
    """Turn whatever a damaged or unreadable file brings about into an InputError."""
    try:
        yield
    except FileNotFoundError:
        raise InputError(_missing(path)) from None
    except OSError as error:
        where = error.filename or path
        raise InputError(
            f"{where}: cannot be read ({error.strerror or error}). Check the path and "
            "its permissions."
        ) from None
    except _DAMAGE as error:
        raise InputError(
            f"{path}: damaged, or not what its name says ({type(error).__name__}: "
            f"{' '.join(str(error).split())[:120]})."
        ) from None


def _missing(path):
    if path.is_symlink():
        return f"{path}: the link leads to {os.readlink(path)}, which does not exist."
    return f"{path}: there is no such file or folder. Correct the path."


def _of_folder(folder):
    found = list(_known_in(folder))
    if found:
        yield from found
        return
    names, is_all = _names(folder)
    for suffix in READERS:
        chosen = [n for n in names if n.endswith(suffix) and not n.startswith(".")]
        if chosen:
            yield plain_folder_sheet(folder, suffix, chosen, is_all)
            found.append(suffix)
    results = [n for n in names if n.startswith(RESULT_OF) and n.endswith(".dat")]
    if results:
        yield evaluation_folder_sheet(folder, results)
    events = sorted(n for n in names if n.startswith(EVENTS))
    if events:
        yield events_sheet(folder / events[-1])
    if not (found or results or events):
        inner = [n for n in sorted(names)[:50] if _is_known_folder(folder / n)]
        yield unknown_folder_sheet(folder, names, is_all, inner)


def _known_in(folder):
    """Sheets of what a folder is by the names of certain files."""
    if (folder / MODEL).exists():
        yield model_sheet(folder)
    elif any((folder / name / METADATA).exists() for name in ("", PREVIOUS)):
        yield extracted_sheet(folder)
    if (folder / PANNA_IN).exists():
        yield plugin_sheet(folder)
    if (folder / DATASET).exists():
        yield described_folder_sheet(folder)
    names = (EXPANDED, MODELS, STAGES)
    if any((folder / name).exists() for name in names):
        yield from run_sheets(folder)
    elif any(islice(folder.glob("*.index"), 1)):
        yield _checkpoints(folder)


def _checkpoints(folder):
    """Sheet of a folder of .index files: of one run, or else of the first."""
    sheet = models_folder_sheet(folder)
    if sheet.facts["checkpoints"]:
        return sheet
    return checkpoint_sheet(min(folder.glob("*.index")))


def _is_known_folder(path):
    try:
        if not path.is_dir():
            return False
        names, _ = _names(path)
        is_data = any(name.endswith(tuple(READERS)) for name in names)
        return is_data or any(True for _ in _known_in(path))
    except (InputError, OSError, *_DAMAGE):
        return False


def _names(folder):
    """(names in a folder, whether these are all)."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in islice(entries, MOST_NAMES + 1)]
    return names[:MOST_NAMES], len(names) <= MOST_NAMES


def _of_file(path):
    if not path.is_file():
        path.stat()  # tells what is wrong, if anything is
        raise InputError(f"{path}: neither a file nor a folder.")
    name = path.name
    if name == DATASET:
        return described_folder_sheet(path.parent)
    if name == MODEL:
        return model_sheet(path.parent)
    if name == METADATA:
        return extracted_sheet(path.parent)
    if name == "checkpoint" and any(path.parent.glob("*.index")):
        return _checkpoints(path.parent)
    if name.endswith(".index") or ".data-0" in name:
        return checkpoint_sheet(prefix_of(path))
    if name.startswith(EVENTS):
        return events_sheet(path)
    if name in METRICS:
        return metrics_sheet(path)
    for suffix, read in (*READERS.items(), *_BY_SUFFIX.items()):
        if name.endswith(suffix):
            return read(path)
    return _by_content(path)


def _ini(path):
    if is_plugin_file(path):
        return plugin_sheet(path)
    from annpot.inspection.ini_files import ini_sheet

    return ini_sheet(path)


_BY_SUFFIX = {
    ".ini": _ini,
    ".in": _ini,
    ".npy": npy_sheet,
    ".xyz": xyz_sheet,
    ".extxyz": xyz_sheet,
}


def _by_content(path):
    """Sheet of a file whose name tells nothing."""
    with open(path, "rb") as stream:
        head = stream.read(HEAD)
    if head.startswith(NPY_MAGIC):
        return npy_sheet(path)
    line = first_line(path)
    if line.startswith(tuple(RESULTS)):
        return result_sheet(path, line)
    if line.replace(",", " ").split()[:1] == ["epoch"]:
        return metrics_sheet(path)
    if line.lstrip().startswith(("[", "#", ";")) and b"\n[" in b"\n" + head:
        try:
            return _ini(path)
        except InputError:
            pass
    for read in READERS.values():
        try:
            return read(path)
        except (InputError, *_DAMAGE):
            continue
    return unknown_file_sheet(path, head)
