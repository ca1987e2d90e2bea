"""Values that follow from other values of the same file."""

from annpot.config.descriptor_config import evaluation_like_training


def run_length(parts):
    """Fill steps_per_epoch and max_epochs where max_steps is given instead.

    steps_per_epoch = max(1, max_steps // 10), max_epochs = the epochs max_steps needs;
    the last one may be shorter. Without max_steps, an epoch of L-BFGS is one step
    unless told.
    """
    training = parts.training
    if training.max_steps is None:
        if training.optimizer == "lbfgs" and training.steps_per_epoch is None:
            update = {"steps_per_epoch": 1}
            parts.training = training.model_copy(update=update)
        return
    per_epoch = training.steps_per_epoch or max(1, training.max_steps // 10)
    parts.training = training.model_copy(
        update={
            "steps_per_epoch": per_epoch,
            "max_epochs": -(-training.max_steps // per_epoch),
        }
    )


def validation_like_training(parts):
    """Validation reads the format of training unless told."""
    validation = parts.validation
    input_format = validation.input_format or parts.io.input_format
    parts.validation = validation.model_copy(update={"input_format": input_format})


def angular_like_radial(parts):
    """BP: angular cutoff and widths are the radial ones unless told."""
    numbers = parts.gvect_parameters
    if parts.symmetry_function.type != "BP":
        return
    parts.gvect_parameters = numbers.model_copy(
        update={
            "rc_ang": numbers.rc_ang or numbers.rc_rad,
            "eta_ang": numbers.eta_ang or numbers.eta_rad,
        }
    )


def newest_unless_told(parts):
    """epoch_number = -1 and step_number = -1 name no checkpoint, as in extraction."""
    validation = parts.validation
    unset = {
        name: None
        for name in ("epoch_number", "step_number")
        if getattr(validation, name) == -1
    }
    parts.validation = validation.model_copy(update=unset)


DERIVED = {
    "app_gvect_calculator": (angular_like_radial,),
    "app_evaluate": (newest_unless_told, evaluation_like_training),
    "app_train": (run_length, validation_like_training),
}
