"""From the keys of [TRAINING_PARAMETERS] and the data to the settings of the filter."""

from annpot.training.kalman.components import n_components
from annpot.training.kalman.settings import KalmanSettings
from annpot.training.kalman.spread import energy_spread, force_spread

KALMAN = "kalman"


def kalman_settings(training, data, seed):
    """KalmanSettings of a run; None with another optimizer.

    Args:
        training: the [TRAINING_PARAMETERS] section.
        data: RowsData, StoredData or ComputedData of training, for the units.
        seed: of the choice of force components.
    """
    if training.optimizer != KALMAN:
        return None
    return KalmanSettings(
        covariance=training.kalman_covariance,
        kind=training.kalman_kind,
        epsilon=1.0 / training.kalman_initial_covariance,
        q0=training.kalman_noise,
        q_decay=training.kalman_noise_decay,
        q_min=training.kalman_noise_end,
        forgetting=training.kalman_lambda,
        nu=training.kalman_nu,
        max_variance=training.kalman_max_variance or None,
        eta0=training.kalman_eta,
        eta_growth=training.kalman_eta_growth,
        eta_max=training.kalman_eta_max,
        per_atom=training.kalman_energy_per_atom,
        precision=training.kalman_precision,
        seed=seed,
        **_observations(training, data),
    )


def _observations(training, data):
    """Units and number of observations, as keywords."""
    if data.form == "rows":
        energies, n_atoms = data.targets, data.sizes
    else:
        energies, n_atoms = data.targets.energies, data.targets.n_atoms
    per_atom = training.kalman_energy_per_atom
    spread = energy_spread(energies, n_atoms, per_atom)
    found = {"energy_unit": training.kalman_energy_unit or spread}
    if training.forces_cost == 0:
        return found
    fraction = training.kalman_force_fraction
    sizes = n_atoms[data.targets.has_forces]
    unit = training.kalman_force_unit or force_spread(data.targets.forces)
    n = n_components(fraction, training.batch_size, sizes)
    return found | {"force_unit": unit, "n_force_components": n}
