"""Networks in a folder: both layouts, exact round trip, broken folders."""

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest

from annpot.errors import InputError
from annpot.networks.architecture import LayerSpec, LayerWeights, NetworkSpec
from annpot.networks.metadata import read_metadata, read_specs, write_metadata

OFFSET = -13.62000000000001  # differs from -13.62 in its last digit only


def network(element="H", sizes=(4, 1), n_features=3, offset=OFFSET, dtype=np.float32):
    """(NetworkSpec, layers) with reproducible numbers."""
    rng = np.random.default_rng(len(sizes))
    layers = (*(LayerSpec(size, 1) for size in sizes[:-1]), LayerSpec(1, 0))
    spec = NetworkSpec(element, n_features, layers, offset)
    weights = tuple(
        LayerWeights(
            rng.normal(size=shape).astype(dtype),
            rng.normal(size=shape[1]).astype(dtype),
        )
        for shape in spec.shapes
    )
    return spec, weights


@pytest.fixture
def folder(tmp_path):
    """Folder with networks of H (3-4-1) and O (3-2-2-1)."""
    write(tmp_path / "saved", network(), network("O", (2, 2, 1)))
    return tmp_path / "saved"


def write(folder, *networks):
    specs = tuple(spec for spec, _ in networks)
    weights = {spec.element: layers for spec, layers in networks}
    return write_metadata(folder, specs, weights)


def change_json(folder, change):
    path = folder / "networks_metadata.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def assert_same_weights(found, expected):
    for one, other in zip(found, expected, strict=True):
        for array, reference in ((one.kernel, other.kernel), (one.bias, other.bias)):
            assert array.dtype == reference.dtype
            np.testing.assert_array_equal(array, reference)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_round_trip_is_exact(tmp_path, dtype):
    one = network(dtype=dtype)
    other = network("O", (2, 2, 1), offset=-2041.84, dtype=dtype)
    write(tmp_path, one, other)
    read = read_metadata(tmp_path)
    specs, weights = read.specs, read.weights
    assert specs == (one[0], other[0])
    assert_same_weights(weights["H"], one[1])
    assert_same_weights(weights["O"], other[1])


def test_the_files_are_those_of_layout_v1(folder):
    names = sorted(path.name for path in folder.iterdir())
    assert names == sorted(
        [f"H_l{i}_{x}.npy" for i in range(2) for x in "wb"]
        + [f"O_l{i}_{x}.npy" for i in range(3) for x in "wb"]
        + ["networks_metadata.json"]
    )
    document = json.loads((folder / "networks_metadata.json").read_text())
    assert document["version"] == "v1"
    assert document["networks_species"] == ["H", "O"]
    assert document["networks"][0] == {
        "type": "a2aff",
        "name": "H",
        "feature_size": 3,
        "layers": [4, 1],
        "activations": [1, 0],
        "offset": OFFSET,
    }


def test_published_networks_of_both_layouts(reference_data):
    read = read_metadata(reference_data / "panna_networks" / "v1")
    new, new_weights = read.specs, read.weights
    read = read_metadata(reference_data / "panna_networks" / "v0")
    old, old_weights = read.specs, read.weights
    assert [spec.element for spec in new] == ["H", "C", "N", "O"]
    assert old[0].shapes == ((384, 12), (12, 6), (6, 3), (3, 1))
    assert old[1:] == new[1:]
    assert new[2].offset == -1484.87
    for specs, weights in ((new, new_weights), (old, old_weights)):
        for spec in specs:
            shapes = tuple(layer.kernel.shape for layer in weights[spec.element])
            assert shapes == spec.shapes


def v0_document(**changes):
    """Layout v0 of one network 3-4-1 of H."""
    return {
        "verison": "v0",
        "networks_species": ["H"],
        "networks_type": ["a2ff"],
        "networks_feature_size": [3],
        "networks_layers_size": [[4, 1]],
        "networks_layers_activation": [[1, 0]],
        "networks_layers_trainable": [[0, 1]],
        "networks_offset": [OFFSET],
    } | changes


def test_v0_follows_the_file_names_it_gives(tmp_path):
    spec, layers = network()
    names = [["first", "w.npy"], ["second weights.npy", "b.npy"]]
    for layer, (kernel_file, bias_file) in zip(layers, names, strict=True):
        with open(tmp_path / kernel_file, "wb") as stream:
            np.save(stream, layer.kernel)
        np.save(tmp_path / bias_file, layer.bias)
    path = tmp_path / "networks_metadata.json"
    path.write_text(json.dumps(v0_document(networks_files=[names])))
    read = read_metadata(tmp_path)
    (stored,), weights = read.specs, read.weights
    assert_same_weights(weights["H"], layers)
    assert stored.offset == spec.offset
    assert [layer.trainable for layer in stored.layers] == [False, True]


def test_v0_without_files_describes_the_structure_only(tmp_path):
    path = tmp_path / "networks_metadata.json"
    path.write_text(json.dumps(v0_document()))
    read = read_metadata(tmp_path)
    (stored,), weights = read.specs, read.weights
    assert weights == {"H": None}
    assert stored.shapes == ((3, 4), (4, 1))


@pytest.mark.parametrize("spelling", ["a2aff", "a2ff", "a2a", "ff"])
def test_all_spellings_of_the_network_type(folder, spelling):
    change_json(folder, lambda d: d["networks"][0].update(type=spelling))
    assert read_metadata(folder).specs[0].element == "H"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda d: d["networks"][0].update(activations=[7, 0]),
            "network of H: unknown activation 7: expected one of 0 \\(linear\\), 1",
        ),
        (
            lambda d: d["networks"][0].update(activations=[1]),
            r"network of H: activations = \[1\]: expected 2, one per layer",
        ),
        (
            lambda d: d["networks"][0].update(layers=[4, 0]),
            r"network of H: layers = \[4, 0\]: expected integers >= 1",
        ),
        (
            lambda d: d["networks"][0].update(offset=float("nan")),
            "network of H: offset = nan: expected a finite number",
        ),
        (
            lambda d: d["networks"][0].update(name="Qq"),
            "network name 'Qq': expected a chemical symbol",
        ),
        (
            lambda d: d["networks"][0].update(type="cnn"),
            "unknown type 'cnn': expected one of a2aff",
        ),
        (
            lambda d: d.update(networks_species=["H"]),
            r"networks_species \['H'\] but networks of \['H', 'O'\]",
        ),
        (
            lambda d: d.update(networks=3),
            "networks: expected a list of JSON objects",
        ),
        (
            lambda d: d.update(networks_species=None),
            "networks_species = None: expected a list of chemical symbols",
        ),
        (
            lambda d: d.update(networks_species=3),
            "networks_species = 3: expected a list of chemical symbols",
        ),
        (
            lambda d: d["networks"][0].update(name=["H"]),
            r"network name \['H'\]: expected a chemical symbol",
        ),
        (
            lambda d: d["networks"][0].update(name={"H": 1}),
            r"network name {'H': 1}: expected a chemical symbol",
        ),
        (
            lambda d: d["networks"][0].update(offset=10**400),
            "network of H: offset = 1000.*: expected a finite number",
        ),
        (
            lambda d: d.pop("networks"),
            "no key networks_feature_size, networks_layers_size",
        ),
    ],
)
def test_a_wrong_description_is_refused(folder, change, message):
    change_json(folder, change)
    with pytest.raises(InputError, match=message) as caught:
        read_metadata(folder)
    assert str(folder / "networks_metadata.json") in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"networks_offset": [1.0, 2.0]}, "networks_offset: expected a list of 1"),
        (
            {"networks_files": [[["w.npy", "b.npy"]]]},
            "networks_files of H: expected 2 pairs of file names",
        ),
        ({"networks_files": {"H": []}}, "networks_files: expected a list of 1 entries"),
        (
            {"networks_species": None},
            "networks_species = None: expected a list",
        ),
        ({"networks_species": 1}, "networks_species = 1: expected a list of chemical"),
        (
            {"networks_layers_trainable": 1},
            "networks_layers_trainable: expected a",
        ),
        (
            {"networks_layers_trainable": {"H": [1, 1]}},
            "networks_layers_trainable: expected a list of 1 entries",
        ),
        (
            {"networks_layers_trainable": [[1, 1], [1, 1]]},
            "networks_layers_trainable: expected a list of 1 entries",
        ),
        (
            {"networks_layers_trainable": [[1]]},
            r"network of H: trainable = \[1\]: expected 2, one per layer",
        ),
    ],
)
def test_a_wrong_v0_description_is_refused(tmp_path, change, message):
    path = tmp_path / "networks_metadata.json"
    path.write_text(json.dumps(v0_document(**change)))
    with pytest.raises(InputError, match=message):
        read_metadata(tmp_path)


def truncated(path):
    path.write_bytes(path.read_bytes()[:-5])


def empty(path):
    path.write_bytes(b"")


def not_numbers(path):
    np.save(path, np.full((4, 1), "weights"))


def of_other_shape(path):
    np.save(path, np.zeros((1, 4), np.float32))


def header_says(text):
    """Damage that writes another header over that of a file."""

    def damage(path):
        path.write_bytes(b"\x93NUMPY\x01\x00" + bytes([len(text), 0]) + text.encode())

    return damage


unclosed = header_says("{'descr': '<f4', 'fortran_order': False, 'shape': (4, 1\n")
enormous = header_says(
    "{'descr': '<f4', 'fortran_order': False, 'shape': (10000000000000, 9)}\n"
)


def with_nan(path):
    np.save(path, np.array([[0.0], [np.nan], [0.0], [np.inf]], np.float32))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (truncated, "not a complete .npy file"),
        (empty, "not a complete .npy file"),
        (unclosed, "not a complete .npy file"),
        (enormous, r"array of shape \(10000000000000, 9\): expected \(4, 1\)"),
        (not_numbers, "expected floating point numbers"),
        (of_other_shape, r"array of shape \(1, 4\): expected \(4, 1\)"),
        (with_nan, "2 of 4 values are NaN or infinite"),
        (os.unlink, "no such file: expected a .npy file of weights or biases"),
    ],
)
def test_a_damaged_array_is_refused(folder, damage, message):
    path = folder / "H_l1_w.npy"
    damage(path)
    with pytest.raises(InputError, match=message) as caught:
        read_metadata(folder)
    assert str(caught.value).startswith(str(path))


def test_a_missing_or_malformed_description_is_told(tmp_path):
    path = tmp_path / "networks_metadata.json"
    with pytest.raises(InputError, match="no such file: expected the description"):
        read_metadata(tmp_path)
    path.write_text('{"networks": [')
    with pytest.raises(InputError, match="not valid JSON"):
        read_metadata(tmp_path)
    path.write_text("[]")
    with pytest.raises(InputError, match="expected a JSON object"):
        read_metadata(tmp_path)


def test_a_full_disk_leaves_the_earlier_networks(folder, monkeypatch):
    before = read_metadata(folder)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match="the disk is full"):
        write(folder, network(sizes=(5, 1)))
    after = read_metadata(folder)
    assert after.specs == before.specs
    assert_same_weights(after.weights["H"], before.weights["H"])
    assert not list(folder.glob(".*"))


def kill_at(monkeypatch, n):
    """Let the n-th rename, counted from 0, be the end of the process."""
    renames, replace = [], os.replace

    def killed(source, target):
        if len(renames) == n:
            raise KeyboardInterrupt
        renames.append(target)
        replace(source, target)

    monkeypatch.setattr(os, "replace", killed)


@pytest.mark.parametrize("n", range(10))  # 5 files are kept, 5 are written
def test_a_killed_process_loses_nothing(folder, monkeypatch, caplog, n):
    before = read_metadata(folder)
    with monkeypatch.context() as patch:
        kill_at(patch, n)
        with pytest.raises(KeyboardInterrupt):
            write(folder, network(offset=1.0))
    after = read_metadata(folder)
    assert after.specs == before.specs == read_specs(folder)
    for element in "HO":
        assert_same_weights(after.weights[element], before.weights[element])
    interrupted = "writing new networks was interrupted; the earlier ones are used"
    assert (interrupted in caplog.text) == (n >= 5)
    write(folder, network(offset=1.0))
    assert read_metadata(folder).specs[0].offset == 1.0
    assert not list(folder.glob(".*"))


def test_a_second_kill_loses_nothing_either(folder, monkeypatch):
    before = read_metadata(folder)
    for networks, n in (([network(offset=1.0)], 7), ([network("O", (2, 2, 1))], 10)):
        with monkeypatch.context() as patch:
            kill_at(patch, n)
            with pytest.raises(KeyboardInterrupt):
                write(folder, *networks)
    after = read_metadata(folder)
    assert after.specs == before.specs
    for element in "HO":
        assert_same_weights(after.weights[element], before.weights[element])


def test_a_reader_notices_that_the_networks_were_replaced_meanwhile(
    folder, monkeypatch
):
    from annpot.networks import metadata

    read = metadata.read_array

    def slow(path, shape):
        array = read(path, shape)
        monkeypatch.setattr(metadata, "read_array", read)
        write(folder, network(offset=1.0), network("O", (2, 2, 1)))
        return array

    monkeypatch.setattr(metadata, "read_array", slow)
    with pytest.raises(InputError, match="changed while it was read"):
        read_metadata(folder)


def test_other_files_of_the_folder_stay(folder):
    (folder / "notes.txt").write_text("mine")
    write(folder, network(offset=1.0))
    assert (folder / "notes.txt").read_text() == "mine"
    assert read_metadata(folder).specs[0].offset == 1.0


def test_what_is_known_of_the_origin_is_kept(folder):
    assert read_metadata(folder).about == {}
    about = {"data": {"mbp_generation": 1, "descriptor": {"eta_rad": [0.1]}}}
    spec, layers = network()
    write_metadata(folder, (spec,), {"H": layers}, about)
    assert read_metadata(folder).about == about
    change_json(folder, lambda d: d.update(annpot=[1]))
    assert read_metadata(folder).about == {}
