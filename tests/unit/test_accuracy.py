"""Errors per atom of structures of different sizes, against numbers by hand."""

import numpy as np
import pytest

from annpot.accuracy import accuracy, accuracy_by_group, errors_per_atom

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
