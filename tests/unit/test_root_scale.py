"""Scales of descriptor columns, by hand and on random numbers."""

import numpy as np

from annpot.training.root_scale import root_scale


def test_scales_by_hand():
    # t = 4, 1, 4e-4: a^2 = 16/4 + 1/1 + 0 = 5.
    found = root_scale([4.0, 1.0, 0.0])
    np.testing.assert_allclose(found, np.sqrt([20.0, 5.0, 0.002]), rtol=1e-14)


def test_inputs_have_unit_length_on_average_and_roots_of_spreads():
    g = np.random.default_rng(1).normal(size=(500, 6)) * [9, 4, 1, 0.25, 0.04, 0.01]
    x = (g - g.mean(axis=0)) / root_scale(g.std(axis=0))
    np.testing.assert_allclose((x**2).sum(axis=1).mean(), 1.0, rtol=1e-12)
    spreads, roots = x.std(axis=0), np.sqrt(g.std(axis=0))
    np.testing.assert_allclose(spreads / spreads[0], roots / roots[0], rtol=1e-12)


def test_constant_columns_change_nothing():
    few, more = root_scale([0.3, 0.7]), root_scale([0.3, 0.0, 0.7, 0.0])
    np.testing.assert_array_equal(more[[0, 2]], few)
    np.testing.assert_array_equal(root_scale([0.0, 0.0]), [1.0, 1.0])
