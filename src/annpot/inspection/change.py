"""From a path to what can be changed there."""

from pathlib import Path

from annpot.data.dataset_description import FILE_NAME as DATASET
from annpot.errors import InputError
from annpot.inspection.change_data import data_target
from annpot.inspection.change_model import model_target
from annpot.inspection.recognise import explained
from annpot.networks.checkpoint_files import saved_checkpoints
from annpot.networks.metadata_layouts import FILE_NAME as METADATA

MODELS = "_models"
SETTABLE = "Data folders, extracted networks and checkpoints can be changed."


def target(path):
    """Target at a path: a data folder, extracted networks, or a checkpoint.

    A folder of checkpoints, or a train_dir, stands for its newest checkpoint.

    Raises:
        InputError: there is none of these, or it is damaged.
    """
    path = Path(path)
    with explained(path):
        folder = path.parent if path.name in (DATASET, METADATA) else path
        if (folder / METADATA).exists():
            return model_target(folder)
        if (folder / DATASET).exists():
            return data_target(folder)
        prefix = _prefix(path)
        if prefix is None:
            path.stat()
            raise InputError(f"{path}: nothing that can be changed. {SETTABLE}")
        from annpot.inspection.change_checkpoint import checkpoint_target

        return checkpoint_target(prefix)


def _prefix(path):
    """Prefix of the checkpoint that a path means, None for none."""
    from annpot.inspection.checkpoints import prefix_of

    prefix = prefix_of(path)
    if Path(f"{prefix}.index").is_file():
        return prefix
    for folder in (path / MODELS, path):
        saved = saved_checkpoints(folder)
        if saved:
            return max(saved, key=lambda one: one.step).prefix
    return None
