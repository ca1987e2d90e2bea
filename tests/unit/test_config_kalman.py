"""Keys of the Kalman filter: contradictions, keys without effect, what they become."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from annpot import config
from annpot.errors import InputError
from annpot.training.kalman.choice import kalman_settings
from annpot.training.kalman.settings import KalmanSettings
from annpot.training.optimizer_settings import learning_rate_settings

TRAIN = """\
[IO_INFORMATION]
data_dir = tfr
train_dir = run
accelerator = {}
[DATA_INFORMATION]
atomic_sequence = H, O
[DEFAULT_NETWORK]
architecture = 32:1
[TRAINING_PARAMETERS]
batch_size = 20
steps_per_epoch = 50
max_epochs = 10
"""
KALMAN = "optimizer = kalman"
NO_GRADIENT = "takes no step along a gradient"
BY_UNITS = "weighs by units"
NO_VIRIALS = "does not observe virials"
SQUARES = "fits squares of errors in units of its own"
REFUSED = {  # key = value: (why, default, what follows)
    "clip_value = 1.0": (NO_GRADIENT, "0.0", ""),
    "clip_norm = 1.0": (NO_GRADIENT, "0.0", ""),
    "clip_global_norm = 1.0": (NO_GRADIENT, "0.0", ""),
    "weight_decay = 0.1": (NO_GRADIENT, "0.0", ""),
    "momentum = 0.9": (NO_GRADIENT, "0.0", ""),
    "nesterov = True": (NO_GRADIENT, "False", ""),
    "rho = 0.8": (NO_GRADIENT, "0.9", ""),
    "beta1 = 0.8": (NO_GRADIENT, "0.9", ""),
    "accumulate_steps = 2": (
        "observes all structures of a step at once",
        "1",
        " For more of them raise batch_size.",
    ),
    "learning_rate = 0.01": ("has no learning rate", "0.001", ""),
    "schedule = cosine": ("has no learning rate", "", ""),
    "loss_function = exp_quad": (SQUARES, "quad", ""),
    "energy_reduction = sum": (SQUARES, "mean", ""),
    "energy_weight = n_atoms": (SQUARES, "", ""),
    "wscale_l1 = 0.1": (
        "has no penalty",
        "0.0",
        " A smaller kalman_initial_covariance binds the weights.",
    ),
    "bscale_l2 = 0.1": (
        "has no penalty",
        "0.0",
        " A smaller kalman_initial_covariance binds the weights.",
    ),
    "virial_cost = 1.0": (NO_VIRIALS, "0.0", ""),
    "energy_cost = 2.0": (
        BY_UNITS,
        "1.0",
        " The smaller kalman_energy_unit is, the more energies count.",
    ),
}


def load(folder, *lines, accelerator="auto"):
    path = folder / "train.ini"
    path.write_text(TRAIN.format(accelerator) + "\n".join(lines))
    return config.load_train(path)


def problems(*about, **more):
    with pytest.raises(InputError) as error:
        load(*about, **more)
    return [text.partition("train.ini:")[2] for text in error.value.problems]


@pytest.mark.parametrize("line", REFUSED)
def test_keys_of_gradient_steps_are_refused(tmp_path, line):
    why, default, advice = REFUSED[line]
    way_out = "Remove it" + (f", or set the default, {default}." if default else ".")
    assert problems(tmp_path, KALMAN, line) == [
        f"14: [TRAINING_PARAMETERS] {line} cannot be used with optimizer = kalman, "
        f"which {why}. {way_out}{advice}"
    ]


def test_costs_of_forces_are_0_or_1(tmp_path):
    assert problems(tmp_path, KALMAN, "forces_cost = 0.1") == [
        "14: [TRAINING_PARAMETERS] forces_cost = 0.1 cannot be used with optimizer = "
        "kalman, which weighs by units. Set 1 to observe forces. The smaller "
        "kalman_force_unit is, the more they count."
    ]
    assert load(tmp_path, KALMAN, "forces_cost = 1").training.needs_derivatives


def test_several_devices_are_refused(tmp_path):
    assert problems(tmp_path, KALMAN, accelerator="gpu:0,1") == [
        "4: [IO_INFORMATION] accelerator = gpu:0,1 cannot be used with optimizer = "
        "kalman, whose covariance is on one device. Name one GPU."
    ]


BOUNDS = {
    "noise": (
        ("kalman_noise = 0.1", "kalman_noise_end = 0.2"),
        "15: [TRAINING_PARAMETERS] kalman_noise_end = 0.2 is above kalman_noise = 0.1. "
        "Expected at most 0.1, or a larger kalman_noise.",
    ),
    "variance": (
        ("kalman_max_variance = 50",),
        "14: [TRAINING_PARAMETERS] kalman_initial_covariance = 100 is above "
        "kalman_max_variance = 50. Expected at most 50, or a larger "
        "kalman_max_variance.",
    ),
    "eta": (
        ("kalman_kind = standard", "kalman_eta = 2"),
        "15: [TRAINING_PARAMETERS] kalman_eta = 2 is above kalman_eta_max = 1. "
        "Expected at most 1, or a larger kalman_eta_max.",
    ),
}


@pytest.mark.parametrize(("lines", "message"), BOUNDS.values(), ids=BOUNDS)
def test_what_begins_beyond_its_bound_is_refused(tmp_path, lines, message):
    assert problems(tmp_path, KALMAN, *lines) == [message]


def test_variances_may_be_without_limit_or_not_forget(tmp_path):
    load(tmp_path, KALMAN, "kalman_max_variance = 0")
    load(tmp_path, KALMAN, "kalman_kind = standard", "kalman_initial_covariance = 2000")


NOTICES = {
    "another optimizer": (
        ("kalman_noise = 1",),
        "kalman_noise has no effect: optimizer = adam, and only kalman uses it.",
    ),
    "another kind": (
        (KALMAN, "kalman_eta = 0.5"),
        "kalman_eta has no effect: kalman_kind = fading_memory does not use it.",
    ),
    "no forces": (
        (KALMAN, "kalman_force_fraction = 0.5"),
        "kalman_force_fraction has no effect: forces_cost is 0, so that forces are "
        "not observed.",
    ),
}


@pytest.mark.parametrize(("lines", "message"), NOTICES.values(), ids=NOTICES)
def test_keys_without_effect_are_told(tmp_path, lines, message):
    (notice,) = load(tmp_path, *lines).source.notices
    assert notice.endswith(f"[TRAINING_PARAMETERS] {message}")


def test_a_stage_may_choose_the_filter_where_the_file_has_a_rate(tmp_path):
    path = tmp_path / "train.ini"
    stage = "[STAGE:a]\n[STAGE:b]\noptimizer = kalman\n"
    path.write_text(TRAIN.format("cpu") + f"learning_rate = 0.01\n{stage}")
    with pytest.raises(InputError) as error:
        config.load_plan(path)
    (problem,) = error.value.problems
    assert problem.startswith(f"{path}:15: [STAGE:b] [TRAINING_PARAMETERS] learning_r")
    path.write_text(path.read_text() + "learning_rate = 0.001\n")
    stages = config.load_plan(path).stages
    assert stages["b"].config.training.optimizer == "kalman"


def test_defaults_are_those_of_the_filter(tmp_path):
    training = load(tmp_path, KALMAN).training
    data = SimpleNamespace(
        form="rows", targets=np.array([2.0, -6.0, 8.0]), sizes=np.array([1, 3, 2])
    )
    settings = kalman_settings(training, data, 0)
    # Per atom 2, -2, 4: mean 4/3, squares (4 + 100 + 64)/9/3.
    assert settings == KalmanSettings(energy_unit=math.sqrt(56 / 9))
    assert kalman_settings(load(tmp_path).training, data, 0) is None
    assert learning_rate_settings(training, 50, 500).initial == 1.0


def test_each_key_has_its_place_in_the_settings(tmp_path):
    keys = {
        "covariance = full": ("covariance", "full"),
        "kind = standard": ("kind", "standard"),
        "initial_covariance = 8": ("epsilon", 0.125),
        "lambda = 0.5": ("forgetting", 0.5),
        "nu = 0.25": ("nu", 0.25),
        "max_variance = 0": ("max_variance", None),
        "noise = 0.5": ("q0", 0.5),
        "noise_decay = 0.75": ("q_decay", 0.75),
        "noise_end = 0.375": ("q_min", 0.375),
        "eta = 0.5": ("eta0", 0.5),
        "eta_growth = 0.1": ("eta_growth", 0.1),
        "eta_max = 0.7": ("eta_max", 0.7),
        "energy_per_atom = False": ("per_atom", False),
        "energy_unit = 3": ("energy_unit", 3.0),
        "force_unit = 4": ("force_unit", 4.0),
        "force_fraction = 0.2": ("n_force_components", 36),  # 0.2 * 20 * 3 * 3 atoms
        "precision = float32": ("precision", "float32"),
    }
    lines = [f"kalman_{line}" for line in keys]
    training = load(tmp_path, KALMAN, "forces_cost = 1", *lines).training
    targets = SimpleNamespace(
        energies=np.array([1.0, 2.0]),
        n_atoms=np.array([3, 7]),
        has_forces=np.array([True, False]),
        forces=np.zeros((10, 3)),
    )
    data = SimpleNamespace(form="stored", targets=targets)
    expected = dict(keys.values()) | {"seed": 7}
    assert vars(kalman_settings(training, data, 7)) == expected
