"""A checkpoint's weights and optimizer state, put into the networks of a run."""

import numpy as np

from annpot.errors import InputError
from annpot.networks.architecture import LayerWeights
from annpot.training.kalman.choice import KALMAN
from annpot.training.kalman.stored import restore_filter
from annpot.training.optimizers import slot_variables

REST = "rest/"  # before the names of rows that the step leaves out


def restore(start, potential, program):
    """Set weights, optimizer slots and step from a Start with a state.

    Everything else (rates, schedule, what is frozen) stays as the INI file says. Slots
    that go on in a new run, whose steps count from 0, go on with the bias correction
    that they had: they started at a negative step.

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
    if not start.keeps_slots:
        return []
    stored, now = optimizer_family(state.run), program.optimizer.family
    if stored != now and (state.slots or state.optimizer or now == KALMAN):
        program.optimizer.begin_at(start.progress.step)
        return [
            f"The optimizer state in {state.prefix.name} is that of {stored}: {now} "
            "starts afresh."
        ]
    if now == KALMAN and not restore_filter(state, potential, program):
        program.optimizer.begin_at(start.progress.step)
        return [
            f"The covariance in {state.prefix.name} is that of other weights, or of "
            "another kalman_covariance: the filter starts afresh."
        ]
    if start.stored is not None and now != KALMAN:
        _restore_state(state.optimizer, program)
    missing = _restore_slots(state, start.progress.step, program)
    if not missing or not state.slots:
        return []
    names = ", ".join(dict.fromkeys(missing))
    return [f"No optimizer state is stored for {names}; it starts at zero."]


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


def columns_before(stored, shape, elements):
    """(n_species, n_features) columns that an earlier part of the run computed with.

    Args:
        stored: facts of that part, or None.
        shape: (n_species, n_features).
        elements: symbols in the order of the species indices.
    """
    marks = np.zeros(shape, bool)
    facts = stored or {}
    known = facts.get("species", ()), facts.get("columns", ())
    of_element = dict(zip(*known, strict=False))
    for number, element in enumerate(elements):
        columns = of_element.get(element, ())
        chosen = slice(None) if columns is None else np.array(columns, int)
        if columns is None or not len(columns) or chosen.max() < shape[1]:
            marks[number, chosen] = True
    return marks


def _restore_slots(state, step, program):
    """Set the slots that are stored; names of variables without."""
    optimizer, parameters, missing = program.optimizer, program.parameters, []
    first_steps = (state.run or {}).get("slots_since", {})
    passed = state.progress.step - step  # in the run that the slots come from
    slots = slot_variables(optimizer, program.trained)
    for number, key in enumerate(program.trained):
        stored = {
            slot: state.slots.get((key.element, key.layer, key.kind, slot))
            for slot in optimizer.slots[number]
        }
        if any(values is None for values in stored.values()):
            missing.append(f"{key.element} layer {key.layer} {key.kind}")
            optimizer.first_steps[number] = step
            continue
        since = min(first_steps.get(str(key), 0), state.progress.step)
        optimizer.first_steps[number] = since - passed
        for slot, values in stored.items():
            slots[key, slot].assign(parameters.from_full(key, values))
    return missing


def optimizer_state(program):
    """{name: array or variable} of a program that is neither a weight nor a slot.

    What the optimizer names, and `rest/ELEMENT/0/kernel`, see `Parameters.rest`.
    """
    rest = program.parameters.rest.items()
    return program.optimizer.state() | {f"{REST}{key}": rows for key, rows in rest}


def _restore_state(stored, program):
    """Set what `optimizer_state` gave, as far as the program has it."""
    program.optimizer.set_state(stored)
    for key in program.trained:
        if f"{REST}{key}" in stored and program.parameters.rest_factor is not None:
            program.parameters.rest[key] = stored[f"{REST}{key}"]


def optimizer_family(facts):
    """Name of the optimizer that wrote the slots of a checkpoint, see `Optimizer`."""
    return (facts or {}).get("optimizer", "adam")


def slot_facts(program):
    """{variable: step at which its slots started}, those of step 0 left out."""
    pairs = zip(program.trained, program.optimizer.first_steps, strict=True)
    return {str(key): step for key, step in pairs if step}


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
