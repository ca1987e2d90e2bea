"""Runs on energies, forces and virials: repeatable, resumable, true numbers."""

from dataclasses import replace

import numpy as np
import pytest

from annpot.errors import InputError
from reference import numpy_force_loss
from reference.small_structures import (
    force_ini,
    potential_of_run,
    small_structures,
    with_gaps,
    write_xyz,
)
from reference.small_training import (
    FinishedRun,
    assert_close_weights,
    assert_same_run,
    newest_state,
    prepared,
    run_steps,
    trained,
    weights_of,
)

KEYS = {
    "steps_per_epoch": 5,
    "max_epochs": 3,
    "batch_size": 3,
    "virial_cost": 0.4,
}
TRAINING = with_gaps(small_structures(14))
VALIDATION = with_gaps(small_structures(9, seed=2))
FORMS = ("stored", "computed")
every_form = pytest.mark.parametrize("form", FORMS)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """(training, validation) files; labels are missing here and there."""
    folder = tmp_path_factory.mktemp("structures")
    return (
        write_xyz(folder / "train.xyz", TRAINING),
        write_xyz(folder / "validate.xyz", VALIDATION),
    )


def ini_of(folder, data, form, io=(), **training):
    folder.mkdir(exist_ok=True, parents=True)
    return force_ini(
        folder,
        *data,
        IO_INFORMATION={"derivatives": form, **dict(io)},
        TRAINING_PARAMETERS=KEYS | training,
    )


def finished(folder, *about, **training):
    shown = trained(ini_of(folder, *about, **training))
    return FinishedRun(folder / "run", shown)


@pytest.fixture(scope="module")
def finished_runs(tmp_path_factory, data):
    """{form: FinishedRun} of three epochs of five steps."""
    folder = tmp_path_factory.mktemp("finished")
    return {form: finished(folder / form, data, form) for form in FORMS}


@every_form
def test_a_run_says_what_it_does(finished_runs, data, form):
    shown = finished_runs[form].shown
    about = {
        "stored": "14 structures (derivatives in memory), 9 to validate",
        "computed": "14 structures (neighbour lists in memory), 9 to validate",
    }
    assert about[form] in shown
    assert f"note: Derivatives of the descriptors: {form} (as asked" in shown
    n_energies, n_forces, n_virials = (
        sum(getattr(s, label) is not None for s in TRAINING)
        for label in ("energy", "forces", "virial")
    )
    assert 0 < n_virials < n_energies < n_forces < 14
    assert (
        f"note: {data[0]}: 14 structures, {n_energies} with energy, {n_forces} with "
        f"forces, {n_virials} with virial."
    ) in shown
    assert "forces MAE" in shown
    assert "virials MAE" in shown
    run = finished_runs[form].state.run
    assert run["form"] == form
    columns = set(finished_runs[form].metrics_table())
    expected = {"F_MAE", "V_MAE/at", "f_loss", "v_loss", "MAE/at", "F_RMSE"}
    assert expected | {f"val_{name}" for name in expected} <= columns


def test_both_forms_write_the_same_numbers(finished_runs):
    one, other = (finished_runs[form] for form in FORMS)
    # Networks of float32, 15 steps.
    assert_close_weights(one.state.layers, other.state.layers, atol=1e-4)
    assert one.metrics_table().keys() == other.metrics_table().keys()
    for column, values in one.metrics_table().items():
        np.testing.assert_allclose(
            other.metrics_table()[column], values, rtol=1e-3, err_msg=column
        )


HOW = {
    "again": {},
    "a checkpoint each third step": {"save_checkpoint_steps": 3, "log_frequency": 4},
    "chunks of one step": {"save_checkpoint_steps": 1},
}


@every_form
@pytest.mark.parametrize("io", HOW.values(), ids=HOW)
def test_how_a_run_is_done_changes_no_bit(tmp_path, data, finished_runs, form, io):
    assert_same_run(finished(tmp_path, data, form, io), finished_runs[form])


def test_neighbours_from_a_file_change_no_bit(tmp_path, data, finished_runs):
    run = finished(tmp_path, data, "computed", {"memory_budget_mb": 1e-6})
    assert "(neighbour lists in a temporary file)" in run.shown
    assert_same_run(run, finished_runs["computed"])


@every_form
@pytest.mark.parametrize("step", [5, 7])
def test_a_resumed_run_is_the_uninterrupted_one(
    tmp_path, data, finished_runs, form, step
):
    finished(tmp_path, data, form, max_steps=step, max_epochs=None)
    assert newest_state(tmp_path / "run").progress.step == step
    run = finished(tmp_path, data, form)
    assert "Continuing from" in run.shown
    assert_same_run(run, finished_runs[form])


@every_form
def test_energies_may_be_followed_by_forces(tmp_path, data, form):
    """Adam's slots of the first run are those of all variables: training goes on."""
    first = ini_of(tmp_path, data, "auto", forces_cost=0, virial_cost=0, max_epochs=1)
    trained(first)
    io = {"restart_mode": "continue_from_last_ckpt"}
    run = FinishedRun(tmp_path / "run", trained(ini_of(tmp_path, data, form, io)))
    assert run.state.progress.step == 15
    assert "forces_cost: 0.0 -> 0.3" in run.shown
    table = run.metrics_table()
    assert np.isnan(table["F_MAE"][0])
    assert np.isfinite(table["F_MAE"][1:]).all()


@every_form
@pytest.mark.parametrize("xla", [False, True], ids=["graph", "XLA"])
def test_a_shape_is_a_program_and_changes_no_result(tmp_path, form, xla, monkeypatch):
    from annpot.training import plan

    structures = small_structures(8, molecules=("OH", "OH", "HOHOHOHO"), cells=((),))
    path = write_xyz(tmp_path / "a.xyz", structures)
    io = {"use_xla": xla, "dataset_shuffle": False}
    keys = {"precision": "float64", "batch_size": 1, "virial_cost": 0}
    run = prepared(ini_of(tmp_path / "ladder", (path,), form, io, **keys))
    assert len(run.plan.step.shapes) > 2
    used = {_room(piece.chunk) for piece in run.feed.pieces([(0, 10)])}
    trace = run_steps(run, 10)
    assert run.program.n_programs == len(used) == 2
    batch_shapes = plan.batch_shapes
    monkeypatch.setattr(plan, "batch_shapes", lambda *about: batch_shapes(*about)[-1:])
    alike = prepared(ini_of(tmp_path / "alike", (path,), form, io, **keys))
    # Sums over padded arrays of other lengths: float64 rounding, and Adam.
    np.testing.assert_allclose(run_steps(alike, 10), trace, rtol=1e-9, atol=1e-12)
    assert_close_weights(weights_of(alike), weights_of(run), atol=1e-9)
    assert alike.program.n_programs == 1


def _room(chunk):
    """Lengths of the arrays of a batch."""
    import tensorflow as tf

    return tuple(array.shape[1:] for array in tf.nest.flatten(chunk))


@every_form
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_validation_is_that_of_the_numpy_potential(
    tmp_path, data, form, reduction, monkeypatch
):
    monkeypatch.setattr("annpot.training.forms.force_data.VALUES_TOGETHER", 900)
    monkeypatch.setattr("annpot.training.forms.force_data.COSTS_TOGETHER", 900)
    losses = {
        "loss_function": "quad_atom",
        "energy_reduction": reduction,
        "forces_cost": 0.3,
        "force_reduction": reduction,
        "virial_cost": 0.4,
        "virial_reduction": reduction,
    }
    keys = {"precision": "float64", "wscale_l2": 0.01, **losses}
    run = prepared(ini_of(tmp_path, data, form, **keys))
    assert len(run.validator._batches()) > 1
    run_steps(run, 4)
    found = run.validator.measures(run.potential, run.program.networks)
    errors = numpy_force_loss.errors_of(potential_of_run(run), VALIDATION)
    energies = np.array([d / n for d, n in errors.energies])
    forces = np.concatenate([d.ravel() for d, _ in errors.forces])
    squares = sum(((d / n) ** 2).sum() for d, n, _ in errors.virials)
    n_virial = sum(k * k for _, _, k in errors.virials)
    assert len(energies) < 9
    assert len(errors.forces) < 9
    # A sum over the batch is given for batch_size average structures.
    scale = 3 / 9 if reduction == "sum" else 1
    penalty = 0.01 * sum(
        (kernel**2).sum() for layers in weights_of(run).values() for kernel, _ in layers
    )
    for name, expected in {
        "mae_per_atom": abs(energies).mean(),
        "rmse_per_atom": (energies**2).mean() ** 0.5,
        "rmse": np.mean([d**2 for d, _ in errors.energies]) ** 0.5,
        "mae_force": abs(forces).mean(),
        "rmse_force": (forces**2).mean() ** 0.5,
        "rmse_virial_per_atom": (squares / n_virial) ** 0.5,
        "regularization": penalty,
        "loss": scale * numpy_force_loss.loss(errors, **losses) + penalty,
    }.items():
        assert found[name] == pytest.approx(expected, rel=1e-9), name


def test_relative_errors_and_r2_are_those_of_the_numpy_potential(tmp_path, data):
    run = prepared(ini_of(tmp_path, data, "computed", precision="float64"))
    run_steps(run, 4)
    found = run.validator.measures(run.potential, run.program.networks)
    errors = numpy_force_loss.errors_of(potential_of_run(run), VALIDATION)
    offsets = {spec.element: spec.offset for spec in run.potential.specs}
    pairs = {  # errors and references of all components
        "per_atom": (
            [d / n for d, n in errors.energies],
            [
                (s.energy - sum(offsets[symbol] for symbol in s.symbols)) / s.n_atoms
                for s in VALIDATION
                if s.energy is not None
            ],
        ),
        "force": (
            np.concatenate([d for d, _ in errors.forces]),
            np.concatenate([s.forces for s in VALIDATION if s.forces is not None]),
        ),
        "virial_per_atom": (
            [d / n for d, n, _ in errors.virials],
            [
                numpy_force_loss.inside(numpy_force_loss.tensor(s.virial), s)
                / s.n_atoms
                for s in VALIDATION
                if s.virial is not None and s.pbc.any()
            ],
        ),
    }
    for name, (d, y) in pairs.items():
        d, y = np.array(d), np.array(y)
        # A slab has four components, however many of the nine its tilt fills.
        count = sum(k * k for _, _, k in errors.virials) if "virial" in name else d.size
        large = abs(y) >= (0.01 if name == "force" else 1e-3)
        for measure, expected in {
            "mse": (d**2).sum() / count,
            "mape": 100 * (abs(d)[large] / abs(y)[large]).mean(),
            "r2": 1 - (d**2).sum() / ((y**2).sum() - y.sum() ** 2 / count),
        }.items():
            wanted = pytest.approx(expected, rel=1e-9)
            assert found[f"{measure}_{name}"] == wanted, (measure, name)


@every_form
@pytest.mark.parametrize("labels", ["energy", "forces"])
def test_structures_with_only_one_kind_of_label(tmp_path, form, labels):
    """Half have only this label; the other half has both."""
    other = {"energy": "forces", "forces": "energy"}[labels]
    structures = [
        replace(s, **({other: None} if number % 2 else {}), virial=None)
        for number, s in enumerate(small_structures(8))
    ]
    path = write_xyz(tmp_path / "a.xyz", structures)
    keys = {"precision": "float64", "batch_size": 8, "virial_cost": 0.0}
    run = prepared(ini_of(tmp_path, (path,), form, **keys))
    errors = numpy_force_loss.errors_of(potential_of_run(run), structures)
    loss = np.mean([d**2 for d, _ in errors.energies])
    loss += 0.3 * np.mean([(d**2).sum() for d, _ in errors.forces])
    assert run_steps(run, 1)[0, 0] == pytest.approx(loss, rel=1e-10)
    counted = {"energy": "8 with energy, 4 with forces", "forces": "4 with energy, 8"}
    assert any(counted[labels] in note for note in run.notes)


def test_a_batch_without_any_label_of_a_kind_changes_nothing_by_it(tmp_path):
    structures = [replace(s, virial=None) for s in small_structures(4)]
    structures[0] = replace(structures[0], forces=None)
    structures[1] = replace(structures[1], energy=None)
    path = write_xyz(tmp_path / "a.xyz", structures)
    keys = {"batch_size": 1, "virial_cost": 0.0}
    io = {"dataset_shuffle": False}
    run = prepared(ini_of(tmp_path, (path,), "stored", io, **keys))
    trace = run_steps(run, 8)
    assert np.isfinite(trace).all()
    assert trace[0, 2] == 0.0  # no forces in the first batch
    assert trace[1, 1] == 0.0  # no energy in the second


@pytest.mark.parametrize(
    ("missing", "key", "text"),
    [
        (
            "forces",
            "forces_cost",
            "has forces. Add the labels, or set forces_cost = 0.",
        ),
        (
            "virial",
            "virial_cost",
            "has a virial or stress (and a cell). Add the labels, or set virial_cost "
            "= 0.",
        ),
    ],
)
@every_form
def test_a_label_that_no_structure_has_is_told(tmp_path, form, missing, key, text):
    structures = [replace(s, **{missing: None}) for s in small_structures(6)]
    path = write_xyz(tmp_path / "a.xyz", structures)
    ini = ini_of(tmp_path, (path,), form)
    with pytest.raises(InputError) as raised:
        prepared(ini)
    (message,) = str(raised.value).splitlines()
    number = int(message.removeprefix(f"{ini}:").partition(":")[0])
    assert ini.read_text().splitlines()[number - 1].startswith(f"{key} = ")
    assert f"{key} > 0, but none of the 6 structures of {path} {text}" in message
