"""A checkpoint's weights and optimizer state, put into the networks of a run."""

import numpy as np

from annpot.errors import InputError
from annpot.networks.architecture import LayerWeights
from annpot.training.optimizers import slot_variables


def restore(start, potential, program):
    """Set weights, optimizer slots and step from a Start with a state.

    Everything else (rates, schedule, what is frozen) stays as the INI file says.

    Returns:
        list of notices, for example about variables without stored slots.

    Raises:
        InputError: elements or layer sizes differ; all differences at once.
    """
    state = start.state
    problems = _differences(state, potential)
    if problems:
        raise InputError(
            problems,
            f"{state.prefix} holds other networks than the INI file describes. Restore "
            "the architecture, or extract the weights and start from them with "
            "networks_metadata.",
        )
    potential.set_layers(
        {
            element: [LayerWeights(*pair) for pair in layers]
            for element, layers in state.layers.items()
        }
    )
    program.optimizer.iterations.assign(start.progress.step)
    if start.progress.step == 0 or not state.slots:
        return []
    return _restore_slots(state, program)


def stored_columns(state, elements, n_features):
    """(n_species, n_features) columns whose weights have a history in the optimizer.

    False everywhere without a state.
    """
    marks = np.zeros((len(elements), n_features), bool)
    for (element, layer, kind, _), values in (
        {} if state is None else state.slots
    ).items():
        if element in elements and (layer, kind) == (0, "kernel"):
            rows = values.any(axis=1)
            marks[elements.index(element), : len(rows)] |= rows[:n_features]
    return marks


def _restore_slots(state, program):
    parameters, missing = program.parameters, []
    for (key, slot), variable in slot_variables(
        program.optimizer, program.trained
    ).items():
        values = state.slots.get((key.element, key.layer, key.kind, slot))
        if values is None:
            missing.append(f"{key.element} layer {key.layer} {key.kind}")
        else:
            variable.assign(parameters.from_full(key, values))
    if not missing:
        return []
    names = ", ".join(dict.fromkeys(missing))
    return [f"No optimizer state is stored for {names}; it starts at zero."]


def _differences(state, potential):
    problems = []
    expected = {network.name: network.spec for network in potential.networks}
    for element in sorted(set(expected) ^ set(state.layers)):
        where = "the checkpoint" if element in state.layers else "the INI file"
        problems.append(f"{state.prefix}: only {where} has a network for {element}.")
    for element in expected.keys() & state.layers.keys():
        stored = [kernel.shape for kernel, _ in state.layers[element]]
        wanted = list(expected[element].shapes)
        if stored != wanted:
            problems.append(
                f"{state.prefix}: the layers of {element} have shapes {stored}, "
                f"expected {wanted}."
            )
    return problems
