"""From the keys of [TRAINING_PARAMETERS] to the settings of the method."""

from annpot.training.gauss_newton.settings import GaussNewtonSettings

GAUSS_NEWTON = "gauss_newton"


def gauss_newton_settings(training, seed, n_features):
    """GaussNewtonSettings of a run; None with another optimizer.

    Args:
        training: the [TRAINING_PARAMETERS] section.
        seed: of the directions of forces.
        n_features: length of the descriptor.
    """
    if training.optimizer != GAUSS_NEWTON:
        return None
    return GaussNewtonSettings(
        damping=training.gauss_newton_damping,
        momentum=training.gauss_newton_momentum,
        bias_scale=training.gauss_newton_bias_scale,
        projections=training.gauss_newton_projections,
        input_scale=1.0 / n_features,
        seed=seed,
    )
