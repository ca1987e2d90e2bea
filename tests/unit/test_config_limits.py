"""Keys of limits, keeps, splits and devices: how they are written, what fits."""

import pytest

from annpot import config
from annpot.config import accelerators, durations, metric_names
from annpot.errors import InputError

BASE = """\
[IO_INFORMATION]
train_dir = run
{io}
[DATA_INFORMATION]
atomic_sequence = H, O
{data}
[TRAINING_PARAMETERS]
batch_size = 20
max_steps = 100
{training}
[DEFAULT_NETWORK]
architecture = 4:1
[VALIDATION_OPTIONS]
{validation}
"""


def load(tmp_path, **keys):
    texts = dict.fromkeys(("io", "data", "training", "validation"), "") | keys
    path = tmp_path / "train.ini"
    path.write_text(BASE.format(**texts))
    return config.load_train(path)


def problems(tmp_path, **keys):
    with pytest.raises(InputError) as error:
        load(tmp_path, **keys)
    return [text.partition(": ")[2] for text in error.value.problems]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3600", 3600),
        ("0.5", 0.5),
        ("90m", 90 * 60),
        ("8 H", 8 * 3600),
        ("1.5h", 5400),
        ("2d", 2 * 86400),
        ("45s", 45),
        ("08:00:00", 8 * 3600),
        ("100:00:30", 360030),
        ("1-12:00:00", 36 * 3600),
    ],
)
def test_a_duration_is_read_and_written_back(text, seconds):
    assert durations.parse_duration(text) == seconds
    assert durations.parse_duration(durations.format_duration(seconds)) == seconds


@pytest.mark.parametrize(
    "text", ["", "soon", "-3", "08:00", "0:60:00", "1-24:00:00", "1e999", "3w", "inf"]
)
def test_what_is_no_duration(text):
    with pytest.raises(ValueError, match=r"expected a length of time such as 3600"):
        durations.parse_duration(text)


@pytest.mark.parametrize(
    ("text", "spelled"),
    [("auto", "auto"), ("GPU", "gpu"), ("cpu", "cpu"), ("Gpu: 1, 0", "gpu:1,0")],
)
def test_an_accelerator(text, spelled):
    assert accelerators.parse_accelerator(text) == spelled


@pytest.mark.parametrize("text", ["", "tpu", "gpu:", "gpu:0,0", "gpu:-1", "cpu:0"])
def test_what_is_no_accelerator(tmp_path, text):
    assert problems(tmp_path, io=f"accelerator = {text}") == [
        f"[IO_INFORMATION] accelerator = {text}".rstrip()
        + ": expected auto, cpu, gpu, "
        "or gpu:N,M with numbers of GPUs, each once."
    ]


def test_a_metric_is_a_column_of_metrics_dat(tmp_path):
    assert metric_names.parse_column("VAL_mae/AT") == "val_MAE/at"
    assert metric_names.parse_column("r2/at") == "R2/at"
    (found,) = problems(tmp_path, io="best_metric = val_MAE_at")
    assert found.startswith(
        "[IO_INFORMATION] best_metric = val_MAE_at: 'val_MAE_at' is not a column of "
        "metrics.dat. Did you mean val_MAE/at? Known, also with val_: MAE/at, F_MAE, "
    )


def test_what_is_unset_says_so(tmp_path):
    io = load(tmp_path).io
    assert (io.max_time, io.max_epochs_per_run, io.keep_every_epochs) == (None,) * 3
    assert (io.keep_best, io.best_metric, io.accelerator) == (1, None, "auto")
    assert (io.deterministic, io.wandb_project) == (True, None)


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        (
            {"io": "max_time = 0"},
            "[IO_INFORMATION] max_time = 0: expected a length of time such as 3600 "
            "(seconds), 90m, 8h, 2d, 08:00:00, 1-12:00:00 > 0.",
        ),
        (
            {"data": "validation_split = 1"},
            "[DATA_INFORMATION] validation_split = 1: expected a number >= 0 and < 1.",
        ),
        (
            {"data": "validation_split = 0.5\ntest_split = 0.5"},
            "[DATA_INFORMATION] validation_split = 0.5 and test_split = 0.5 leave "
            "nothing to train on. Their sum has to be less than 1.",
        ),
        (
            {"data": "validation_split = 0.1", "validation": "data_dir = v"},
            "[DATA_INFORMATION] validation_split = 0.1 takes validation data from "
            "data_dir, but [VALIDATION_OPTIONS] data_dir = v gives others. Keep one.",
        ),
        (
            {"io": "best_metric = val_MAE/at"},
            "[IO_INFORMATION] best_metric = val_MAE/at needs validation data. Give "
            "[VALIDATION_OPTIONS] data_dir or [DATA_INFORMATION] validation_split, or "
            "write best_metric = MAE/at.",
        ),
        (
            {"io": "best_metric = V_R2/at", "training": "forces_cost = 1"},
            "[IO_INFORMATION] best_metric = V_R2/at is about virials, which are not "
            "trained: virial_cost is 0. Choose another column, or give "
            "[TRAINING_PARAMETERS] virial_cost.",
        ),
    ],
)
def test_what_does_not_fit_together(tmp_path, keys, found):
    assert problems(tmp_path, **keys) == [found]


@pytest.mark.parametrize(
    "keys",
    [
        {"io": "best_metric = val_loss", "data": "validation_split = 0.1"},
        {"io": "best_metric = val_loss", "validation": "data_dir = v"},
        {"io": "best_metric = f_loss", "training": "forces_cost = 1"},
        {"data": "test_split = 0.3", "validation": "data_dir = v"},
    ],
)
def test_what_fits_together(tmp_path, keys):
    assert load(tmp_path, **keys).source.notices == ()


def test_a_seed_of_no_split_is_told(tmp_path):
    (notice,) = load(tmp_path, data="split_seed = 4").source.notices
    assert notice.endswith(
        "[DATA_INFORMATION] split_seed has no effect: validation_split and test_split "
        "are 0."
    )
