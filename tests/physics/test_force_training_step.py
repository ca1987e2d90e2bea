"""Steps on energies, forces and virials against a loss written out in NumPy.

Molecules, crystals and slabs, some of them without energy, forces or virial. All in
float64 unless a test is about the precision.
"""

from dataclasses import replace

import numpy as np
import pytest

from annpot.networks.architecture import LayerWeights
from annpot.training.trace import by_name
from reference import numpy_force_loss
from reference.small_structures import (
    force_ini,
    potential_of_run,
    small_structures,
    with_gaps,
    write_records,
    write_xyz,
)
from reference.small_training import (
    assert_close_weights,
    prepared,
    run_steps,
    weights_of,
)

N = 10
FORMS = ("stored", "computed")
TFR = {"input_format": "tfr", "gvect_ini": None}
every_form = pytest.mark.parametrize("form", FORMS)
LOSSES = {
    "quad": {"forces_cost": 0.3, "virial_cost": 0.7},
    "exponentials, sums": {
        "loss_function": "exp_quad",
        "energy_prefactor": 0.05,
        "energy_reduction": "sum",
        "forces_cost": 0.2,
        "floss_function": "exp_quad",
        "force_weights": "n_atoms",
        "force_reduction": "sum",
        "virial_cost": 0.1,
        "vloss_function": "quad",
        "virial_weights": "n_atoms2",
        "virial_reduction": "sum",
    },
    "per atom": {
        "loss_function": "quad_atom",
        "forces_cost": 1.3,
        "floss_function": "quad_atom",
        "virial_cost": 2.0,
        "vloss_function": "quad_percomp",
    },
    "per component": {
        "loss_function": "quad_std_atom",
        "energy_cost": 0.25,
        "forces_cost": 30.0,
        "floss_function": "quad_percomp",
        "virial_cost": 0.3,
        "vloss_function": "quad_std_atom",
    },
    "no energies": {"energy_cost": 0, "forces_cost": 0.3},
    "weights of 3n": {
        "loss_function": "exp_quad_atom",
        "energy_prefactor": 0.5,
        "forces_cost": 5.0,
        "force_weights": "3n_atoms2",
        "virial_cost": 0.2,
        "vloss_function": "quad",
        "virial_weights": "n_atoms",
    },
}


@pytest.fixture(scope="module")
def structures():
    return with_gaps(small_structures(N))


def run_of(folder, path, form="auto", io=(), **training):
    """Run in float64 whose every batch is the whole data set."""
    folder.mkdir(exist_ok=True)
    return prepared(
        force_ini(
            folder,
            path,
            IO_INFORMATION={
                "derivatives": form,
                "dataset_shuffle": False,
                **dict(io),
            },
            TRAINING_PARAMETERS={"batch_size": N, "precision": "float64"} | training,
        )
    )


def with_weight_moved(potential, key, place, shift):
    """StructurePotential with one number of a kernel or bias moved."""
    layers = list(potential.weights[key.element])
    pair = {"kernel": layers[key.layer].kernel, "bias": layers[key.layer].bias}
    pair[key.kind] = pair[key.kind].copy()
    pair[key.kind][place] += shift
    layers[key.layer] = LayerWeights(**pair)
    weights = potential.weights | {key.element: tuple(layers)}
    return replace(potential, weights=weights)


@every_form
@pytest.mark.parametrize("keys", LOSSES.values(), ids=LOSSES)
def test_the_gradient_is_that_of_the_loss_in_numpy(tmp_path, structures, keys, form):
    run = run_of(tmp_path, write_xyz(tmp_path / "a.xyz", structures), form, **keys)
    assert run.plan.step.form == form
    potential = potential_of_run(run)

    def loss(*moved):
        moved = with_weight_moved(potential, *moved) if moved else potential
        errors = numpy_force_loss.errors_of(moved, structures)
        return numpy_force_loss.loss(errors, **keys)

    trace = run_steps(run, 1)
    # Energies of -4000 eV leave 5e-13 eV of rounding.
    assert trace[0, 0] == pytest.approx(loss(), rel=1e-10)
    # Adam's first momentum is (1 - beta1) times the gradient.
    momenta = [slots["momentum"] for slots in run.program.optimizer.slots]
    rng = np.random.default_rng(4)
    for key, slot in zip(run.program.trained, momenta, strict=True):
        gradient = slot.numpy() / (1 - 0.9)
        assert gradient.shape == run.parameters.full_shape(key)
        place = tuple(rng.integers(0, size) for size in gradient.shape)
        h = 1e-4
        at = {k: loss(key, place, k * h) for k in (-2, -1, 1, 2)}
        central = (8 * (at[1] - at[-1]) - (at[2] - at[-2])) / (12 * h)
        # Energies of -4000 eV are rounded to 5e-13; slopes of losses are up to 100.
        assert gradient[place] == pytest.approx(central, rel=1e-6, abs=1e-7), key


@pytest.fixture(scope="module")
def path(tmp_path_factory, structures):
    """The structures in a file."""
    return write_xyz(tmp_path_factory.mktemp("structures") / "a.xyz", structures)


@pytest.fixture(scope="module")
def reference(tmp_path_factory, path):
    """(trace, weights) of six steps of the computed form as a graph program."""
    keys = {"batch_size": 4, "virial_cost": 0.5}
    run = run_of(tmp_path_factory.mktemp("reference"), path, "computed", **keys)
    assert not run.plan.step.xla
    return run_steps(run, 6), weights_of(run)


@every_form
@pytest.mark.parametrize("xla", [False, True], ids=["graph", "XLA"])
def test_stored_and_computed_graph_and_xla_take_the_same_steps(
    tmp_path, path, reference, form, xla
):
    keys = {"batch_size": 4, "virial_cost": 0.5}
    run = run_of(tmp_path, path, form, {"use_xla": xla}, **keys)
    trace, weights = reference
    # Rounding of 1e-15; Adam divides by gradients down to 1e-7.
    np.testing.assert_allclose(run_steps(run, 6), trace, rtol=1e-9, atol=1e-12)
    assert_close_weights(weights_of(run), weights, atol=1e-9)


@every_form
def test_room_for_more_changes_nothing(tmp_path, path, reference, form, monkeypatch):
    from annpot.training import plan

    def roomy(*about):
        return tuple(tuple(n + 7 for n in shape) for shape in batch_shapes(*about)[-1:])

    batch_shapes = plan.batch_shapes
    monkeypatch.setattr(plan, "batch_shapes", roomy)
    run = run_of(tmp_path, path, form, batch_size=4, virial_cost=0.5)
    assert len(run.plan.step.shapes) == 1
    trace, weights = reference
    np.testing.assert_allclose(run_steps(run, 6), trace, rtol=1e-11, atol=1e-13)
    assert_close_weights(weights_of(run), weights, atol=1e-12)
    assert run.program.n_programs == 1


def test_single_precision_is_close_to_double(tmp_path, path, reference):
    trace, _ = reference
    for form in FORMS:
        run = run_of(
            tmp_path / form, path, form,
            precision="float32", batch_size=4, virial_cost=0.5,
        )  # fmt: skip
        found = run_steps(run, 6)
        # Descriptors and slopes of float32: 1e-6 relative, growing with the steps.
        np.testing.assert_allclose(found[:, 0], trace[:, 0], rtol=1e-4)


def test_records_of_derivatives_train_like_the_structures(tmp_path):
    whole = [replace(s, virial=None) for s in small_structures(N)]
    # Two files take the records in turn.
    xyz = write_xyz(tmp_path / "a.xyz", [*whole[0::2], *whole[1::2]])
    runs = {"structures": run_of(tmp_path, xyz, "computed", batch_size=4)}
    for kind in ("dense", "sparse"):
        folder = write_records(tmp_path / kind, whole, kind)
        runs[kind] = run_of(tmp_path / f"run {kind}", folder, io=TFR, batch_size=4)
        assert runs[kind].plan.step.form == "stored"
    results = {kind: (run_steps(run, 6), weights_of(run)) for kind, run in runs.items()}
    # Dense and sparse records hold the same numbers, in float32.
    np.testing.assert_array_equal(results["sparse"][0], results["dense"][0])
    trace, weights = results["structures"]
    np.testing.assert_allclose(results["dense"][0], trace, rtol=2e-5, atol=1e-6)
    assert_close_weights(results["dense"][1], weights, atol=2e-5)


def test_energies_of_structures_train_like_those_of_records(tmp_path):
    whole = [replace(s, virial=None) for s in small_structures(N)]
    records = write_records(tmp_path / "records", whole)
    xyz = write_xyz(tmp_path / "a.xyz", [*whole[0::2], *whole[1::2]])
    keys = {"forces_cost": 0.0, "batch_size": 4, "precision": "float32"}
    runs = [
        run_of(tmp_path / "one", xyz, **keys),
        run_of(tmp_path / "two", records, io=TFR, **keys),
    ]
    assert [run.plan.step.form for run in runs] == ["rows", "rows"]
    traces = [run_steps(run, 6) for run in runs]
    # The same descriptors, rounded to float32 both times.
    np.testing.assert_array_equal(traces[0], traces[1])


def test_only_labels_that_are_there_are_counted(path, structures, tmp_path):
    run = run_of(tmp_path, path, "stored", virial_cost=0.5)
    errors = numpy_force_loss.errors_of(potential_of_run(run), structures)
    found = by_name(run_steps(run, 1)[0])
    energies = np.array([d / n for d, n in errors.energies])
    forces = np.concatenate([d.ravel() for d, _ in errors.forces])
    virials = [d / n for d, n, _ in errors.virials]
    assert found["n_energies"] == len(energies) < N
    assert found["n_force_components"] == len(forces)
    assert len(errors.forces) < N
    periodic = [k for _, _, k in errors.virials]
    assert {*periodic} == {2, 3}
    assert found["n_virial_components"] == sum(k * k for k in periodic)
    for name, expected in {
        "sum_abs_per_atom": abs(energies).sum(),
        "sum_square_per_atom": (energies**2).sum(),
        "sum_abs_force": abs(forces).sum(),
        "sum_square_force": (forces**2).sum(),
        "sum_abs_virial": sum(abs(d).sum() for d in virials),
        "sum_square_virial": sum((d**2).sum() for d in virials),
    }.items():
        assert found[name] == pytest.approx(expected, rel=1e-9), name
