"""`weights_X.dat` of PANNA's LAMMPS export: float32 numbers of one network.

For each layer W, row by row (n_in, n_out), then b (n_out,), little-endian, and nothing
else. The offset of the element is part of the bias of the last layer.
"""

from dataclasses import dataclass

import numpy as np

from annpot.errors import InputError
from annpot.files import content_of
from annpot.networks.architecture import LayerWeights

FLOAT = np.dtype("<f4")


@dataclass(frozen=True)
class RoundingLoss:
    """What float32 took from the network of one element.

    Attributes:
        element: chemical symbol.
        energy: (bias + offset) in the file minus (bias + offset) in float64, eV: the
            error of the energy of each atom of this element.
        weight: largest change of any other weight or bias, which were float64; 0 when
            they were float32 before.
    """

    element: str
    energy: float
    weight: float = 0.0


def weights_bytes(spec, layers):
    """Content of an element's file and what was lost.

    Args:
        spec: NetworkSpec.
        layers: LayerWeights of each layer, any precision.

    Returns:
        (bytes, RoundingLoss).

    Raises:
        InputError: a number is too large for float32.
    """
    exact = [np.asarray(a, np.float64) for w in layers for a in (w.kernel, w.bias)]
    # Adding 0 would change the sign of a bias of -0.
    if spec.offset:
        exact[-1] = exact[-1] + spec.offset
    with np.errstate(over="ignore"):
        rounded = [array.astype(FLOAT) for array in exact]
    if not all(np.isfinite(array).all() for array in rounded):
        raise InputError(
            f"network of {spec.element}: a weight or bias is too large for the float32 "
            "of panna.in's weights. Write output_type = ASE."
        )
    changes = [
        np.abs(r.astype(np.float64) - e).max()
        for r, e in zip(rounded[:-1], exact[:-1], strict=True)
    ]
    energy = float(rounded[-1][0]) - float(exact[-1][0])
    loss = RoundingLoss(spec.element, energy, float(max(changes, default=0.0)))
    return b"".join(array.tobytes() for array in rounded), loss


def read_weights(path, shapes):
    """LayerWeights of each layer, float32.

    Args:
        path: of the file.
        shapes: ((n_in, n_out), ...) of the layers.

    Raises:
        InputError: the file is missing, has another length than the layers need, or
            holds numbers that are not finite.
    """
    content = content_of(path)
    n_numbers = sum(n_in * n_out + n_out for n_in, n_out in shapes)
    expected = n_numbers * FLOAT.itemsize
    if len(content) != expected:
        layers = " ".join(f"{n_in}x{n_out}" for n_in, n_out in shapes)
        kind = "truncated" if len(content) < expected else "too long"
        raise InputError(
            f"{path}: {kind}: expected {expected} bytes (layers {layers} with biases, "
            f"float32), found {len(content)}. Export the networks again."
        )
    numbers = np.frombuffer(content, FLOAT).astype(np.float32)
    if not np.isfinite(numbers).all():
        raise InputError(f"{path}: holds NaN or infinite numbers. Export them again.")
    weights, start = [], 0
    for n_in, n_out in shapes:
        layer = numbers[start : start + (n_in + 1) * n_out].reshape(n_in + 1, n_out)
        weights.append(LayerWeights(layer[:-1], layer[-1]))
        start += layer.size
    return tuple(weights)
