"""From the keys of [TRAINING_PARAMETERS] to the settings of the method."""

from annpot.training.gauss_newton.settings import GaussNewtonSettings

GAUSS_NEWTON = "gauss_newton"


def gauss_newton_settings(config, seed, specs, counts):
    """GaussNewtonSettings of a run; None with another optimizer.

    Args:
        config: TrainConfig.
        seed: of the directions of forces.
        specs: NetworkSpec of each element.
        counts: atoms of each element in each structure, see `RowsData`.
    """
    training, networks = config.training, config.default_network
    if training.optimizer != GAUSS_NEWTON:
        return None
    inputs_are_small = networks.standardize and networks.standardize_power < 1.0
    return GaussNewtonSettings(
        damping=training.gauss_newton_damping,
        momentum=training.gauss_newton_momentum,
        bias_scale=training.gauss_newton_bias_scale,
        projections=training.gauss_newton_projections,
        input_scale=1.0 if inputs_are_small else 1.0 / specs[0].n_features,
        most_atoms=most_atoms(counts, len(specs)),
        seed=seed,
    )


def most_atoms(counts, n_species):
    """For each element the most atoms that a structure has, at least 1.

    Args:
        counts: (n_records, n_columns) of which the first are the atoms of the elements.
        n_species: number of elements.
    """
    return tuple(int(n) for n in counts[:, :n_species].max(axis=0).clip(min=1))
