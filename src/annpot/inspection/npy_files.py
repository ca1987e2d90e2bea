"""Sheets of .npy files."""

from pathlib import Path

import numpy as np

from annpot.errors import InputError
from annpot.inspection.sheet import Sheet

LARGEST = 2**28  # bytes whose range is looked for


def npy_sheet(path):
    """Sheet of a .npy file: shape, type and range.

    Raises:
        InputError: it is cut short or no array.
    """
    path = Path(path)
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, SyntaxError, TypeError) as error:
        raise InputError(
            f"{path}: not a complete .npy file ({' '.join(str(error).split())[:120]})."
        ) from None
    facts = {"shape": list(array.shape), "type": str(array.dtype)}
    is_number = np.issubdtype(array.dtype, np.number)
    if is_number and 0 < array.nbytes <= LARGEST and array.dtype.kind != "c":
        facts["range"] = [float(array.min()), float(array.max())]
        facts["not_finite"] = int((~np.isfinite(array)).sum()) or None
    facts["bytes"] = path.stat().st_size
    return Sheet(str(path), "array (.npy)", facts)
