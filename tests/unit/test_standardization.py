"""Inputs of mean 0 and spread 1: what the step trains, what is stored of it."""

from dataclasses import replace

import numpy as np
import pytest

from annpot.data.descriptor_statistics import component_moments
from annpot.errors import InputError
from annpot.training.order import batch_records
from reference.numpy_training import NumpyTraining
from reference.small_structures import force_ini, small_structures, write_xyz
from reference.small_training import (
    OFFSETS,
    SPECIES,
    USED,
    assert_close_weights,
    assert_same_run,
    finished,
    prepared,
    run_steps,
    stored_records,
    train_ini,
    weights_of,
)

ON = {"DEFAULT_NETWORK": {"architecture": "6:1", "standardize": True}}
STEPS, BATCH = 12, 4


def scale_of_columns(columns, power=1.0):
    from annpot.training.standardization import scale_of

    g = np.array(columns, float).T
    return scale_of(component_moments(np.zeros(len(g), int), g)[0], power)


def test_columns_that_do_not_vary_have_scale_one():
    value = 0.1 + 0.2  # whose mean over three atoms is not itself in floating point
    scale = scale_of_columns([[1.0, 2.0, 6.0], [value] * 3, [0.0] * 3, [0, 1e-9, 0]])
    np.testing.assert_allclose(scale.scale[0], np.std([1.0, 2.0, 6.0]), rtol=1e-15)
    assert scale.scale[1:].tolist() == [1.0, 1.0, 1.0]  # 1e-9 beside 6 is noise
    assert scale.mean[:3].tolist() == [3.0, value, 0.0]


@pytest.mark.parametrize("power", [0.25, 0.5, 0.75])
def test_a_power_keeps_differences_of_columns(power):
    rng = np.random.default_rng(3)
    sizes = 10.0 ** np.array([-3.0, 0.0, -1.0, -0.5, -4.5, -2.0])
    g = np.hstack([rng.normal(size=(30, 6)) * sizes, np.full((30, 2), 7.0)])
    scale = scale_of_columns(g.T, power)
    x = (g - scale.mean) / scale.scale
    assert np.mean(np.sum(x**2, axis=1)) == pytest.approx(1, rel=1e-12)
    std = g[:, :6].std(axis=0)
    ratios = x[:, :6].std(axis=0) / std * np.maximum(std, 1e-3 * std.max()) ** power
    np.testing.assert_allclose(ratios, ratios[0], rtol=1e-12)
    assert scale.scale[6:].tolist() == [1.0, 1.0]


def test_folding_keeps_the_function_and_its_slope():
    from annpot.networks.architecture import LayerSpec, LayerWeights, NetworkSpec
    from annpot.networks.numpy_potential import network_gradient

    rng = np.random.default_rng(4)
    g = rng.normal(5.0, 3.0, (20, 7)) * 10.0 ** rng.integers(-1, 2, 7)
    scale = scale_of_columns(g.T)
    layers = [(rng.normal(size=(7, 5)), rng.normal(size=5))]
    layers += [(rng.normal(size=(5, 1)), rng.normal(size=1))]
    spec = NetworkSpec("H", 7, (LayerSpec(5, 4), LayerSpec(1, 0)), 0.0)
    x = (g - g.mean(axis=0)) / g.std(axis=0)
    scaled = [LayerWeights(*pair) for pair in layers]
    plain = [LayerWeights(*scale.fold(*layers[0])), scaled[1]]
    energies, slopes = network_gradient(x, spec, scaled)
    folded, folded_slopes = network_gradient(g, spec, plain)
    np.testing.assert_allclose(folded, energies, rtol=1e-10)
    np.testing.assert_allclose(folded_slopes, slopes / g.std(axis=0), rtol=1e-9)
    unfolded = scale.unfold(plain[0].kernel, plain[0].bias)
    for found, wanted in zip(unfolded, layers[0], strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-10)


def scales_of(records):
    """[(mean, std or 1)] of each element, from the records themselves."""
    found = []
    for s in range(len(SPECIES)):
        g = np.concatenate([r.g[r.species == s] for r in records]).astype(float)
        std = g.std(axis=0)
        found.append((g.mean(axis=0), np.where(std == 0, 1.0, std)))
    return found


def scaled_records(records, scales):
    """The records with scaled descriptors, float64."""
    mean, scale = (np.array(part) for part in zip(*scales, strict=True))
    return [replace(r, g=(r.g - mean[r.species]) / scale[r.species]) for r in records]


def test_steps_are_those_of_plain_numpy_on_scaled_descriptors(tmp_path, small_data):
    keys = {"precision": "float64", "wscale_l2": 0.01}
    run = prepared(train_ini(tmp_path, small_data, **ON, TRAINING_PARAMETERS=keys))
    records = stored_records(small_data.training)
    scales = scales_of(records)
    # The first weights are those of a run without: they are meant for scaled columns.
    plain = prepared(train_ini(tmp_path, small_data, TRAINING_PARAMETERS=keys))
    first = weights_of(plain)
    oracle = NumpyTraining(
        {s: first[element] for s, element in enumerate(SPECIES)},
        {s: [layer.activation for layer in spec.layers]
         for s, spec in enumerate(plain.potential.specs)},
        OFFSETS, penalties=(0, 0.01, 0, 0),
    )  # fmt: skip
    scaled = scaled_records(records, scales)
    for batch in batch_records(5, len(records), BATCH, 0, STEPS):
        oracle.train([scaled[i] for i in batch], rate=0.01)
    run_steps(run, STEPS)
    wanted = {}
    for s, element in enumerate(SPECIES):
        (kernel, bias), *others = oracle.layers[s]
        folded = kernel / scales[s][1][:, None]
        first = folded, bias - scales[s][0] @ folded
        wanted[element] = [first, *others]
    assert_close_weights(weights_of(run), wanted, atol=1e-9)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, small_data):
    """A FinishedRun of three epochs in float32."""
    return finished(tmp_path_factory.mktemp("whole"), small_data, **ON)


@pytest.mark.parametrize("step", [7, 9])
def test_a_resumed_run_is_the_uninterrupted_one(tmp_path, small_data, whole, step):
    cut = {"max_steps": step, "max_epochs": None}
    finished(tmp_path, small_data, **ON, TRAINING_PARAMETERS=cut)
    run = finished(tmp_path, small_data, **ON)
    assert_same_run(run, whole)
    assert "columns scaled as before: H (16 of 24), C (6 of 24)" in run.shown


HOW = {
    "chunks of one step": {"save_checkpoint_steps": 1},
    "streamed": {"dataset_cache": False},
}


@pytest.mark.parametrize("io", HOW.values(), ids=HOW)
def test_how_a_run_is_done_changes_no_bit(tmp_path, small_data, whole, io):
    assert_same_run(finished(tmp_path, small_data, **ON, IO_INFORMATION=io), whole)


def test_what_is_stored_is_a_network_of_plain_descriptors(whole, small_data):
    """The checkpoint evaluates to the validation error that training measured."""
    from annpot.networks.architecture import LayerWeights
    from annpot.networks.checkpoint_networks import specs_of_run
    from annpot.networks.numpy_potential import atomic_energies

    state = whole.state
    weights = {
        element: [LayerWeights(*pair) for pair in layers]
        for element, layers in state.layers.items()
    }
    specs = specs_of_run(state.run, "")
    errors = [
        (atomic_energies(r.g, r.species, specs, weights).sum() - r.energy) / len(r.g)
        for r in stored_records(small_data.validation)
    ]
    found = np.abs(errors).mean()
    told = whole.metrics_table()["val_MAE/at"][-1]
    np.testing.assert_allclose(found, told, rtol=1e-5)


def test_columns_that_are_not_in_use_keep_their_first_weights(
    tmp_path, whole, small_data
):
    plain = prepared(train_ini(tmp_path, small_data))
    first = weights_of(plain)
    for element, used in USED.items():
        unused = np.setdiff1d(np.arange(24), used)
        np.testing.assert_array_equal(
            whole.state.layers[element][0][0][unused], first[element][0][0][unused]
        )
        mean, scale = whole.state.standardization[element]
        assert not mean[unused].any()
        assert (scale[unused] == 1.0).all()


def test_a_run_that_is_switched_to_it_keeps_its_function(tmp_path, small_data):
    finished(tmp_path, small_data, TRAINING_PARAMETERS={"max_epochs": 1})
    before = weights_of(prepared(train_ini(tmp_path, small_data)))
    io = {"restart_mode": "continue_from_last_ckpt"}
    run = prepared(train_ini(tmp_path, small_data, **ON, IO_INFORMATION=io))
    assert_close_weights(weights_of(run), before, atol=1e-5)
    told = "\n".join(run.notes)
    assert "No optimizer state is stored for H layer 0 kernel, H layer 0 bias" in told
    assert "O layer 1" not in told  # the other layers go on


def test_a_frozen_first_layer_is_left_alone(tmp_path, small_data):
    keys = {"C": {"trainable": "0:1"}}
    run = prepared(train_ini(tmp_path, small_data, **ON, **keys))
    before = weights_of(run)
    run_steps(run, 3)
    for one, other in zip(weights_of(run)["C"][0], before["C"][0], strict=True):
        np.testing.assert_array_equal(one, other, strict=True)
    assert "columns scaled: H (16 of 24), O (4 of 24), N (3 of 24)" in str(run.notes)


def test_an_rbf_layer_is_refused_with_the_reason(tmp_path, small_data):
    keys = {"C": {"activations": "rbf:linear"}}
    with pytest.raises(InputError) as raised:
        prepared(train_ini(tmp_path, small_data, **ON, **keys))
    text = str(raised.value)
    assert "standardize cannot be used with a first layer of activation rbf (C)" in text
    assert "Remove standardize, or choose another activation." in text


FORCES = {"batch_size": 3, "virial_cost": 0.4, "precision": "float64"}


@pytest.fixture(scope="module")
def structures(tmp_path_factory):
    """(training, validation) files of structures."""
    folder = tmp_path_factory.mktemp("structures")
    return [
        write_xyz(folder / f"{name}.xyz", small_structures(n, seed=n))
        for name, n in (("train", 14), ("validate", 9))
    ]


def force_run(folder, structures, form):
    folder.mkdir()
    layers = {"architecture": "3:1", "activations": "tanh:linear", "standardize": True}
    return force_ini(
        folder, *structures, IO_INFORMATION={"derivatives": form},
        TRAINING_PARAMETERS=FORCES, DEFAULT_NETWORK=layers,
    )  # fmt: skip


@pytest.mark.parametrize("form", ["stored", "computed"])
def test_forces_of_the_step_are_those_of_the_folded_network(tmp_path, structures, form):
    from annpot.forces.prediction import predictions
    from reference.small_structures import potential_of_run

    run = prepared(force_run(tmp_path / form, structures, form))
    run_steps(run, 5)
    prediction = run.validator.prediction(run.program.networks)
    potential = potential_of_run(run)
    found = predictions(potential, small_structures(9, seed=9))
    forces = np.concatenate([one.forces for one in found])
    np.testing.assert_allclose(
        prediction.forces.numpy(), forces, rtol=0, atol=1e-6 * np.abs(forces).max()
    )


def test_both_forms_of_forces_train_alike(tmp_path, structures):
    found = []
    for form in ("stored", "computed"):
        run = prepared(force_run(tmp_path / form, structures, form))
        run_steps(run, 5)
        found.append(weights_of(run))
    assert_close_weights(*found, atol=1e-6)
