"""Reading one array of weights or biases from a .npy file."""

from tokenize import TokenError

import numpy as np

from annpot.errors import InputError

_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
_DAMAGE = (ValueError, EOFError, SyntaxError, TypeError, TokenError, MemoryError)


def read_array(path, shape):
    """Array of a .npy file, checked.

    Args:
        path: the file.
        shape: expected shape, (n_in, n_out) or (n_out,).

    Returns:
        array of that shape in the file's own floating point type.

    Raises:
        InputError: the file is missing, truncated or no array; its shape is not
            the expected one; a value is not a finite number.
    """
    array = _load(path, tuple(shape))
    if not np.isfinite(array).all():
        count = int(np.count_nonzero(~np.isfinite(array)))
        raise InputError(
            f"{path}: {count} of {array.size} values are NaN or infinite: expected "
            "finite numbers. Take the weights of an earlier checkpoint."
        )
    return array


def _load(path, shape):
    try:
        with open(path, "rb") as stream:
            # Nothing is allocated for what a damaged header promises.
            _check_header(path, *_header(stream), shape)
            stream.seek(0)
            return np.lib.format.read_array(stream, allow_pickle=False)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise InputError(
            f"{path}: no such file: expected a .npy file of weights or biases. Copy "
            "it there, or correct the path."
        ) from error
    except _DAMAGE as error:
        raise InputError(
            f"{path}: not a complete .npy file ({_one_line(error)}). Copy or extract "
            "it again."
        ) from error


def _header(stream):
    """(shape, type) that the header tells."""
    version = np.lib.format.read_magic(stream)
    if version not in _HEADERS:
        raise ValueError(f"format version {version}")
    shape, _, dtype = _HEADERS[version](stream)
    return shape, dtype


def _check_header(path, found, dtype, shape):
    if found != shape:
        raise InputError(
            f"{path}: array of shape {found}: expected {shape}, as the "
            "layer sizes say. Correct the layer sizes or give the file of this layer."
        )
    if not np.issubdtype(dtype, np.floating):
        raise InputError(
            f"{path}: values of type {dtype}: expected floating point numbers."
        )


def _one_line(error):
    return " ".join(str(error).split()).rstrip(".")
