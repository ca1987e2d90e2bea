"""Averages over the labels of an epoch, and their names in files."""

import math

# Choice in [IO_INFORMATION] metrics -> columns of metrics.dat and their measure.
COLUMNS = {
    "MAE": {
        "MAE/at": "mae_per_atom",
        "F_MAE": "mae_force",
        "V_MAE/at": "mae_virial_per_atom",
    },
    "RMSE": {
        "RMSE/at": "rmse_per_atom",
        "RMSE": "rmse",
        "F_RMSE": "rmse_force",
        "V_RMSE/at": "rmse_virial_per_atom",
    },
    "loss": {
        "loss": "loss",
        "e_loss": "energy_loss",
        "f_loss": "force_loss",
        "v_loss": "virial_loss",
        "reg_loss": "regularization",
    },
}
LOSSES = {  # loss -> number of the labels it is about
    "energy_loss": "n_energies",
    "force_loss": "n_force_components",
    "virial_loss": "n_virial_components",
}
MEAN_ERRORS = {  # measure -> sum of absolute errors, number of labels
    "mae_per_atom": ("sum_abs_per_atom", "n_energies"),
    "mae_force": ("sum_abs_force", "n_force_components"),
    "mae_virial_per_atom": ("sum_abs_virial", "n_virial_components"),
}
ROOT_MEAN_SQUARES = {  # measure -> sum of squared errors, number of labels
    "rmse_per_atom": ("sum_square_per_atom", "n_energies"),
    "rmse": ("sum_square", "n_energies"),
    "rmse_force": ("sum_square_force", "n_force_components"),
    "rmse_virial_per_atom": ("sum_square_virial", "n_virial_components"),
}


def measures(total, n_steps):
    """True averages over all labels of some steps.

    A measure of labels that none of the structures has is left out.

    Args:
        total: {name: sum over the steps}, names of `annpot.training.trace`; those of
            labels that are not trained may be missing.
        n_steps: number of steps summed.

    Returns:
        {name: value}: losses as the mean over steps; MAE and RMSE of the energy per
        atom, and RMSE of the total energy, over structures, eV; of the forces over
        components, eV/angstrom; of the virial per atom over the components of its
        3 x 3 matrix, eV.
    """
    found = {name: total[name] / n_steps for name in ("loss", "regularization")}
    for name, count in LOSSES.items():
        if total.get(count):
            found[name] = total[name] / n_steps
    for name, (part, count) in MEAN_ERRORS.items():
        if total.get(count):
            found[name] = total[part] / total[count]
    for name, (part, count) in ROOT_MEAN_SQUARES.items():
        if total.get(count):
            found[name] = math.sqrt(total[part] / total[count])
    return found


def file_columns(chosen, values, prefix=""):
    """{column of metrics.dat: value} of the chosen metrics, where there is a value."""
    return {
        f"{prefix}{column}": values[name]
        for choice in chosen
        for column, name in COLUMNS[choice].items()
        if name in values
    }
