"""output_offset = auto: the least-squares fit, what it refuses, where it goes on."""

import numpy as np
import pytest

from annpot.errors import InputError
from reference.small_training import OFFSETS, SPECIES, finished, prepared, train_ini

AUTO = {"DATA_INFORMATION": {"output_offset": "auto"}}
TRAINING = "TRAINING_PARAMETERS"


def fit(energies, counts, elements="HCO", fixed=None):
    from annpot.training.energy_offsets import fit_offsets

    values = fixed or {}
    return fit_offsets(
        np.array(energies), np.array(counts), tuple(elements), values, "x.ini:3"
    )


def test_energies_made_of_offsets_give_them_back():
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 9, (50, 3))
    counts[:, 0] += 1
    wanted = np.array([-13.5, -1029.25, -2041.75])
    found, rmse = fit(counts @ wanted, counts)
    np.testing.assert_allclose([*found.values()], wanted, rtol=1e-12)
    assert rmse < 1e-10


def test_the_fit_is_that_of_the_normal_equations():
    rng = np.random.default_rng(1)
    counts = rng.integers(1, 9, (40, 3))
    energies = counts @ [-1.0, -2.0, -3.0] + rng.normal(size=40)
    energies[7] = np.nan  # has no energy: no part in the fit
    n, e = np.delete(counts, 7, 0), np.delete(energies, 7)
    wanted = np.linalg.inv(n.T @ n) @ n.T @ e
    found, rmse = fit(energies, counts)
    np.testing.assert_allclose([*found.values()], wanted, rtol=1e-10)
    left = (e - n @ wanted) / n.sum(axis=1)
    assert rmse == pytest.approx(np.sqrt(np.mean(left**2)), rel=1e-10)


def test_numbers_that_are_given_stay():
    counts = np.array([[2, 1], [2, 1], [4, 2]])  # water: one number is all they tell
    found, _ = fit(counts @ [-13.0, -432.0], counts, "HO", {"H": -13.0})
    assert found == {"O": pytest.approx(-432.0, rel=1e-12)}


def test_elements_in_a_fixed_proportion_are_named():
    counts = np.array([[2, 1, 0, 1], [4, 2, 0, 3], [6, 3, 0, 2]])
    with pytest.raises(InputError) as raised:
        fit([-1.0, -2.0, -3.0], counts, ("H", "O", "N", "C"))
    none, tied, way_out = str(raised.value).split("\n")
    assert none == (
        "x.ini:3: output_offset = auto finds no atom of N in the training data."
    )
    assert tied == (
        "x.ini:3: output_offset = auto cannot tell H and O apart: in the training data "
        "their numbers of atoms depend on each other in all structures."
    )
    assert way_out.endswith("for example output_offset = 0, auto, auto, auto.")


def test_two_groups_are_told_apart():
    from annpot.training.energy_offsets import tied_elements

    rng = np.random.default_rng(2)
    a, b, c = rng.integers(1, 30, (3, 20))
    counts = np.stack([a, b, 2 * a, c, 3 * b], axis=1)
    assert tied_elements(counts) == [[0, 2], [1, 4]]
    # Three that only together depend on each other are one group.
    assert tied_elements(np.stack([a, b, a + b, c], axis=1)) == [[0, 1, 2]]
    assert tied_elements(np.stack([a, b, c], axis=1)) == []


def test_without_energies_there_is_nothing_to_fit():
    with pytest.raises(InputError, match="but no structure of the training data has"):
        fit([np.nan, np.nan], [[1, 1, 1], [2, 1, 1]])


def offsets_of(run):
    return [network.spec.offset for network in run.networks]


def test_a_run_tells_and_stores_them(tmp_path, small_data):
    from annpot.config import load_train
    from annpot.networks.checkpoint_files import latest_checkpoint
    from annpot.networks.checkpoint_networks import open_networks

    run = finished(tmp_path / "a", small_data, **AUTO)
    assert "output_offset = auto: H -1" in run.shown
    stored = [one["offset"] for one in run.state.run["networks"]]
    # The rest of an energy, 0.5 sin(...) of each atom, is part of what is fitted.
    np.testing.assert_allclose(stored, OFFSETS, atol=0.6)
    config = load_train(tmp_path / "a" / "train.ini")
    networks = open_networks(latest_checkpoint(run.folder / "_models"), config)
    assert [spec.offset for spec in networks.specs] == stored


def test_a_run_that_goes_on_keeps_them_and_is_the_same(tmp_path, small_data):
    whole = finished(tmp_path / "a", small_data, **AUTO)
    finished(tmp_path / "b", small_data, **AUTO, **{TRAINING: {"max_epochs": 1}})
    parts = finished(tmp_path / "b", small_data, **AUTO)
    from reference.small_training import assert_same_run

    assert_same_run(whole, parts)
    assert "least-squares" not in parts.shown  # they are those of the checkpoint
    assert whole.state.run["networks"] == parts.state.run["networks"]


def test_numbers_and_auto_mix(tmp_path, small_data):
    keys = {"output_offset": f"{OFFSETS[0]}, auto, auto, {OFFSETS[3]}"}
    run = prepared(train_ini(tmp_path, small_data, DATA_INFORMATION=keys))
    found = offsets_of(run)
    assert (found[0], found[3]) == (OFFSETS[0], OFFSETS[3])
    np.testing.assert_allclose(found[1:3], OFFSETS[1:3], atol=1.2)


def test_an_element_section_wins_over_auto(tmp_path, small_data):
    path = train_ini(tmp_path, small_data, **AUTO, C={"output_offset": -1000.0})
    assert offsets_of(prepared(path))[SPECIES.index("C")] == -1000.0


def test_rescaled_energies_give_rescaled_offsets(tmp_path, small_data):
    plain = prepared(train_ini(tmp_path, small_data, **AUTO))
    keys = {"output_offset": "auto", "energy_rescale": 2.0}
    twice = prepared(train_ini(tmp_path, small_data, DATA_INFORMATION=keys))
    np.testing.assert_allclose(
        offsets_of(twice), 2 * np.array(offsets_of(plain)), rtol=1e-9
    )
