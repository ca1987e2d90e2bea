"""Averages of an epoch, worked out by hand."""

import pytest

TWO_STEPS = {  # sums of the records of two steps of three structures
    "loss": 3.0,
    "energy_loss": 2.0,
    "regularization": 1.0,
    "n_energies": 6.0,
    "sum_abs_per_atom": 0.6,
    "sum_square_per_atom": 0.24,
    "sum_square": 5.46,
}


def test_losses_are_means_over_steps_and_errors_over_structures():
    from annpot.training.metrics import measures

    found = measures(TWO_STEPS, n_steps=2)
    assert found == pytest.approx(
        {
            "loss": 1.5,
            "energy_loss": 1.0,
            "regularization": 0.5,
            "mae_per_atom": 0.1,
            "rmse_per_atom": 0.2,
            "rmse": 0.91**0.5,
        }
    )


def test_columns_of_each_choice():
    from annpot.training.metrics import file_columns

    values = {
        "loss": 1,
        "energy_loss": 2,
        "regularization": 3,
        "mae_per_atom": 4,
        "rmse_per_atom": 5,
        "rmse": 6,
    }
    assert file_columns(("MAE",), values) == {"MAE/at": 4}
    assert file_columns(("RMSE",), values) == {"RMSE/at": 5, "RMSE": 6}
    assert file_columns(("loss", "MAE"), values, "val_") == {
        "val_loss": 1,
        "val_e_loss": 2,
        "val_reg_loss": 3,
        "val_MAE/at": 4,
    }
