"""Where the networks of a run come from: the INI file, extracted networks, files."""

import numpy as np
import pytest

from annpot.config import load_train
from annpot.errors import InputError
from annpot.networks.architecture import LayerSpec, LayerWeights, NetworkSpec
from annpot.networks.builder import network_specs, starting_networks
from annpot.networks.initial_weights import new_layer
from annpot.networks.metadata import write_metadata
from reference.small_training import SmallData, train_ini

GAUSSIAN, LINEAR, RELU, TANH = 1, 0, 3, 4
N_FEATURES = 7
STORED = {
    "H": NetworkSpec(
        "H", N_FEATURES, (LayerSpec(5, TANH), LayerSpec(1, LINEAR)), -13.5
    ),
    "O": NetworkSpec(
        "O",
        N_FEATURES,
        (LayerSpec(4, RELU), LayerSpec(3, TANH), LayerSpec(1, LINEAR)),
        -2041.0,
    ),
}


def weights_of(spec):
    """Weights unlike those of any other element or layer."""
    rng = np.random.default_rng([ord(spec.element), 99])
    return tuple(
        LayerWeights(
            rng.normal(size=shape).astype(np.float32),
            rng.normal(size=shape[1]).astype(np.float32),
        )
        for shape in spec.shapes
    )


WEIGHTS = {element: weights_of(spec) for element, spec in STORED.items()}


@pytest.fixture
def metadata(tmp_path):
    """Folder with extracted networks of H and O."""
    write_metadata(tmp_path / "saved", STORED.values(), WEIGHTS)
    return tmp_path / "saved"


def networks_of(
    folder, seed=3, elements="H, O", default=None, offsets=None, **sections
):
    """{element: StartingNetwork} of an INI file."""
    path = train_ini(
        folder,
        SmallData(folder / "train", folder / "validate"),
        DATA_INFORMATION={"atomic_sequence": elements, "output_offset": offsets},
        DEFAULT_NETWORK={"architecture": None, **(default or {})},
        **sections,
    )
    networks = starting_networks(load_train(path), N_FEATURES, seed)
    return {network.spec.element: network for network in networks}


def assert_layers(network, expected):
    assert len(network.layers) == len(expected)
    for layer, reference in zip(network.layers, expected, strict=True):
        np.testing.assert_array_equal(layer.kernel, reference.kernel)
        np.testing.assert_array_equal(layer.bias, reference.bias)


def test_new_networks_of_the_ini_file(tmp_path):
    networks = networks_of(
        tmp_path,
        default={"architecture": "5:2:1", "trainable": "1:0:1"},
        offsets="-1.5, -2.5",
        O={"architecture": "4:1", "activations": "relu:tanh", "trainable": "0:1"},
    )
    assert networks["H"].spec == NetworkSpec(
        "H",
        N_FEATURES,
        (LayerSpec(5, GAUSSIAN), LayerSpec(2, GAUSSIAN, False), LayerSpec(1, LINEAR)),
        -1.5,
    )
    assert networks["O"].spec == NetworkSpec(
        "O", N_FEATURES, (LayerSpec(4, RELU, False), LayerSpec(1, TANH)), -2.5
    )
    for element, network in networks.items():
        assert set(network.sources) == {"new"}
        shapes = network.spec.shapes
        assert_layers(
            network, [new_layer(shape, element, i, 3) for i, shape in enumerate(shapes)]
        )


def test_another_element_changes_no_weights(tmp_path):
    default = {"architecture": "5:1"}
    two = networks_of(tmp_path, default=default)
    three = networks_of(tmp_path, elements="N, O, H", default=default)
    for element in "HO":
        assert_layers(three[element], two[element].layers)


def test_everything_comes_from_the_metadata(tmp_path, metadata):
    networks = networks_of(tmp_path, default={"networks_metadata": metadata})
    for element, network in networks.items():
        assert network.spec == STORED[element]
        assert_layers(network, WEIGHTS[element])
        assert set(network.sources) == {"loaded"}


def test_what_the_ini_file_says_wins(tmp_path, metadata):
    networks = networks_of(
        tmp_path,
        default={"networks_metadata": metadata},
        offsets="-1.0, -2.0",
        O={"activations": "tanh:tanh:linear", "trainable": "0:1:0"},
    )
    assert networks["H"].spec.offset == -1.0
    layers = networks["O"].spec.layers
    assert [layer.activation for layer in layers] == [TANH, TANH, LINEAR]
    assert [layer.trainable for layer in layers] == [False, True, False]
    assert_layers(networks["O"], WEIGHTS["O"])


def test_behavior_layer_by_layer(tmp_path, metadata):
    networks = networks_of(
        tmp_path,
        default={"networks_metadata": metadata},
        O={"behavior": "keep:new:load"},
        H={
            "architecture": "5:6:1",
            "activations": "tanh:gaussian:linear",
            "behavior": "load:new:new",
        },
    )
    stored = WEIGHTS["O"]
    assert_layers(networks["O"], [stored[0], new_layer((4, 3), "O", 1, 3), stored[2]])
    assert networks["O"].sources == ("loaded", "new", "loaded")
    new = [new_layer((5, 6), "H", 1, 3), new_layer((6, 1), "H", 2, 3)]
    assert_layers(networks["H"], [WEIGHTS["H"][0], *new])


def test_files_win_over_the_metadata(tmp_path, metadata):
    kernel, bias = np.ones((N_FEATURES, 4)), np.full(4, 2.0)
    np.save(tmp_path / "w.npy", kernel)
    np.save(tmp_path / "b.npy", bias)
    networks = networks_of(
        tmp_path,
        default={"networks_metadata": metadata},
        O={
            "behavior": "load:load:new",
            "layer0_w_file": tmp_path / "w.npy",
            "layer0_b_file": tmp_path / "b.npy",
        },
    )
    assert_layers(
        networks["O"],
        [LayerWeights(kernel, bias), WEIGHTS["O"][1], new_layer((3, 1), "O", 2, 3)],
    )
    assert networks["O"].sources == ("file", "loaded", "new")


def test_one_file_of_a_layer_leaves_the_other_array(tmp_path, metadata):
    np.save(tmp_path / "w.npy", np.ones((N_FEATURES, 4)))
    networks = networks_of(
        tmp_path,
        default={"networks_metadata": metadata},
        O={"layer0_w_file": tmp_path / "w.npy"},
    )
    np.testing.assert_array_equal(networks["O"].layers[0].kernel, 1.0)
    np.testing.assert_array_equal(networks["O"].layers[0].bias, WEIGHTS["O"][0].bias)


def test_files_alone_are_enough(tmp_path):
    np.save(tmp_path / "w.npy", np.ones((N_FEATURES, 4)))
    np.save(tmp_path / "b.npy", np.zeros(4))
    networks = networks_of(
        tmp_path,
        default={"architecture": "4:1"},
        O={
            "behavior": "load:new",
            "layer0_w_file": tmp_path / "w.npy",
            "layer0_b_file": tmp_path / "b.npy",
        },
    )
    assert networks["O"].sources == ("file", "new")
    assert networks["H"].sources == ("new", "new")


def refusal(folder, *parts, **settings):
    with pytest.raises(InputError) as raised:
        networks_of(folder, **settings)
    for part in parts:
        assert part in str(raised.value)
    return raised.value.problems


def test_other_sizes_cannot_be_loaded(tmp_path, metadata):
    refusal(
        tmp_path,
        "layer 0 of H would load weights (7, 5) and biases (5,), but the architecture "
        "needs (7, 6) and (6,). Set its behavior to new, or keep the sizes",
        default={"networks_metadata": metadata},
        H={"architecture": "6:1"},
    )


def test_a_layer_that_is_not_stored_cannot_be_loaded(tmp_path, metadata):
    refusal(
        tmp_path,
        "layer 2 of H has behavior load, but networks_metadata holds no such layer.",
        default={"networks_metadata": metadata},
        H={"architecture": "5:1:1"},
    )


def test_an_element_that_is_not_stored_needs_an_architecture(tmp_path, metadata):
    refusal(
        tmp_path,
        "no architecture for N. Give one like 128:32:1, or networks_metadata with",
        elements="H, N, O",
        default={"networks_metadata": metadata},
    )


def test_all_problems_are_told_together(tmp_path, metadata):
    problems = refusal(
        tmp_path,
        "layer 0 of H",
        "layer 0 of O",
        default={"networks_metadata": metadata},
        H={"architecture": "6:1"},
        O={"architecture": "9:1:1"},
    )
    assert len(problems) == 2
    assert all("train.ini:" in problem for problem in problems)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "w.npy: no such file: expected a .npy file of weights or biases"),
        (b"\x93NUMPY", "w.npy: not a complete .npy file"),
        (np.ones((N_FEATURES, 3)), "w.npy: array of shape (7, 3): expected (7, 4)"),
        (
            np.full((N_FEATURES, 4), np.nan),
            "w.npy: 28 of 28 values are NaN or infinite",
        ),
    ],
)
def test_bad_files_are_told(tmp_path, metadata, content, message):
    if isinstance(content, bytes):
        (tmp_path / "w.npy").write_bytes(content)
    elif content is not None:
        np.save(tmp_path / "w.npy", content)
    refusal(
        tmp_path,
        message,
        default={"networks_metadata": metadata},
        O={"layer0_w_file": tmp_path / "w.npy"},
    )


def test_a_missing_array_of_the_metadata_is_told(tmp_path, metadata):
    (metadata / "O_l1_w.npy").unlink()
    refusal(
        tmp_path,
        "O_l1_w.npy: no such file",
        default={"networks_metadata": metadata},
    )


TOLD = {
    "species": ["H", "O"],
    "descriptor": {"kind": "mBP", "r_cut": 4.6, "species": ["H", "O"]},
    "mbp_generation": 1,
    "mbp_generation_source": "stated",
}


def start_on(tmp_path, origin, behavior="load:new", stored=TOLD):
    """Start from networks that were trained on `stored`, with data of `origin`."""
    folder = tmp_path / "told"
    write_metadata(folder, STORED.values(), WEIGHTS, {"data": stored})
    path = train_ini(
        tmp_path,
        SmallData(tmp_path / "train", tmp_path / "validate"),
        DATA_INFORMATION={"atomic_sequence": "H, O", "output_offset": None},
        DEFAULT_NETWORK={"architecture": None, "networks_metadata": folder},
        H={"behavior": behavior},
        O={"behavior": "new:new:new"},
    )
    return starting_networks(load_train(path), N_FEATURES, 3, origin)


def test_the_same_descriptors_may_be_trained_on(tmp_path):
    assert start_on(tmp_path, TOLD)[0].sources == ("loaded", "new")
    unknown = {"species": None, "descriptor": None, "mbp_generation": None}
    assert len(start_on(tmp_path, unknown)) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mbp_generation": 3}, "with mbp_generation = 1, but the data have mbp_g"),
        ({"species": ["O", "H"]}, "with species = ['H', 'O'], but the data have spec"),
        (
            {"descriptor": {"kind": "mBP", "r_cut": 5.0}},
            "with r_cut = 4.6, but the data have r_cut = 5.0. Weights fit only the "
            "descriptors they were trained on: make the data with those settings, or "
            "set the behavior of the first layers to new.",
        ),
    ],
)
def test_other_descriptors_are_refused(tmp_path, changes, message):
    with pytest.raises(InputError) as raised:
        start_on(tmp_path, TOLD | changes)
    (problem,) = raised.value.problems
    assert message in problem
    assert "train.ini:" in problem
    assert len(start_on(tmp_path, TOLD | changes, behavior="new:load")) == 2


def test_an_assumed_generation_is_only_told(tmp_path, caplog):
    assumed = {"mbp_generation": 3, "mbp_generation_source": "assumed"}
    assert len(start_on(tmp_path, TOLD | assumed)) == 2
    assert "with mbp_generation = 1, the data have 3; it was assumed" in caplog.text


def test_specs_need_no_arrays(tmp_path, metadata):
    for path in metadata.glob("*.npy"):
        path.unlink()
    path = train_ini(
        tmp_path,
        SmallData(tmp_path / "train", tmp_path / "validate"),
        DATA_INFORMATION={"atomic_sequence": "H, O", "output_offset": None},
        DEFAULT_NETWORK={"architecture": None, "networks_metadata": metadata},
    )
    assert network_specs(load_train(path), N_FEATURES) == tuple(STORED.values())
