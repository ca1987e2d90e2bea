"""Columns of metrics.dat that a run may watch, as an INI file names them.

`annpot.training.metrics` makes them; config imports no training, so that a test holds
the two together.
"""

from difflib import get_close_matches

VALIDATION = "val_"  # before the columns of the validation data
COLUMNS = {  # choice in [IO_INFORMATION] metrics -> its columns
    "MAE": ("MAE/at", "F_MAE", "V_MAE/at"),
    "RMSE": ("RMSE/at", "RMSE", "F_RMSE", "V_RMSE/at"),
    "MSE": ("MSE/at", "F_MSE", "V_MSE/at"),
    "MAPE": ("MAPE/at", "F_MAPE", "V_MAPE/at"),
    "R2": ("R2/at", "F_R2", "V_R2/at"),
    "loss": ("loss", "e_loss", "f_loss", "v_loss", "reg_loss"),
}
OF_FORCES, OF_VIRIALS = ("F_", "f_loss"), ("V_", "v_loss")


def columns():
    """Every column of the training data, in the order of the table."""
    return tuple(name for names in COLUMNS.values() for name in names)


def parse_column(text):
    """A column of metrics.dat in its own spelling; `val_` is that of validation."""
    written = text.strip()
    known = (*columns(), *(f"{VALIDATION}{name}" for name in columns()))
    spelled = {name.lower(): name for name in known}
    if written.lower() in spelled:
        return spelled[written.lower()]
    close = get_close_matches(written.lower(), spelled, n=1)
    hint = f". Did you mean {spelled[close[0]]}?" if close else "."
    raise ValueError(
        f"{written!r} is not a column of metrics.dat{hint} Known, also with val_: "
        f"{', '.join(columns())}"
    )


def without_validation(column):
    """(column of the training data, whether `column` is one of the validation data)."""
    return column.removeprefix(VALIDATION), column.startswith(VALIDATION)
