"""Averages of an epoch, worked out by hand."""

import math

import numpy as np
import pytest

TWO_STEPS = {  # sums of the records of two steps of three structures
    "loss": 3.0,
    "energy_loss": 2.0,
    "regularization": 1.0,
    "n_energies": 6.0,
    "sum_abs_per_atom": 0.6,
    "sum_square_per_atom": 0.24,
    "sum_square": 5.46,
    "sum_reference_per_atom": -18.0,  # mean -3
    "sum_square_reference_per_atom": 54.96,  # 54 + 6 * 0.16: they spread by 0.4
    "sum_relative_per_atom": 0.25,
    "n_relative_per_atom": 5.0,
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
            "mse_per_atom": 0.04,
            "mape_per_atom": 5.0,
            "r2_per_atom": 0.75,  # 1 - 0.24 / 0.96
            "rmse": 0.91**0.5,
        }
    )


LABELS = {  # further sums of these steps, where there are forces and virials
    "force_loss": 8.0,
    "virial_loss": 10.0,
    "n_force_components": 90.0,
    "sum_abs_force": 18.0,
    "sum_square_force": 22.5,
    "sum_reference_force": 0.0,
    "sum_square_reference_force": 225.0,
    "sum_relative_force": 40.0,
    "n_relative_force": 80.0,
    "n_virial_components": 22.0,  # 9 + 9 + 4
    "sum_abs_virial": 11.0,
    "sum_square_virial": 88.0,
    "sum_reference_virial": 22.0,
    "sum_square_reference_virial": 66.0,
    "sum_relative_virial": 10.0,
    "n_relative_virial": 20.0,
}


def test_forces_and_virials_are_averaged_over_their_components():
    from annpot.training.metrics import measures

    found = measures(TWO_STEPS | LABELS, n_steps=2)
    energies = measures(TWO_STEPS, n_steps=2)
    assert {name: found.pop(name) for name in energies} == energies
    assert found == pytest.approx(
        {
            "force_loss": 4.0,
            "virial_loss": 5.0,
            "mae_force": 0.2,
            "rmse_force": 0.5,
            "mse_force": 0.25,
            "mape_force": 50.0,
            "r2_force": 0.9,
            "mae_virial_per_atom": 0.5,
            "rmse_virial_per_atom": 2.0,
            "mse_virial_per_atom": 4.0,
            "mape_virial_per_atom": 50.0,
            "r2_virial_per_atom": -1.0,  # 1 - 88 / (66 - 22): worse than the mean
        }
    )


@pytest.mark.parametrize(
    "references", [[-3.1] * 5, [0.7], [0.0, 0.0]], ids=["equal", "one", "zero"]
)
def test_references_that_do_not_differ_have_no_r2(references):
    from annpot.training.metrics import measures

    y = np.array(references)
    sums = {
        "n_energies": float(len(y)),
        "sum_reference_per_atom": y.sum(),
        "sum_square_reference_per_atom": (y**2).sum(),
    }
    assert math.isnan(measures(TWO_STEPS | sums, n_steps=1)["r2_per_atom"])


def test_references_below_the_floor_alone_have_no_relative_error():
    from annpot.training.metrics import measures

    small = {"n_relative_per_atom": 0.0, "sum_relative_per_atom": 0.0}
    found = measures(TWO_STEPS | small, n_steps=2)
    assert math.isnan(found["mape_per_atom"])
    assert found["mae_per_atom"] == pytest.approx(0.1)


def test_labels_that_no_structure_has_give_no_measure():
    from annpot.training.metrics import measures
    from annpot.training.trace import TRACE

    nothing = dict.fromkeys(TRACE, 0.0) | {"loss": 3.0, "regularization": 1.0}
    assert measures(nothing, n_steps=2) == {"loss": 1.5, "regularization": 0.5}
    forces = {name: value for name, value in LABELS.items() if "force" in name}
    assert set(measures(nothing | forces, n_steps=2)) == {
        "loss",
        "regularization",
        "force_loss",
        "mae_force",
        "rmse_force",
        "mse_force",
        "mape_force",
        "r2_force",
    }


def test_labels_that_are_measured_but_not_trained_have_no_loss():
    from annpot.training.metrics import measures

    sums = TWO_STEPS | LABELS
    del sums["force_loss"]
    assert measures(sums, n_steps=2)["force_loss"] == 0.0


def test_a_run_has_the_same_measures_in_every_epoch():
    from annpot.training.metrics import complete, measure_names, measures

    values = measures(TWO_STEPS | LABELS, n_steps=2)
    assert set(measure_names(("energy", "force", "virial"))) == set(values)
    energies = measures(TWO_STEPS, n_steps=2)
    found = complete(energies, ("force", "energy"))
    assert tuple(found) == measure_names(("energy", "force"))
    missing = {name for name, value in found.items() if math.isnan(value)}
    assert missing == {name for name in values if "force" in name}
    assert {name: found[name] for name in energies} == energies


def test_every_measure_is_made_of_what_is_recorded():
    from annpot.training.metrics import COLUMNS, measures
    from annpot.training.trace import TRACE

    assert set(TWO_STEPS | LABELS) == set(TRACE)
    columns = {name for choice in COLUMNS.values() for name in choice.values()}
    assert set(measures(TWO_STEPS | LABELS, n_steps=2)) == columns


def test_the_ini_file_offers_these_columns():
    from annpot.config import metric_names
    from annpot.training.metrics import COLUMNS

    assert {k: set(names) for k, names in metric_names.COLUMNS.items()} == {
        k: set(names) for k, names in COLUMNS.items()
    }


def test_columns_of_forces_are_those_of_panna():
    from annpot.training.metrics import file_columns, measures

    values = measures(TWO_STEPS | LABELS, n_steps=2)
    names = {
        choice: set(file_columns((choice,), values))
        for choice in ("MAE", "RMSE", "MSE", "MAPE", "R2", "loss")
    }
    assert names == {
        "MAE": {"MAE/at", "F_MAE", "V_MAE/at"},
        "RMSE": {"RMSE/at", "RMSE", "F_RMSE", "V_RMSE/at"},
        "MSE": {"MSE/at", "F_MSE", "V_MSE/at"},
        "MAPE": {"MAPE/at", "F_MAPE", "V_MAPE/at"},
        "R2": {"R2/at", "F_R2", "V_R2/at"},
        "loss": {"loss", "e_loss", "f_loss", "v_loss", "reg_loss"},
    }


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
