"""Training again from extracted networks: a rule of its own for each element."""

import shutil

import numpy as np
import pytest

from annpot.networks.architecture import LayerSpec, LayerWeights, NetworkSpec
from annpot.networks.initial_weights import new_layer
from annpot.networks.metadata import read_metadata, write_metadata
from reference.small_training import (
    N_FEATURES,
    OFFSETS,
    SPECIES,
    assert_same_state,
    finished,
    prepared,
    train_ini,
    weights_of,
)

# N has no section, as in the tutorial's train2.ini.
RULES = {
    "O": {"trainable": "0:0"},
    "C": {"behavior": "load:new"},
    "H": {
        "architecture": "6:5:1",
        "activations": "gaussian:gaussian:linear",
        "behavior": "load:new:new",
    },
}


@pytest.fixture(scope="module")
def stored(finished_run, tmp_path_factory):
    """(folder of the extracted networks, their {element: [(kernel, bias), ...]})."""
    layers = finished_run.state.layers
    specs = [
        NetworkSpec(element, N_FEATURES, (LayerSpec(6, 1), LayerSpec(1, 0)), offset)
        for element, offset in zip(SPECIES, OFFSETS, strict=True)
    ]
    weights = {
        element: [LayerWeights(*pair) for pair in pairs]
        for element, pairs in layers.items()
    }
    folder = tmp_path_factory.mktemp("extracted")
    about = {"checkpoint": "epoch_3_step_21", "weights_sha256": "5a" * 32}
    write_metadata(folder, specs, weights, about)
    return folder, layers


@pytest.fixture(scope="module")
def retrained(stored, tmp_path_factory, small_data):
    """(weights before the first step, FinishedRun)."""
    folder = tmp_path_factory.mktemp("retrained")
    sections = {
        "DEFAULT_NETWORK": {"architecture": None, "networks_metadata": stored[0]},
        "DATA_INFORMATION": {"output_offset": None},
        **RULES,
    }
    before = weights_of(prepared(train_ini(folder, small_data, **sections)))
    return before, finished(folder, small_data, **sections)


def assert_same(pair, expected):
    for values, reference in zip(pair, expected, strict=True):
        np.testing.assert_array_equal(values, reference, strict=True)


def assert_new(pair, element, layer, shape):
    fresh = new_layer(shape, element, layer, seed=5)
    assert_same(pair, (np.float32(fresh.kernel), np.float32(fresh.bias)))


def assert_trained(after, before):
    """Every layer moved, in the rows of descriptors that are not always zero."""
    for pair, earlier in zip(after, before, strict=True):
        for values, reference in zip(pair, earlier, strict=True):
            assert values.shape == reference.shape
            assert (values != reference).any()
            assert np.isfinite(values).all()


def test_nitrogen_continues_unchanged(stored, retrained):
    before, run = retrained
    for pair, expected in zip(before["N"], stored[1]["N"], strict=True):
        assert_same(pair, expected)
    assert_trained(run.state.layers["N"], before["N"])


def test_oxygen_is_frozen_as_it_is(stored, retrained):
    before, run = retrained
    for layers in (before["O"], run.state.layers["O"]):
        for pair, expected in zip(layers, stored[1]["O"], strict=True):
            assert_same(pair, expected)
    assert not [key for key in run.state.slots if key[0] == "O"]


def test_carbon_keeps_its_first_layer_and_restarts_the_other(stored, retrained):
    before, run = retrained
    assert_same(before["C"][0], stored[1]["C"][0])
    assert_new(before["C"][1], "C", 1, (6, 1))
    assert_trained(run.state.layers["C"], before["C"])


def test_hydrogen_gets_a_hidden_layer_behind_its_loaded_first(stored, retrained):
    before, run = retrained
    assert_same(before["H"][0], stored[1]["H"][0])
    assert_new(before["H"][1], "H", 1, (6, 5))
    assert_new(before["H"][2], "H", 2, (5, 1))
    assert_trained(run.state.layers["H"], before["H"])


def test_offsets_come_with_the_networks(retrained):
    networks = retrained[1].state.run["networks"]
    assert [network["offset"] for network in networks] == list(OFFSETS)


def test_training_goes_on_from_where_it_was(stored, small_data, tmp_path, finished_run):
    # All four networks loaded and nothing else: the first loss of the new run is that
    # of the old weights, far below the one random weights start with.
    run = finished(
        tmp_path,
        small_data,
        DEFAULT_NETWORK={"architecture": None, "networks_metadata": stored[0]},
        DATA_INFORMATION={"output_offset": None},
        TRAINING_PARAMETERS={"learning_rate": 1e-9, "max_epochs": 1},
    )
    table, old = run.metrics_table(), finished_run.metrics_table()
    assert table["val_MAE/at"][0] == pytest.approx(old["val_MAE/at"][-1], rel=1e-5)


def test_metadata_mode_starts_from_the_stored_networks(stored, small_data, tmp_path):
    path = train_ini(
        tmp_path,
        small_data,
        IO_INFORMATION={"restart_mode": "metadata"},
        DEFAULT_NETWORK={"architecture": None, "networks_metadata": stored[0]},
        DATA_INFORMATION={"output_offset": None},
    )
    run = prepared(path)
    for element, pairs in stored[1].items():
        for pair, expected in zip(weights_of(run)[element], pairs, strict=True):
            assert_same(pair, expected)
    assert (run.start.step, run.start.epoch) == (0, 0)


def test_the_summary_shows_the_rules(retrained):
    rows = {
        line.split()[0]: line.split()[1:]
        for line in retrained[1].shown.splitlines()
        if line[:2] in {"H ", "C ", "O ", "N "}
    }
    assert rows["N"][2:4] == ["loaded:loaded", "1:1"]
    assert rows["O"][2:4] == ["loaded:loaded", "0:0"]
    assert rows["C"][2:4] == ["loaded:new", "1:1"]
    assert rows["H"][:4] == [
        "24:6:5:1",
        "gaussian:gaussian:linear",
        "loaded:new:new",
        "1:1:1",
    ]


def test_a_run_goes_on_without_the_networks_it_began_with(stored, tmp_path, small_data):
    whole = finished(tmp_path / "whole", small_data, **started_from(stored[0]))
    folder = tmp_path / "extracted"
    shutil.copytree(stored[0], folder)
    sections = started_from(folder)
    finished(tmp_path / "parts", small_data, **shortened(sections))
    shutil.rmtree(folder)
    parts = finished(tmp_path / "parts", small_data, **sections)
    assert_same_state(parts.state, whole.state)
    activations = [one["activations"] for one in parts.state.run["networks"]]
    assert activations == [one["activations"] for one in whole.state.run["networks"]]


def test_checkpoints_tell_which_networks_the_run_began_with(stored, retrained):
    told = retrained[1].state.run["started_from"]
    about = read_metadata(stored[0]).about
    assert told["networks_metadata"] == str(stored[0])
    assert told["weights_sha256"] == about["weights_sha256"] == "5a" * 32
    assert told["checkpoint"] == "epoch_3_step_21"


def started_from(folder):
    """Sections of a run that leaves architecture and offsets to stored networks."""
    return {
        "DEFAULT_NETWORK": {"architecture": None, "networks_metadata": folder},
        "DATA_INFORMATION": {"output_offset": None},
    }


def shortened(sections):
    """The same for two of the three epochs."""
    return sections | {"TRAINING_PARAMETERS": {"max_epochs": 2}}
