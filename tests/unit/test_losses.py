"""Energy losses and penalties against numbers worked out by hand."""

import numpy as np
import pytest

from annpot.training.loss_settings import LossSettings
from annpot.training.step_settings import RegularizationSettings

# d = E_network - E_reference (eV) and n of three structures of different sizes.
ERRORS = np.array([0.5, -1.0, 2.0])
SIZES = np.array([2.0, 5.0, 4.0])
SQUARES = [0.25, 1.0, 4.0]
PER_ATOM = [0.0625, 0.04, 0.25]  # (d/n)^2
P = 0.5
LOSSES = {  # of each structure
    "quad": SQUARES,
    "quad_atom": PER_ATOM,
    "quad_std_atom": [0.125, 0.2, 1.0],  # d^2/n
    "exp_quad": [np.exp(0.125), np.exp(0.5), np.exp(2.0)],
    "exp_quad_atom": [np.exp(0.03125), np.exp(0.02), np.exp(0.125)],
}
WEIGHTS = {None: [1, 1, 1], "n_atoms": [1 / 2, 1 / 5, 1 / 4]}
WEIGHTS["n_atoms2"] = [1 / 4, 1 / 25, 1 / 16]


def loss_of(errors, sizes, *settings):
    from annpot.training.losses import energy_loss

    return float(energy_loss(errors, sizes, LossSettings(*settings)))


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("name", LOSSES)
def test_loss_of_a_batch_of_different_sizes(name, weight, reduction):
    total = sum(
        w * value for w, value in zip(WEIGHTS[weight], LOSSES[name], strict=True)
    )
    expected = total / 3 if reduction == "mean" else total
    found = loss_of(ERRORS, SIZES, name, weight, reduction, P)
    assert found == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("name", LOSSES)
def test_structures_do_not_mix(name):
    # The loss of a batch is the sum of those of its structures taken alone.
    alone = [
        loss_of(ERRORS[i : i + 1], SIZES[i : i + 1], name, None, "sum", P)
        for i in range(3)
    ]
    together = loss_of(ERRORS, SIZES, name, None, "sum", P)
    assert together == pytest.approx(sum(alone), rel=1e-14)


def test_every_loss_of_the_ini_file_has_a_formula():
    from typing import get_args

    from annpot.config.schema.train_parameters import Training
    from annpot.training.losses import ENERGY_LOSSES, REDUCTIONS, WEIGHTS

    def choices(key):
        kind = Training.model_fields[key].annotation
        return {
            choice
            for part in (kind, *get_args(kind))
            for choice in get_args(part)
            if isinstance(choice, str)
        }

    assert choices("loss_function") == set(ENERGY_LOSSES)
    assert choices("energy_reduction") == set(REDUCTIONS)
    assert choices("energy_weight") == set(WEIGHTS) - {None}


LAYERS = [
    (np.array([[1.0, -2.0], [0.5, 0.0]]), np.array([3.0, -1.0])),
    (np.array([[-4.0], [2.0]]), np.array([0.5])),
]


@pytest.mark.parametrize(
    ("coefficients", "expected"),
    [
        ((1.0, 0.0, 0.0, 0.0), 9.5),  # sum |W| = 1 + 2 + 0.5 + 4 + 2
        ((0.0, 1.0, 0.0, 0.0), 25.25),  # sum W^2, without a factor 1/2
        ((0.0, 0.0, 1.0, 0.0), 4.5),
        ((0.0, 0.0, 0.0, 1.0), 10.25),
        ((0.1, 0.01, 0.2, 0.02), 0.95 + 0.2525 + 0.9 + 0.205),
        ((0.0, 0.0, 0.0, 0.0), 0.0),
    ],
)
def test_penalties(coefficients, expected):
    from annpot.training.losses import regularization

    found = regularization(LAYERS, RegularizationSettings(*coefficients))
    assert found.dtype == "float64"
    assert float(found) == pytest.approx(expected, rel=1e-14)


def test_penalty_of_float32_weights_is_summed_in_double():
    from annpot.training.losses import regularization

    n = 100_000
    layers = [(np.full((n, 1), 0.1, np.float32), np.zeros(1, np.float32))]
    found = float(regularization(layers, RegularizationSettings(1.0, 0.0, 0.0, 0.0)))
    # A sum in float32 would be off by 1e-6 at least.
    assert found == pytest.approx(n * float(np.float32(0.1)), rel=1e-12)
