"""Training with products in bfloat16 and float16, beside the same in float32."""

import numpy as np
import pytest

from reference.small_structures import force_ini, small_structures, write_xyz
from reference.small_training import prepared, run_steps, train_ini, weights_of


def first_steps(path, n_steps=4):
    run = prepared(path)
    return run, run_steps(run, n_steps)[:, 0], weights_of(run)


@pytest.mark.parametrize("forces", [False, True], ids=["energies", "forces"])
def test_losses_are_those_of_float32_but_for_rounding(tmp_path, small_data, forces):
    losses, weights = {}, {}
    for mixed in ("none", "bfloat16", "float16"):
        folder = tmp_path / mixed
        folder.mkdir()
        keys = {"mixed_precision": mixed, "learning_rate": 1e-3}
        if mixed == "float16":
            keys["loss_scale"] = 4  # at which no slope is too large
        if forces:
            xyz = write_xyz(folder / "s.xyz", small_structures(5))
            keys |= {"batch_size": 2, "virial_cost": 0.1}
            path = force_ini(folder, xyz, TRAINING_PARAMETERS=keys)
        else:
            path = train_ini(folder, small_data, TRAINING_PARAMETERS=keys)
        run, losses[mixed], weights[mixed] = first_steps(path)
        assert all(
            variable.dtype == "float32"
            for variable in run.parameters.variables.values()
        )
        assert ("loss_scale" in run.program.optimizer.state()) == (mixed == "float16")
    # One layer of rounded products: 2^-8 and 2^-11 of each, far less of their sum.
    for mixed, unit in (("bfloat16", 2.0**-8), ("float16", 2.0**-11)):
        assert (losses[mixed] != losses["none"]).all()
        np.testing.assert_allclose(losses[mixed], losses["none"], rtol=4 * unit)
        for element, layers in weights["none"].items():
            # Adam moves by about the rate in each step, whatever the gradient.
            for pair, wanted in zip(weights[mixed][element], layers, strict=True):
                np.testing.assert_allclose(pair[0], wanted[0], rtol=0, atol=4e-3)
