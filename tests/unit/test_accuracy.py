"""Errors per atom of structures of different sizes, against numbers by hand."""

import numpy as np
import pytest

from annpot.accuracy import (
    Reference,
    accuracy,
    accuracy_by_group,
    errors_per_atom,
)

N_ATOMS = np.array([3, 5, 4])
E_REF = np.array([-2080.0, -1100.0, -1530.0])
E_NN = np.array([-2079.7, -1100.5, -1530.0])
# dE = +0.3, -0.5, 0 eV; per atom +0.1, -0.1, 0 eV.


def test_errors_are_divided_by_the_atoms_of_their_own_structure():
    errors = errors_per_atom(E_NN, E_REF, N_ATOMS)
    # The difference of numbers near 2000 keeps 2000 * 2^-53 = 2e-13.
    np.testing.assert_allclose(errors, [0.1, -0.1, 0.0], atol=1e-12)


def test_accuracy_of_mixed_sizes():
    result = accuracy(errors_per_atom(E_NN, E_REF, N_ATOMS))
    assert result.count == 3
    assert result.mae == pytest.approx(0.2 / 3, rel=1e-11)
    assert result.rmse == pytest.approx((0.02 / 3) ** 0.5, rel=1e-11)
    assert result.largest == pytest.approx(0.1, rel=1e-11)
    # What mean|dE| mean(1/n) would give: they agree for equal sizes only.
    wrong = np.mean(np.abs(E_NN - E_REF)) * np.mean(1 / N_ATOMS)
    assert abs(wrong - result.mae) > 0.001


def test_compositions_are_separated_and_sorted_by_frequency():
    errors = np.array([1.0, -3.0, 2.0])
    result = accuracy_by_group(errors, ["NH3", "H2O", "H2O"])
    assert list(result) == ["H2O", "NH3"]
    assert (result["H2O"].count, result["H2O"].mae) == (2, 2.5)
    assert result["H2O"].rmse == pytest.approx(6.5**0.5)
    assert (result["NH3"].mae, result["NH3"].largest) == (1.0, 1.0)


def test_missing_labels_are_left_out_and_not_counted():
    errors = np.array([[1.0, -3.0], [np.nan, np.nan], [2.0, 0.0]])
    result = accuracy(errors)
    assert (result.count, result.mae, result.largest) == (2, 1.5, 3.0)
    assert result.rmse == pytest.approx((14 / 4) ** 0.5)
    nothing = accuracy(np.full(3, np.nan))
    assert nothing.count == 0
    assert np.isnan([nothing.mae, nothing.rmse, nothing.largest]).all()
    of_groups = accuracy_by_group(errors, ["H", "H", "O"])
    assert (of_groups["H"].count, of_groups["O"].mae) == (1, 1.0)


def test_components_that_do_not_count_dilute_nothing():
    errors = np.array([[1.0, -3.0], [2.0, 0.0], [0.0, 0.0]])
    result = accuracy(errors, np.array([2, 1, 0]))
    assert (result.count, result.mae) == (2, 2.0)
    assert result.rmse == pytest.approx((14 / 3) ** 0.5)


def test_relative_errors_leave_out_references_below_the_floor():
    errors = np.array([0.1, -0.3, 0.2, 0.5])
    values = np.array([-2.0, 1.0, 0.009, np.nan])  # 5 %, 30 %, too small, no label
    errors[3] = np.nan
    result = accuracy(errors, reference=Reference(values, 0.01))
    assert result.mape == pytest.approx(17.5)
    mean = (-2.0 + 1.0 + 0.009) / 3
    spread = (2.0 + mean) ** 2 + (1.0 - mean) ** 2 + (0.009 - mean) ** 2
    assert result.r2 == pytest.approx(1 - 0.14 / spread)
    assert result.mse == pytest.approx(0.14 / 3)
    small = accuracy(errors[2:], reference=Reference(values[2:], 0.01))
    assert np.isnan([small.mape, small.r2]).all()


def test_a_prediction_of_the_mean_has_r2_zero():
    values = np.array([[1.0, 4.0], [-3.0, 2.0]])
    for prediction, r2 in ((values, 1.0), (values.mean(), 0.0), (2 * values, None)):
        errors = prediction - values
        found = accuracy(errors, reference=Reference(values, 0.1)).r2
        expected = 1 - (values**2).sum() / ((values - 1.0) ** 2).sum()
        assert found == pytest.approx(expected if r2 is None else r2)


def test_components_that_do_not_count_are_no_references():
    # A slab: 4 of 9 components; the others are 0 and would pull the mean.
    errors, values = np.zeros((2, 9)), np.zeros((2, 9))
    errors[:, :4] = [[1.0, -1.0, 2.0, 0.0], [0.5, 0.0, 0.0, 1.0]]
    values[:, :4] = [[5.0, 6.0, 7.0, 8.0], [1.0, 2.0, 3.0, 4.0]]
    result = accuracy(errors, np.array([4, 4]), Reference(values, 0.1))
    spread = ((values[:, :4] - 4.5) ** 2).sum()
    assert result.r2 == pytest.approx(1 - 7.25 / spread)
    relative = np.abs(errors[:, :4] / values[:, :4]).mean()
    assert result.mape == pytest.approx(100 * relative)


def test_groups_have_their_own_references():
    errors, values = np.array([0.1, 0.2, 0.3]), np.array([1.0, 4.0, 2.0])
    result = accuracy_by_group(errors, ["H", "O", "H"], Reference(values, 0.1))
    assert result["H"].mape == pytest.approx(12.5)
    assert result["H"].r2 == pytest.approx(1 - 0.1 / 0.5)
    assert np.isnan(result["O"].r2)
