"""Keys of optimizers, schedules, clipping: contradictions and keys without effect."""

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


def load(tmp_path, *lines):
    path = tmp_path / "train.ini"
    path.write_text(TRAIN + "\n".join(lines))
    return config.load_train(path)


def told(texts):
    """Messages without folder, line and section."""
    return [text.partition("[TRAINING_PARAMETERS] ")[2] for text in texts]


def problems(tmp_path, *lines):
    with pytest.raises(InputError) as error:
        load(tmp_path, *lines)
    return told(error.value.problems)


PROBLEMS = {
    "two clippings": (
        ("clip_value = 1", "clip_global_norm = 2"),
        "clip_value = 1 and clip_global_norm = 2: expected one way of clipping. Remove "
        "the others.",
    ),
    "decay in adam": (
        ("weight_decay = 0.1",),
        "weight_decay = 0.1 cannot be used with optimizer = adam. Use optimizer = "
        "adamw, or wscale_l2 for a penalty in the loss.",
    ),
    "nesterov alone": (
        ("optimizer = sgd", "nesterov = True"),
        "nesterov = True needs momentum above 0, for example momentum = 0.9.",
    ),
    "accumulation": (
        ("accumulate_steps = 4",),
        "accumulate_steps = 4 does not divide steps_per_epoch = 50: the last 2 "
        "gradients would be left over. Use steps_per_epoch = 48, or another "
        "accumulate_steps.",
    ),
    "cost from nothing": (
        ("forces_cost_end = 1",),
        "forces_cost_end = 1 but forces_cost = 0. Begin with a small cost, for example "
        "forces_cost = 1e-6, or remove forces_cost_end.",
    ),
    "two schedules": (
        ("schedule = cosine", "learning_rate_constant = False"),
        "schedule = cosine but learning_rate_constant = False, which is schedule = "
        "exponential. Keep one of the two.",
    ),
    "exponential": (
        ("schedule = exponential", "learning_rate_decay_step = 9"),
        "schedule = exponential needs learning_rate_decay_factor. Give it, or choose "
        "another schedule.",
    ),
    "warm-up": (
        ("schedule = warmup_cosine",),
        "schedule = warmup_cosine needs warmup. Give it, or choose another schedule.",
    ),
    "a long warm-up": (
        ("schedule = warmup_cosine", "warmup = 500"),
        "warmup = 500 steps, but the schedule ends after 500. Expected a shorter "
        "warmup.",
    ),
    "a long hold": (
        ("schedule = cosine", "schedule_hold = 500"),
        "schedule_hold = 500 steps, but the schedule ends after 500. Expected a "
        "shorter schedule_hold.",
    ),
    "a long warm-up and hold": (
        ("schedule = warmup_cosine", "warmup = 300", "schedule_hold = 200"),
        "warmup = 300 and schedule_hold = 200 steps, but the schedule ends after 500. "
        "Expected a shorter warmup or schedule_hold.",
    ),
    "a short schedule": (
        ("schedule = linear", "schedule_length = 9", "schedule_unit = epochs"),
        "schedule_length = 9 epochs is shorter than the run of 10 epochs. Remove it, "
        "or give at least 10.",
    ),
    "pieces": (
        ("schedule = piecewise", "piecewise_boundaries = 10, 20",
         "piecewise_rates = 1e-4"),
        "piecewise_boundaries has 2 values but piecewise_rates has 1. Give one rate "
        "per boundary; before the first one the rate is learning_rate.",
    ),
    "falling pieces": (
        ("schedule = piecewise", "piecewise_boundaries = 20, 10",
         "piecewise_rates = 1e-4, 1e-5"),
        "piecewise_boundaries = 20, 10: expected numbers above 0, each larger than the "
        "one before.",
    ),
    "late pieces": (
        ("schedule = piecewise", "piecewise_boundaries = 20, 500",
         "piecewise_rates = 1e-4, 1e-5"),
        "piecewise_boundaries = 20, 500 steps: the run ends after 500. Leave out what "
        "comes later, or make the run longer.",
    ),
    "plateau": (
        ("schedule = plateau", "plateau_metric = val_MAE/at"),
        "plateau_metric = val_MAE/at needs validation data. Give [VALIDATION_OPTIONS] "
        "data_dir or [DATA_INFORMATION] validation_split, or write plateau_metric = "
        "MAE/at.",
    ),
    "two precisions": (
        ("precision = float64", "mixed_precision = bfloat16"),
        "mixed_precision = bfloat16 cannot be used with precision = float64, which "
        "asks for more digits. Remove one of the two.",
    ),
    "rounding in L-BFGS": (
        ("optimizer = lbfgs", "mixed_precision = float16"),
        "mixed_precision = float16 cannot be used with optimizer = lbfgs, which takes "
        "the rounding for a property of the data. Set mixed_precision = none, or use "
        "one of adam, adamw, nadam, rmsprop, sgd.",
    ),
    "float16 accumulated": (
        ("accumulate_steps = 5", "mixed_precision = float16"),
        "mixed_precision = float16 leaves out steps whose gradient is not finite, "
        "which accumulate_steps = 5 cannot. Set accumulate_steps = 1, or use "
        "mixed_precision = bfloat16.",
    ),
    **{
        f"lbfgs with {line}": (
            ("optimizer = lbfgs", line),
            "optimizer = lbfgs finds its own steps from the loss of all data: "
            f"{line} cannot be used. {way_out}, or choose another optimizer.",
        )
        for line, way_out in {
            "clip_norm = 0.5": "Set clip_norm = 0",
            "accumulate_steps = 2": "Set accumulate_steps = 1",
            "weight_decay = 0.1": "Set weight_decay = 0",
            "schedule = cosine": "Set schedule = constant",
            "energy_cost_end = 2": "Remove energy_cost_end",
        }.items()
    },
    "early stopping without validation": (
        ("early_stopping_patience = 2", "early_stopping_metric = val_MAE/at"),
        "early_stopping_metric = val_MAE/at needs validation data. Give "
        "[VALIDATION_OPTIONS] data_dir or [DATA_INFORMATION] validation_split, or "
        "write early_stopping_metric = MAE/at.",
    ),
    "early stopping without forces": (
        ("early_stopping_patience = 2", "early_stopping_metric = F_MAE"),
        "early_stopping_metric = F_MAE is about forces, which are not trained: "
        "forces_cost is 0. Choose another column, or give [TRAINING_PARAMETERS] "
        "forces_cost.",
    ),
    "a rate that falls upwards": (
        ("schedule = cosine", "learning_rate = 0.01", "final_learning_rate = 0.1"),
        "final_learning_rate = 0.1 is larger than learning_rate = 0.01, from which "
        "schedule = cosine falls. Give a smaller one.",
    ),
    "decay beyond nothing": (
        ("optimizer = adamw", "learning_rate = 0.01", "weight_decay = 200"),
        "learning_rate = 0.01 and weight_decay = 200: in each update weights would "
        "fall by 2 times themselves. Expected a weight_decay far below 100.",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("lines", "message"), PROBLEMS.values(), ids=PROBLEMS)
def test_contradictions_are_told(tmp_path, lines, message):
    assert problems(tmp_path, *lines) == [message]


def test_lbfgs_needs_its_data_in_memory(tmp_path):
    path = tmp_path / "train.ini"
    text = TRAIN.replace("train_dir", "dataset_cache = False\ntrain_dir")
    path.write_text(f"{text}optimizer = lbfgs")
    with pytest.raises(InputError) as error:
        config.load_train(path)
    assert told(error.value.problems) == [
        "optimizer = lbfgs needs all data in memory, but [IO_INFORMATION] "
        "dataset_cache = False streams them. Remove it, or choose another optimizer."
    ]
    assert "train.ini:3: " in error.value.problems[0]


def test_an_epoch_of_lbfgs_is_one_step_unless_told(tmp_path):
    path = tmp_path / "train.ini"
    path.write_text(TRAIN.replace("steps_per_epoch = 50", "optimizer = lbfgs"))
    assert config.load_train(path).training.steps_per_epoch == 1
    assert load(tmp_path, "optimizer = lbfgs").training.steps_per_epoch == 50


NOTICES = {
    "scale of nothing": (
        ("loss_scale = 8",),
        "loss_scale has no effect: only mixed_precision = float16 uses it.",
    ),
    "scale of bfloat16": (
        ("loss_scale = 8", "mixed_precision = bfloat16"),
        "loss_scale has no effect: bfloat16 has the range of float32, and only "
        "mixed_precision = float16 uses it.",
    ),
    "rate of lbfgs": (
        ("optimizer = lbfgs", "learning_rate = 0.01"),
        "learning_rate has no effect: optimizer = lbfgs does not use it, only adam, "
        "adamw, nadam, rmsprop, sgd.",
    ),
    "momentum": (
        ("momentum = 0.9",),
        "momentum has no effect: optimizer = adam does not use it, only sgd, rmsprop.",
    ),
    "beta": (
        ("optimizer = sgd", "beta1 = 0.5"),
        "beta1 has no effect: optimizer = sgd does not use it, only adam, adamw, "
        "nadam.",
    ),
    "warmup": (
        ("schedule = cosine", "warmup = 9"),
        "warmup has no effect: the schedule is cosine, and only warmup_cosine uses it.",
    ),
    "a long patience": (
        ("early_stopping_patience = 10",),
        "early_stopping_patience = 10 has no effect: the run has 10 complete epochs.",
    ),
    "a growing rate": (
        ("schedule = exponential", "learning_rate_decay_step = 100",
         "learning_rate_decay_factor = 2"),
        "learning_rate_decay_factor = 2 is above 1: the rate grows.",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("lines", "message"), NOTICES.values(), ids=NOTICES)
def test_keys_without_effect_are_told(tmp_path, lines, message):
    assert told(load(tmp_path, *lines).source.notices) == [message]


def test_panna_chooses_by_constant_or_not(tmp_path):
    decay = ("learning_rate_decay_step = 100", "learning_rate_decay_factor = 0.5")
    read = load(tmp_path, "learning_rate_constant = False", *decay)
    assert read.training.rate_schedule == "exponential"
    read = load(tmp_path, "learning_rate_constant = True", *decay)
    assert read.training.rate_schedule == "constant"
    assert read.source.notices == ()
    assert load(tmp_path, "schedule = plateau").training.rate_schedule == "plateau"


def test_adamw_decays_unless_told(tmp_path):
    assert load(tmp_path).training.decoupled_decay == 0
    assert load(tmp_path, "optimizer = adamw").training.decoupled_decay == 0.004
    read = load(tmp_path, "optimizer = adamw", "weight_decay = 0")
    assert read.training.decoupled_decay == 0


def test_lengths_may_be_in_epochs(tmp_path):
    from annpot.training.optimizer_settings import learning_rate_settings

    lines = ("schedule = warmup_cosine", "schedule_unit = epochs", "warmup = 0.5")
    training = load(tmp_path, *lines, "schedule_length = 20").training
    settings = learning_rate_settings(training, 50, 500)
    assert (settings.warmup, settings.length) == (25, 1000)
    settings = learning_rate_settings(load(tmp_path, *lines).training, 50, 500)
    assert settings.length == 500


@pytest.mark.parametrize("optimizer", ["kalman", "gauss_newton"])
def test_a_stage_switches_the_decay_off_for_a_method_without(tmp_path, optimizer):
    lines = [f"optimizer = {optimizer}"]
    lines += ["learning_rate = 1"] if optimizer == "gauss_newton" else []
    assert load(tmp_path, *lines, "weight_decay = 0")
    (problem,) = problems(tmp_path, *lines, "weight_decay = 0.1")
    assert "Remove it, or set the default, 0.0." in problem
