"""From the keys of [TRAINING_PARAMETERS] to the settings of the method."""

from annpot.training.gauss_newton.settings import GaussNewtonSettings

GAUSS_NEWTON = "gauss_newton"


def gauss_newton_settings(training, seed, specs, counts):
    """GaussNewtonSettings of a run; None with another optimizer.

    Args:
        training: the [TRAINING_PARAMETERS] section.
        seed: of the directions of forces.
        specs: NetworkSpec of each element.
        counts: atoms of each element in each structure, see `RowsData`.
    """
    if training.optimizer != GAUSS_NEWTON:
        return None
    return GaussNewtonSettings(
        damping=training.gauss_newton_damping,
        momentum=training.gauss_newton_momentum,
        bias_scale=training.gauss_newton_bias_scale,
        projections=training.gauss_newton_projections,
        input_scale=1.0 / specs[0].n_features,
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
