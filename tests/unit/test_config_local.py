"""The section [LOCAL]: what may stand in it, and what becomes of it."""

import configparser

import pytest

from annpot import config
from annpot.config import metric_names
from annpot.errors import InputError

BASE = """\
[IO_INFORMATION]
data_dir = tfr
[DATA_INFORMATION]
atomic_sequence = H, O
[TRAINING_PARAMETERS]
batch_size = 20
max_steps = 100
[DEFAULT_NETWORK]
architecture = 4:1
"""
LOCAL = "[LOCAL]\ntrain_dir = run\nlog_frequency = 10\nmax_time = 8h\n"


def load(tmp_path, local=LOCAL, base=BASE):
    path = tmp_path / "train.ini"
    path.write_text(base + local)
    return config.load_train(path)


def problems(tmp_path, local, base=BASE):
    with pytest.raises(InputError) as error:
        load(tmp_path, local, base)
    return [text.replace(f"{tmp_path}/", "") for text in error.value.problems]


def keys_of(text):
    """{section: {key: value}} of an INI text."""
    parser = configparser.RawConfigParser()
    parser.read_string(text)
    return {name: dict(parser.items(name)) for name in parser.sections()}


class TestWhatStandsInIt:
    def test_keys_count_as_in_their_own_sections(self, tmp_path):
        local = LOCAL + "validation_options.DATA_DIR = v\n"
        read = load(tmp_path, local)
        own = BASE.replace(
            "tfr\n", "tfr\ntrain_dir = run\nlog_frequency = 10\nmax_time = 28800\n"
        )
        assert read == load(tmp_path, "[VALIDATION_OPTIONS]\ndata_dir = v\n", own)
        assert read.io.max_time == 8 * 3600

    def test_it_wins_over_defaults_and_may_be_referred_to(self, tmp_path):
        defaults = "[DEFAULT]\nlog_frequency = 3\nroot = big\n"
        base = BASE.replace("tfr", "${LOCAL:train_dir}/tfr")
        read = load(tmp_path, LOCAL.replace("= run", "= ${root}/run"), defaults + base)
        assert read.io.log_frequency == 10
        assert str(read.io.data_dir) == "big/run/tfr"

    def test_places_are_those_in_it(self, tmp_path):
        source = load(tmp_path).source
        path = tmp_path / "train.ini"
        assert source.where("IO_INFORMATION", "train_dir") == f"{path}:11"
        assert source.is_given("IO_INFORMATION", "train_dir")

    def test_a_key_without_effect_is_told_where_it_stands(self, tmp_path):
        (notice,) = load(tmp_path, LOCAL + "log_device_placement = 1\n").source.notices
        assert notice.endswith(
            "train.ini:14: [LOCAL] log_device_placement has no effect: devices are "
            "chosen by TensorFlow."
        )


@pytest.mark.parametrize(
    ("local", "base", "found"),
    [
        (
            "log_frequency = 2",
            BASE.replace("tfr\n", "tfr\nlog_frequency = 3\n"),
            "train.ini:15: [LOCAL] log_frequency is also given in [IO_INFORMATION], "
            "line 3. Keep one.",
        ),
        (
            "log_frequency = 2",
            BASE.replace("tfr\n", "tfr\ntensorboard_log_frequency = 3\n"),
            "train.ini:15: [LOCAL] log_frequency is also given in [IO_INFORMATION], "
            "line 3. Keep one.",
        ),
        (
            "metrics = MAE\nIO_INFORMATION.metrics = MAE",
            BASE,
            "train.ini:15: [LOCAL] IO_INFORMATION.metrics is also given in [LOCAL], "
            "line 14. Keep one.",
        ),
        (
            "learning_rate = 2",
            BASE,
            "train.ini:14: [LOCAL] learning_rate touches the result, which [LOCAL] may "
            "not. It belongs to [TRAINING_PARAMETERS].",
        ),
        (
            "H.trainable = 1:1",
            BASE,
            "train.ini:14: [LOCAL] H.trainable touches the result, which [LOCAL] may "
            "not. It belongs to [H].",
        ),
        (
            "behavior = new:new",
            BASE,
            "train.ini:14: [LOCAL] behavior touches the result, which [LOCAL] may not. "
            "It belongs to an element.",
        ),
        (
            "max_tme = 3",
            BASE,
            "train.ini:14: unknown key 'max_tme' in [LOCAL]. Did you mean 'max_time'?",
        ),
        (
            "avg_speed_steps = 3",
            BASE,
            "train.ini:14: unknown key 'avg_speed_steps' in [LOCAL]. It is an old "
            "name; write avg_speed_step.",
        ),
        (
            "keep_best = -1",
            BASE,
            "train.ini:14: [LOCAL] keep_best = -1: expected an integer >= 0 and <= "
            "1e6.",
        ),
    ],
)
def test_a_problem_of_local(tmp_path, local, base, found):
    local = LOCAL.replace("log_frequency = 10", "profile = 0") + local + "\n"
    assert problems(tmp_path, local, base) == [found]


def test_other_commands_have_no_such_section(tmp_path):
    path = tmp_path / "extract.ini"
    path.write_text("[IO_INFORMATION]\nnetwork_dir = x\n[LOCAL]\noutput_dir = y\n")
    with pytest.raises(InputError, match=r"unknown section \[LOCAL\]"):
        config.load_extract(path)


class TestWhatBecomesOfIt:
    def test_the_expanded_file_keeps_it(self, tmp_path):
        read = load(tmp_path, LOCAL + "VALIDATION_OPTIONS.data_dir = v\n")
        text = read.source.expanded_text()
        assert keys_of(text)["LOCAL"] == {
            "train_dir": "run",
            "log_frequency": "10",
            "max_time": "8h",
            "validation_options.data_dir": "v",
        }
        again = load(tmp_path, text, base="")
        assert again == read
        assert again.source.expanded_text() == text

    def test_a_model_does_not_know_it(self, tmp_path):
        read = load(tmp_path)
        text = read.source.model_text({("TRAINING_PARAMETERS", "seed"): 5})
        keys = keys_of(text)
        assert "LOCAL" not in keys
        assert not {"train_dir", "log_frequency", "max_time"} & {
            *keys["IO_INFORMATION"]
        }
        assert keys["IO_INFORMATION"]["keep_best"] == "1"
        assert keys["TRAINING_PARAMETERS"]["seed"] == "5"

    def test_the_text_of_a_model_is_read_with_what_it_lacks(self, tmp_path):
        read = load(tmp_path, "[LOCAL]\ntrain_dir = run\n")
        text = read.source.model_text()
        given = {("IO_INFORMATION", "train_dir"): "run"}
        again = config.load_train_text(text, "run/_models/epoch_1_step_9", given)
        assert again == read
        broken = text.replace("batch_size = 20", "batch_size = ten")
        with pytest.raises(InputError) as error:
            config.load_train_text(broken, "run/_models/epoch_1_step_9", given)
        assert error.value.problems[0].startswith("run/_models/epoch_1_step_9:")
        assert "batch_size = ten: expected an integer" in error.value.problems[0]

    def test_a_stage_overrides_it_and_keeps_it_local(self, tmp_path):
        stages = "[STAGE:a]\nlog_frequency = 3\n"
        load(tmp_path, LOCAL + stages)
        plan = config.load_plan(tmp_path / "train.ini")
        stage = plan.stages["a"]
        assert stage.changes == (("log_frequency", "10", "3"),)
        local = keys_of(stage.config.source.expanded_text())["LOCAL"]
        assert local["log_frequency"] == "3"
        assert local["train_dir"] == "run/stages/a"
        model = keys_of(stage.config.source.model_text())
        assert "log_frequency" not in model["IO_INFORMATION"]

    def test_keys_are_divided_by_what_they_touch(self, tmp_path):
        source = load(tmp_path, LOCAL + "[H]\ntrainable = 0:1\n").source
        assert "[H] trainable" in source.result_keys
        assert "[TRAINING_PARAMETERS] learning_rate" in source.result_keys
        assert "[IO_INFORMATION] max_time" in source.free_keys
        assert "[IO_INFORMATION] accelerator" in source.free_keys
        assert not source.free_keys & source.result_keys


def test_columns_are_those_of_metrics_dat():
    from annpot.training.metrics import COLUMNS

    made = {choice: tuple(columns) for choice, columns in COLUMNS.items()}
    assert made == metric_names.COLUMNS
