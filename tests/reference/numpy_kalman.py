"""The extended Kalman filter written out in NumPy: loops and explicit matrices.

Every matrix is made in full: the covariance of all weights, of which a decoupled filter
keeps blocks; the gain; the inverse of the matrix of the observations. Derivatives of
energies by weights are those of `numpy_training`, structure by structure; those of
forces are differences of energies at moved atoms, for which the descriptors are made
anew.
"""

import numpy as np


class NumpyKalman:
    """State of the filter.

    Args:
        n: number of weights.
        groups: list of lists of weights whose correlations are kept.
        numbers: what KalmanSettings has, as a dict.
    """

    def __init__(self, n, groups, numbers):
        self.numbers = numbers
        self.p = np.eye(n) / numbers["epsilon"]
        self.kept = np.zeros((n, n), bool)
        for group in groups:
            for i in group:
                for j in group:
                    self.kept[i, j] = True
        self.forgetting = numbers["forgetting"]
        self.q, self.eta = numbers["q0"], numbers["eta0"]

    def update(self, h, xi):
        """Changes of the weights; h (n, m) is H as columns, xi (m,)."""
        numbers, (n, m) = self.numbers, h.shape
        is_fading = numbers["kind"] == "fading_memory"
        if is_fading:
            noise, divisor = self.forgetting, self.forgetting
        else:
            self.eta *= np.exp(numbers["eta_growth"])
            self.eta = min(self.eta, numbers["eta_max"])
            noise, divisor = 1.0 / self.eta, 1.0
        a = np.linalg.inv(noise * np.eye(m) + h.T @ self.p @ h)
        gain = self.p @ h @ a  # (n, m)
        p = self.p - gain @ h.T @ self.p
        limit = numbers["max_variance"] if is_fading else None
        factors = np.full(n, 1.0 / np.sqrt(divisor))
        for i in range(n):
            if limit is not None and p[i, i] / divisor > limit:
                factors[i] = np.sqrt(limit / p[i, i])
        p = np.diag(factors) @ p @ np.diag(factors)
        for i in range(n):
            p[i, i] += self.q
        self.p = np.where(self.kept, p, 0.0)
        self.q = max(self.q * np.exp(-numbers["q_decay"]), numbers["q_min"])
        if is_fading:
            self.forgetting = numbers["nu"] * self.forgetting + 1.0 - numbers["nu"]
        return gain @ xi
