"""Gauss-Newton training against residuals and derivatives written out in NumPy."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from annpot.errors import InputError
from annpot.training.columns import shapes_in_step
from annpot.training.gauss_newton.choice import most_atoms
from annpot.training.gauss_newton.directions import random_directions
from annpot.training.gauss_newton.memory import gauss_newton_memory
from annpot.training.gauss_newton.program import GaussNewtonProgram
from annpot.training.gauss_newton.room import gauss_newton_bytes
from annpot.training.gauss_newton.settings import GaussNewtonSettings
from annpot.training.order import batch_records
from annpot.training.trace import by_name
from reference.numpy_gauss_newton import (
    NumpyGaussNewton,
    by_structure,
    energy_row,
    flat,
    force_residuals,
    step_scales,
    unflat,
)
from reference.small_structures import (
    force_ini,
    potential_of_run,
    small_structures,
    with_gaps,
    write_xyz,
)
from reference.small_training import (
    OFFSETS,
    SPECIES,
    prepared,
    stored_records,
    train_ini,
    weights_of,
)

BATCH = 4
NETWORKS = {
    "H": {"architecture": "6:4:1", "activations": "gaussian:tanh:linear"},
    "C": {"architecture": "5:1", "activations": "tanh:linear"},
    "O": {"architecture": "4:3:1", "activations": "relu:gaussian:linear"},
    "N": {"architecture": "3:1", "activations": "tanh:gaussian"},
}
SETTINGS = GaussNewtonSettings(damping=0.02, momentum=0.8, bias_scale=2.5)


def rate(steps):
    """A rate that no two steps have in common."""
    return 0.5 / (1.0 + 0.3 * np.asarray(steps))


def program_of(run, settings):
    """GaussNewtonProgram over the variables of a Run."""
    run.parameters.read_in()
    most = most_atoms(run.data.counts, len(run.potential.specs))
    return GaussNewtonProgram(
        run.parameters, run.potential.networks, run.plan.step,
        run.data.step_form(run.plan.step), replace(settings, most_atoms=most),
        SimpleNamespace(at=rate),
    )  # fmt: skip


def stepped(run, program, n_steps, first=0):
    """Trace of some steps; the weights are put back into the networks."""
    traces = [
        program.run(piece.tables, piece.chunk)
        for piece in run.feed.pieces([(first, n_steps)])
    ]
    run.parameters.write_back()
    return np.concatenate(traces)


WEIGHTS = {  # keys of the loss -> weight of a residual by the number of atoms
    "quad": ({}, lambda n: 1.0),
    "per atom": ({"loss_function": "quad_atom"}, lambda n: 1 / n),
    "weighted": (
        {
            "loss_function": "quad",
            "energy_weight": "n_atoms",
            "energy_reduction": "sum",
        },
        lambda n: n**-0.5,
    ),
}


@pytest.mark.parametrize("loss", WEIGHTS)
@pytest.mark.parametrize("frozen", [(), (0,)], ids=["all", "first layer frozen"])
def test_steps_on_energies_are_those_of_numpy(tmp_path, small_data, loss, frozen):
    keys, weight_of = WEIGHTS[loss]
    networks = {
        element: dict(network)
        | {"trainable": ":".join("01"[i not in frozen] for i in range(n_layers))}
        for (element, network), n_layers in zip(
            NETWORKS.items(), (3, 2, 3, 2), strict=True
        )
    }
    training = {"TRAINING_PARAMETERS": {"precision": "float64"} | keys}
    run = prepared(train_ini(tmp_path, small_data, **training, **networks))
    start = weights_of(run)
    activations = {
        spec.element: [layer.activation for layer in spec.layers]
        for spec in run.potential.specs
    }
    vector = flat(start, SPECIES)
    scales = step_scales(start, SPECIES, SETTINGS.bias_scale, frozen)
    oracle = NumpyGaussNewton(scales, SETTINGS.damping, SETTINGS.momentum)
    records, losses = stored_records(small_data.training), []
    for step, batch in enumerate(batch_records(5, len(records), BATCH, 0, 6)):
        layers = unflat(vector, start, SPECIES)
        rows, errors = [], []
        for record in (records[i] for i in batch):
            error, row = energy_row(record, layers, activations, OFFSETS, SPECIES)
            rows.append(weight_of(record.n_atoms) * row)
            errors.append(weight_of(record.n_atoms) * error)
        losses.append(np.sum(np.square(errors)))
        vector = vector + oracle.step(np.array(rows), np.array(errors), rate(step))
    trace = stepped(run, program_of(run, SETTINGS), 6)
    found = flat(weights_of(run), SPECIES)
    np.testing.assert_allclose(found, vector, rtol=0, atol=1e-9)
    assert np.abs(vector - flat(start, SPECIES))[scales > 0].max() > 0.1
    divisor = 1 if "energy_reduction" in keys else BATCH
    found = [by_name(row)["loss"] for row in trace]
    np.testing.assert_allclose(found, np.array(losses) / divisor, rtol=1e-8)


@pytest.fixture(scope="module")
def structures():
    return with_gaps(small_structures(6))


def force_run(folder, path, form, precision="float64", **training):
    """Run with all structures in every batch, in the order of the file."""
    folder.mkdir(exist_ok=True)
    keys = {"batch_size": 6, "precision": precision, "floss_function": "quad_percomp"}
    return prepared(
        force_ini(
            folder, path,
            IO_INFORMATION={"derivatives": form, "dataset_shuffle": False},
            DEFAULT_NETWORK={
                "architecture": "4:3:1", "activations": "tanh:gaussian:linear"
            },
            TRAINING_PARAMETERS=keys | training,
        )
    )  # fmt: skip


# The smallest structures have 6 coordinates.
@pytest.mark.parametrize(("form", "q"), [("stored", 3), ("stored", 7), ("computed", 3)])
def test_steps_on_forces_are_those_of_differences(tmp_path, structures, form, q):
    settings = replace(SETTINGS, projections=q, seed=11)
    run = force_run(tmp_path, write_xyz(tmp_path / "a.xyz", structures), form)
    assert run.plan.step.form == form
    elements = [spec.element for spec in run.potential.specs]
    program, start = program_of(run, settings), weights_of(run)
    potential, vector = potential_of_run(run), flat(start, elements)
    oracle = NumpyGaussNewton(
        step_scales(start, elements, settings.bias_scale),
        settings.damping,
        settings.momentum,
    )
    (piece,) = run.feed.pieces([(0, 2)])
    places = random_directions(piece.chunk, settings, 0)
    for step in range(2):
        owners = [owned[step] for owned in piece.chunk.owners]
        along = by_structure(places[step], owners, structures, elements)

        def residuals(weights, along=along):
            layers = unflat(weights, start, elements)
            return force_residuals(potential, layers, structures, along, 0.3)

        moves = 1e-4 * np.eye(len(vector))
        jacobian = np.transpose(
            [(residuals(vector + m) - residuals(vector - m)) / 2e-4 for m in moves]
        )
        vector = vector + oracle.step(jacobian, residuals(vector), rate(step))
    program.run(piece.tables, piece.chunk)
    run.parameters.write_back()
    # The error of the differences is 1e-8 of third derivatives of order 1 to 10, that
    # of the solution this divided by the damping.
    found = flat(weights_of(run), elements)
    np.testing.assert_allclose(found, vector, rtol=0, atol=1e-5)
    assert np.abs(vector - flat(start, elements)).max() > 0.1


LOSSES = {
    "quad": {"floss_function": "quad"},
    "weights": {
        "loss_function": "quad_atom",
        "energy_cost": 0.7,
        "floss_function": "quad",
        "force_weights": "3n_atoms",
        "force_reduction": "sum",
    },
}


@pytest.mark.parametrize("loss", LOSSES)
def test_residuals_along_all_coordinates_add_up_to_the_loss(tmp_path, structures, loss):
    # Without momentum and with a large damping v = J^T r / (damping tr K / rows): a
    # step along the gradient of the loss, here by differences of the recorded loss.
    settings = GaussNewtonSettings(
        damping=1e9, momentum=0.0, bias_scale=1.0, projections=12
    )
    path = write_xyz(tmp_path / "a.xyz", structures)
    run = force_run(tmp_path, path, "stored", **LOSSES[loss])
    program = program_of(run, settings)
    before = {key: v.numpy() for key, v in program.trained.items()}
    (piece,) = run.feed.pieces([(0, 1)])
    program.run(piece.tables, piece.chunk)
    v = np.concatenate(
        [slot["increment"].numpy().ravel() for slot in program.optimizer.slots]
    )

    def recorded(key, values):
        for other, variable in program.trained.items():
            variable.assign(values if other == key else before[other])
        return by_name(program.run(piece.tables, piece.chunk)[0])["loss"]

    slopes, h = [], 1e-5
    for key, start in before.items():
        for place in np.ndindex(*start.shape):
            move = np.zeros(start.shape)
            move[place] = h
            ends = [recorded(key, start + sign * move) for sign in (1, -1)]
            slopes.append((ends[0] - ends[1]) / (2 * h))
    slopes = np.array(slopes)
    expected = slopes / np.linalg.norm(slopes)
    np.testing.assert_allclose(v / np.linalg.norm(v), expected, rtol=0, atol=1e-6)


def state_of(program):
    """All that a step depends on, as arrays."""
    optimizer = program.optimizer
    found = [v.numpy() for v in program.trained.values()]
    found += [v.numpy() for slots in optimizer.slots for v in slots.values()]
    return [*found, optimizer.iterations.numpy()]


def test_how_a_run_is_cut_changes_no_bit(tmp_path, structures):
    settings = replace(SETTINGS, projections=2, seed=3)
    path = write_xyz(tmp_path / "a.xyz", structures)
    found = []
    for number, cut in enumerate([[(0, 7)], [(0, 2), (2, 4), (6, 1)]]):
        run = force_run(tmp_path / str(number), path, "stored", "float32")
        program = program_of(run, settings)
        trace = np.concatenate([stepped(run, program, n, t) for t, n in cut])
        found.append([trace, *state_of(program)])
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_run_goes_on_from_its_stored_state_bit_by_bit(tmp_path, small_data):
    runs = []
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        run = prepared(train_ini(tmp_path / str(number), small_data))
        runs.append((run, program_of(run, SETTINGS)))
    (whole, first), (later, second) = runs
    stepped(whole, first, 4)
    for key, variable in second.trained.items():
        variable.assign(first.trained[key].numpy())
    slots = zip(first.optimizer.slots, second.optimizer.slots, strict=True)
    for of_first, of_second in slots:
        assert of_first.keys() == of_second.keys()
        for name, variable in of_second.items():
            variable.assign(of_first[name].numpy())
    second.optimizer.iterations.assign(first.optimizer.iterations)
    one, other = stepped(whole, first, 3, 4), stepped(later, second, 3, 4)
    np.testing.assert_array_equal(one, other)
    for one, other in zip(state_of(first), state_of(second), strict=True):
        np.testing.assert_array_equal(one, other)


def test_thirty_compiled_steps_fit_the_data(tmp_path, small_data):
    run = prepared(
        train_ini(
            tmp_path, small_data,
            IO_INFORMATION={"use_xla": True},
            DEFAULT_NETWORK={"activations": "tanh:linear"},
            TRAINING_PARAMETERS={"batch_size": 15},
        )
    )  # fmt: skip
    trace = stepped(run, program_of(run, GaussNewtonSettings(momentum=0.9)), 30)
    squares = [by_name(row)["sum_square_per_atom"] / 15 for row in trace]
    # 45 energies and some hundred weights: there is a network without errors.
    assert np.sqrt(np.mean(squares[-3:])) < 0.05 * np.sqrt(squares[0])


def test_nothing_moves_where_every_layer_is_frozen(tmp_path, small_data):
    default = {
        "architecture": "6:1", "trainable": "0:0", "activations": "tanh:linear"
    }  # fmt: skip
    run = prepared(train_ini(tmp_path, small_data, DEFAULT_NETWORK=default))
    trace = stepped(run, program_of(run, SETTINGS), 2)
    assert (trace[:, 0] > 0).all()


def test_frozen_layers_are_left_alone(tmp_path, small_data):
    default = {
        "architecture": "6:1", "trainable": "0:1", "activations": "tanh:linear"
    }  # fmt: skip
    run = prepared(train_ini(tmp_path, small_data, DEFAULT_NETWORK=default))
    before, program = weights_of(run), program_of(run, SETTINGS)
    assert {key.layer for key in program.trained} == {1}
    stepped(run, program, 3)
    for element, layers in weights_of(run).items():
        np.testing.assert_array_equal(layers[0][0], before[element][0][0])
        assert not np.array_equal(layers[1][0], before[element][1][0])


def test_a_run_without_formulas_is_refused_before_its_first_step(tmp_path, small_data):
    layers = {"architecture": "6:1", "activations": "rbf:linear"}
    chosen = {"optimizer": "gauss_newton", "learning_rate": 1}
    path = train_ini(
        tmp_path, small_data, DEFAULT_NETWORK=layers, TRAINING_PARAMETERS=chosen
    )
    number = 1 + path.read_text().splitlines().index("optimizer = gauss_newton")
    with pytest.raises(InputError) as error:
        prepared(path)
    assert error.value.problems == [
        f"{path}:{number}: optimizer = gauss_newton cannot be used here: activation "
        "rbf has no derivative of the form it needs. Change that, or choose another "
        "optimizer."
    ]


def test_the_memory_told_before_a_run_has_the_columns_of_the_step(tmp_path, small_data):
    layers = {"architecture": "6:1", "activations": "tanh:linear"}
    chosen = {"optimizer": "gauss_newton", "learning_rate": 1}
    path = train_ini(
        tmp_path, small_data, DEFAULT_NETWORK=layers, TRAINING_PARAMETERS=chosen
    )
    run = prepared(path)
    step, specs = run.plan.step, run.potential.specs
    n_weights = sum(variable.numpy().size for variable in run.program.trained.values())
    shapes = [shapes_in_step(*one) for one in zip(specs, step.columns, strict=True)]
    assert n_weights == sum((n + 1) * m for widths in shapes for n, m in widths)
    most = step.gauss_newton.most_atoms
    expected = gauss_newton_memory(step.gauss_newton, step, shapes, most)
    assert expected.increments == 2 * 4 * n_weights
    assert gauss_newton_bytes(step, specs) == expected.total
    assert gauss_newton_bytes(replace(step, gauss_newton=None), specs) == 0
