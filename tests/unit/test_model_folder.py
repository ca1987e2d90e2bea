"""The folder of a deployed model: what is written comes back, damage is told."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from annpot.errors import InputError
from annpot.models.folder import read_model, write_model
from annpot.networks.metadata import read_metadata, write_metadata
from reference.small_models import MODELS

every_model = pytest.mark.parametrize("name", MODELS)


@pytest.fixture
def folder(tmp_path):
    write_model(tmp_path / "m", MODELS["mBP generation 3"], "[IO_INFORMATION]\n")
    return tmp_path / "m"


@every_model
def test_a_model_comes_back_to_the_last_bit(name, tmp_path):
    model = MODELS[name]
    write_model(tmp_path, model)
    found = read_model(tmp_path)
    assert found.settings == model.settings
    assert found.specs == model.specs
    assert found.mbp_generation == model.mbp_generation
    assert found.training == model.training
    for element, layers in model.weights.items():
        for mine, theirs in zip(layers, found.weights[element], strict=True):
            assert mine.kernel.tobytes() == theirs.kernel.tobytes()
            assert mine.bias.tobytes() == theirs.bias.tobytes()
    for element, seen in model.ranges.items():
        np.testing.assert_array_equal(seen.maximum, found.ranges[element].maximum)
    for mine, theirs in zip(model.golden, found.golden, strict=True):
        assert mine.energy == theirs.energy
        for key, value in asdict(mine).items():
            np.testing.assert_equal(value, getattr(theirs, key))


def test_training_can_start_from_the_folder(folder):
    found = read_metadata(folder)
    assert found.specs == MODELS["mBP generation 3"].specs


def test_other_networks_in_the_folder_end_the_model(folder):
    model = MODELS["mBP generation 2"]
    names = dict.fromkeys(("model.json", "golden.json", "training.ini"))
    write_metadata(folder, model.specs, model.weights, others=names)
    with pytest.raises(InputError, match=r"model\.json: no such file: expected the"):
        read_model(folder)


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("H_l0_w.npy", lambda b: b[:-5], "H_l0_w.npy: .* bytes, expected .* or copy"),
        ("golden.json", lambda b: b.replace(b"1", b"2"), "golden.json: its sha256"),
        ("model.json", lambda b: b[:-9], "model.json: not what app_extract_weights"),
        ("model.json", lambda b: b"{}", "model.json: not the description of a model"),
        (
            "model.json",
            lambda b: b.replace(b'"format_version": 1', b'"format_version": 9'),
            "format_version 9: this annpot reads 1",
        ),
        (
            "model.json",
            lambda b: b.replace(b'"units"', b'"Units"'),
            "unknown key Units, missing key units",
        ),
        (
            "model.json",
            lambda b: b.replace(b'"mbp_generation": 3', b'"mbp_generation": 5'),
            "mbp_generation 5",
        ),
        (
            "model.json",
            lambda b: b.replace(b'"activation": 4', b'"activation": 7'),
            "activation .7.: expected one of",
        ),
        (
            "model.json",
            lambda b: b.replace(b'"activation": 4', b'"activation": 4.5'),
            "4.5 is no integer",
        ),
        (
            "model.json",
            lambda b: b.replace(b'"offset": ', b'"offset": 1e999, "x": '),
            "numbers that are not finite",
        ),
        (
            "model.json",
            lambda b: b.replace(b'"n_training_atoms": 7', b'"n_training_atoms": 1e999'),
            "inf is no integer",
        ),
    ],
)
def test_damage_is_told(folder, name, damage, message):
    path = folder / name
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=message):
        read_model(folder)


def test_a_missing_file_is_named(folder):
    (folder / "O_l1_b.npy").unlink()
    with pytest.raises(
        InputError, match=r"O_l1_b\.npy: there is no such file, .* copied in part"
    ):
        read_model(folder)


def test_range_margin_covers_rounding_of_float32_only():
    seen = MODELS["mBP generation 3"].ranges["H"]
    limit = np.float32(seen.maximum) * (1 + 6e-8)
    lower, upper = seen.bounds
    assert ((lower <= limit) & (limit <= upper)).all()
    assert (seen.maximum * (1 + 1e-5) > upper).all()
    assert (seen.minimum - 1e-5 < lower).all()


def test_units_are_written(folder):
    units = json.loads((folder / "model.json").read_text())["units"]
    assert units == {
        "length": "angstrom", "energy": "eV", "forces": "eV/angstrom", "virial": "eV",
    }  # fmt: skip
