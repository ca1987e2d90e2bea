"""Averages over the structures of an epoch, and their names in files."""

import math

from annpot.training.step import TRACE

# Choice in [IO_INFORMATION] metrics -> columns of metrics.dat and their measure.
COLUMNS = {
    "MAE": {"MAE/at": "mae_per_atom"},
    "RMSE": {"RMSE/at": "rmse_per_atom", "RMSE": "rmse"},
    "loss": {
        "loss": "loss",
        "e_loss": "energy_loss",
        "reg_loss": "regularization",
    },
}


def measures(sums, n_steps, batch_size):
    """True averages over all structures of some steps.

    Args:
        sums: sums of the step records, in the order of TRACE.
        n_steps: number of steps summed.
        batch_size: structures per step.

    Returns:
        {name: value}: losses as the mean over steps; MAE and RMSE per atom, and RMSE
        of the total energy, over structures; eV.
    """
    total = dict(zip(TRACE, sums, strict=True))
    n_structures = n_steps * batch_size
    return {
        "loss": total["loss"] / n_steps,
        "energy_loss": total["energy_loss"] / n_steps,
        "regularization": total["regularization"] / n_steps,
        "mae_per_atom": total["sum_abs_per_atom"] / n_structures,
        "rmse_per_atom": math.sqrt(total["sum_square_per_atom"] / n_structures),
        "rmse": math.sqrt(total["sum_square"] / n_structures),
    }


def file_columns(chosen, values, prefix=""):
    """{column of metrics.dat: value} of the chosen metrics."""
    return {
        f"{prefix}{column}": values[name]
        for choice in chosen
        for column, name in COLUMNS[choice].items()
    }
