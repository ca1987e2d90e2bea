"""Keys of the Gauss-Newton method: contradictions, keys without effect."""

import pytest

from annpot import config
from annpot.errors import InputError

TRAIN = """\
[IO_INFORMATION]
data_dir = tfr
train_dir = run
[DATA_INFORMATION]
atomic_sequence = H, O
[DEFAULT_NETWORK]
architecture = 32:1
[TRAINING_PARAMETERS]
batch_size = 20
steps_per_epoch = 50
max_epochs = 10
"""
CHOSEN = "optimizer = gauss_newton\nlearning_rate = 1"
NO_GRADIENT = "which takes no step along a gradient"
REFUSED = {
    "clip_norm = 1": f"{NO_GRADIENT}. Remove it, or set the default, 0.0.",
    "beta1 = 0.8": f"{NO_GRADIENT}. Remove it, or set the default, 0.9.",
    "weight_decay = 0.1": f"{NO_GRADIENT}. Remove it, or set the default, 0.0.",
    "momentum = 0.9": f"{NO_GRADIENT}. Remove it, or set the default, 0.0. Its own "
    "momentum is gauss_newton_momentum.",
    "wscale_l2 = 0.1": "which has no penalty. Remove it, or set the default, 0.0. "
    "gauss_newton_damping binds the steps instead.",
    "virial_cost = 1": "which does not compare virials. Remove it, or set the default,",
    "energy_cost_end = 2": "which keeps its costs. Remove it.",
    "accumulate_steps = 2": "which solves for all structures of a step at once. Remove "
    "it, or set the default, 1. For more of them raise batch_size.",
    "loss_function = exp_quad": "which minimizes sums of squares. Choose quad.",
}


def load(folder, *lines):
    path = folder / "train.ini"
    path.write_text(TRAIN + "\n".join(lines))
    return config.load_train(path)


@pytest.mark.parametrize(("line", "why"), REFUSED.items(), ids=REFUSED)
def test_keys_of_other_methods_are_refused(tmp_path, line, why):
    with pytest.raises(InputError) as error:
        load(tmp_path, CHOSEN, line)
    (problem,) = error.value.problems
    key = line.partition(" ")[0]
    assert f"14: [TRAINING_PARAMETERS] {key} = " in problem
    assert f"cannot be used with optimizer = gauss_newton, {why}" in problem


@pytest.mark.parametrize("rate", ["", "learning_rate = 0.01"])
def test_a_rate_of_slope_methods_is_refused(tmp_path, rate):
    with pytest.raises(InputError, match=r"part of a whole step that is taken\. Give"):
        load(tmp_path, "optimizer = gauss_newton", rate)


def test_several_devices_are_refused(tmp_path):
    path = tmp_path / "train.ini"
    text = TRAIN.replace("train_dir = run", "train_dir = run\naccelerator = gpu:0,1")
    path.write_text(f"{text}{CHOSEN}\n")
    with pytest.raises(InputError, match="whose kernel is on one device"):
        config.load_train(path)


def test_its_keys_have_no_effect_elsewhere(tmp_path):
    (notice,) = load(tmp_path, "gauss_newton_damping = 1").source.notices
    assert "gauss_newton_damping has no effect: optimizer = adam, and only" in notice
    (notice,) = load(tmp_path, CHOSEN, "gauss_newton_projections = 3").source.notices
    assert "gauss_newton_projections has no effect: forces_cost is 0." in notice


def test_a_clean_choice_says_nothing(tmp_path):
    read = load(tmp_path, CHOSEN, "schedule = cosine", "schedule_hold = 100")
    assert read.source.notices == ()
    assert read.training.gauss_newton_momentum == 0.95
