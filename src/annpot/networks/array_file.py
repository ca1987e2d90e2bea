"""Reading one array of weights or biases from a .npy file."""

import numpy as np

from annpot.errors import InputError


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
    array = _load(path)
    if array.shape != tuple(shape):
        raise InputError(
            f"{path}: array of shape {array.shape}: expected {tuple(shape)}, as the "
            "layer sizes say. Correct the layer sizes or give the file of this layer."
        )
    if not np.issubdtype(array.dtype, np.floating):
        raise InputError(
            f"{path}: values of type {array.dtype}: expected floating point numbers."
        )
    if not np.isfinite(array).all():
        count = int(np.count_nonzero(~np.isfinite(array)))
        raise InputError(
            f"{path}: {count} of {array.size} values are NaN or infinite: expected "
            "finite numbers. Take the weights of an earlier checkpoint."
        )
    return array


def _load(path):
    try:
        with open(path, "rb") as stream:
            return np.lib.format.read_array(stream, allow_pickle=False)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise InputError(
            f"{path}: no such file: expected a .npy file of weights or biases. Copy "
            "it there, or correct the path."
        ) from error
    except (ValueError, EOFError) as error:
        raise InputError(
            f"{path}: not a complete .npy file ({_one_line(error)}). Copy or extract "
            "it again."
        ) from error


def _one_line(error):
    return " ".join(str(error).split()).rstrip(".")
