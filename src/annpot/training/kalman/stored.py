"""The filter of a checkpoint, put into that of a run."""


def restore_filter(state, potential, program):
    """Whether the filter of a SavedState is about the same weights; it is set then.

    Weights are the same where layers trained, descriptor columns in use and elements
    with scaled descriptors are.

    Args:
        state: SavedState that a filter wrote.
        potential: Potential of the run.
        program: KalmanProgram.
    """
    run = state.run or {}
    trained = {one["element"]: one["trainable"] for one in run.get("networks", ())}
    if trained != _trainable(potential) or not _same_columns(run, program.settings):
        return False
    if {*state.standardization} != {key.element for key in program.parameters.scaled()}:
        return False
    return program.optimizer.set_state(state.optimizer)


def _trainable(potential):
    return {
        spec.element: [layer.trainable for layer in spec.layers]
        for spec in potential.specs
    }


def _same_columns(run, settings):
    now = [None if kept is None else kept.tolist() for kept in settings.columns]
    return run.get("columns") == now
