"""Is Weights & Biases there, where an INI file asks for it?"""

import importlib.util

from annpot.errors import InputError

WHERE = "[IO_INFORMATION] wandb_project"


def require_wandb():
    """Refuse to start without the package.

    Raises:
        InputError: it is not installed.
    """
    found = importlib.util.find_spec("wandb")
    # W&B names its own folders wandb; one in the current folder is no package.
    if found is None or found.origin is None:
        raise InputError(
            f"{WHERE}: the package wandb is not installed. pip install wandb, or leave "
            "the key out; TensorBoard and history.csv show the same numbers."
        )
