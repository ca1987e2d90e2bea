"""Choices of the extended Kalman filter, as numbers and names."""

from dataclasses import dataclass

COVARIANCES = ("full", "element", "layer")  # from large to small
KINDS = ("fading_memory", "standard")


@dataclass(frozen=True)
class KalmanSettings:
    """Choices of `annpot.training.kalman.filter.KalmanFilter`.

    Forgetting is that of RuNNer by default. In float32 a large max_variance may cost P
    its positivity: 1000 lasted (1080 updates of 6340 weights), 10,000 did not.

    Attributes:
        covariance: which correlations of weights are kept: "full" all of them,
            "element" those within the network of an element, "layer" those within a
            layer of it.
        kind: "fading_memory" (forgetting factor) or "standard" (learning rate).
        epsilon: P(0) = I / epsilon.
        q0, q_decay, q_min: process noise Q = q I; q(t+1) = max(q(t) exp(-q_decay),
            q_min) from q0. q_decay is per update; n2p2 gives it per epoch.
        forgetting, nu: fading memory: lambda(0); lambda(t+1) = nu lambda(t) + 1 - nu.
        max_variance: most that forgetting makes of the variance of a weight; None: no
            limit, as in n2p2.
        eta0, eta_growth, eta_max: standard: measurement noise 1/eta; eta(t) =
            min(eta(t-1) exp(eta_growth), eta_max) from eta0, so that the first update
            has grown once. eta_growth is per update.
        per_atom: whether an observed energy is divided by the atoms of the structure.
        energy_unit: eV (per atom or in total) that counts as one; the spread of the
            reference energies makes errors of order one, see `energy_spread`.
        force_unit: eV/angstrom that counts as one.
        n_force_components: force components that an update observes; 0 for none.
        seed: of the choice of these components.
        precision: "float64" or "float32" of the covariance; the latter takes
            less than half the time.
    """

    covariance: str = "element"
    kind: str = "fading_memory"
    epsilon: float = 0.01
    q0: float = 0.0
    q_decay: float = 0.0
    q_min: float = 0.0
    forgetting: float = 0.98
    nu: float = 0.9987
    max_variance: float | None = 1000.0
    eta0: float = 0.01
    eta_growth: float = 0.0
    eta_max: float = 1.0
    per_atom: bool = True
    energy_unit: float = 1.0
    force_unit: float = 1.0
    n_force_components: int = 0
    seed: int = 0
    precision: str = "float64"

    @property
    def is_bounded(self):
        """Whether forgetting has a limit."""
        return self.kind == "fading_memory" and self.max_variance is not None

    @property
    def itemsize(self):
        """Bytes of a number of the covariance."""
        return 8 if self.precision == "float64" else 4


def observations_per_update(settings, batch_size):
    """m: energies of all streams and the chosen force components."""
    return batch_size + settings.n_force_components
