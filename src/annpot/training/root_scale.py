"""Scales of descriptor columns between their spread and none."""

import numpy as np

SMALLEST = 1e-4  # spread that counts at least, in units of the largest


def root_scale(std):
    """Divisors s of columns so that x = (G - mean) / s keeps half of their differences.

        s_c = a sqrt(t_c),   t_c = max(std_c, SMALLEST max(std))

    The spread of x_c goes with sqrt(std_c): columns that vary little get more weight
    than they have by themselves, and less than those that vary much. a makes the mean
    of |x|^2 over the atoms 1, whatever the number of columns.

    Args:
        std: (n_columns,) standard deviations over the atoms of an element; 0 of columns
            that are constant, which do not change the others.

    Returns:
        (n_columns,) float64, positive; 1 where no column varies.
    """
    std = np.asarray(std, np.float64)
    largest = std.max(initial=0.0)
    if largest == 0.0:
        return np.ones(std.shape)
    spread = np.maximum(std, SMALLEST * largest)
    return np.sqrt(spread * np.sum(std**2 / spread))
