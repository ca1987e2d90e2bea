"""Optimizers written out by hand in NumPy, one number after the other in float64.

A rule is called with the gradient, the rate and the number of the update from 1; it
keeps its memory and returns what is subtracted from the weights.
"""

import numpy as np


class NumpyAdam:
    """Algorithm 1 of arXiv:1412.6980 with epsilon beside sqrt(v), not sqrt(v_hat)."""

    def __init__(self, b1, b2, eps):
        self.b1, self.b2, self.eps = b1, b2, eps
        self.m = self.v = 0.0

    def __call__(self, g, rate, t):
        self.m = self.b1 * self.m + (1 - self.b1) * g
        self.v = self.b2 * self.v + (1 - self.b2) * g**2
        scale = np.sqrt(1 - self.b2**t) / (1 - self.b1**t)
        return rate * scale * self.m / (np.sqrt(self.v) + self.eps)


class NumpyNadam(NumpyAdam):
    """Algorithm 2 of Dozat (2016), momentum of Keras: mu_t = b1 (1 - 0.96^t / 2)."""

    product = 1.0

    def __call__(self, g, rate, t):
        mu, mu_next = (self.b1 * (1 - 0.5 * 0.96**n) for n in (t, t + 1))
        self.product *= mu
        super().__call__(g, rate, t)
        m_hat = mu_next * self.m / (1 - self.product * mu_next)
        g_hat = (1 - mu) * g / (1 - self.product)
        v_hat = self.v / (1 - self.b2**t)
        return rate * (m_hat + g_hat) / (np.sqrt(v_hat) + self.eps)


class NumpyRMSprop:
    """Lecture 6.5 of Tieleman and Hinton, momentum on the scaled gradient."""

    def __init__(self, rho, eps, momentum=0.0):
        self.rho, self.eps, self.momentum = rho, eps, momentum
        self.v = self.m = 0.0

    def __call__(self, g, rate, t):
        self.v = self.rho * self.v + (1 - self.rho) * g**2
        self.m = self.momentum * self.m + rate * g / np.sqrt(self.v + self.eps)
        return self.m


class NumpySGD:
    """Gradient descent; velocity of Sutskever et al. (2013)."""

    def __init__(self, momentum=0.0, nesterov=False):
        self.momentum, self.nesterov = momentum, nesterov
        self.velocity = 0.0

    def __call__(self, g, rate, t):
        self.velocity = self.momentum * self.velocity - rate * g
        if self.nesterov:
            return -(self.momentum * self.velocity - rate * g)
        return -self.velocity
