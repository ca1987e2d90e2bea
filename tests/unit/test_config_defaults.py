"""The section [DEFAULT]: where its keys count, and what is told of the others."""

import pytest

from annpot.config import load_evaluate, load_train
from annpot.errors import InputError

TRAIN = """\
[IO_INFORMATION]
train_dir = run
[DATA_INFORMATION]
atomic_sequence = H, O
[TRAINING_PARAMETERS]
max_steps = 100
[DEFAULT_NETWORK]
architecture = 4:1
"""


def load(tmp_path, defaults, text=TRAIN, loader=load_train):
    path = tmp_path / "run.ini"
    path.write_text(f"[DEFAULT]\n{defaults}\n{text}")
    return loader(path)


def test_a_key_counts_in_each_section_that_knows_it(tmp_path):
    defaults = "batch_size = 7\nLearning_Rate = 0.1\ntrainable = 1:0\ndata_dir = tfr"
    config = load(tmp_path, defaults, TRAIN + "[VALIDATION_OPTIONS]\n[O]\n")
    assert config.training.batch_size == 7
    assert config.training.learning_rate == 0.1
    assert config.validation.batch_size == 7
    assert str(config.validation.data_dir) == "tfr"
    assert config.default_network.trainable == (True, False)
    assert config.elements["O"].trainable == (True, False)
    assert config.elements["H"].trainable is None
    (notice,) = config.source.notices  # of the one key without effect
    assert "[VALIDATION_OPTIONS] batch_size has no effect" in notice


def test_a_section_keeps_its_own_value(tmp_path):
    text = TRAIN.replace("max_steps = 100", "max_steps = 100\nbatch_size = 3")
    assert load(tmp_path, "batch_size = 7", text).training.batch_size == 3


def test_old_names_count_as_well(tmp_path):
    text = "[IO_INFORMATION]\ndata_dir = a\neval_dir = c\n"
    config = load(tmp_path, "train_dir = run", text, load_evaluate)
    assert str(config.io.networks_dir) == "run/_models"
    own = text + "networks_dir = own\n"
    config = load(tmp_path, "train_dir = run", own, load_evaluate)
    assert str(config.io.networks_dir) == "own"


def test_references_are_those_of_the_section(tmp_path):
    text = TRAIN.replace("train_dir = run", "train_dir = run\nname = 3")
    text = text.replace("name = 3", "log_frequency = 3")
    defaults = "root = /big\nbatch_size = 2\ndata_dir = ${root}/${log_frequency}"
    assert str(load(tmp_path, defaults, text).io.data_dir) == "/big/3"


def test_a_key_that_is_only_referred_to_is_fine(tmp_path):
    text = TRAIN.replace("train_dir = run", "train_dir = %(root)s/run")
    config = load(tmp_path, "root = /big\nbatch_size = 2", text)
    assert str(config.io.train_dir) == "/big/run"
    assert config.source.notices == ()


def test_a_misspelt_key_is_told(tmp_path):
    with pytest.raises(InputError) as raised:
        load(tmp_path, "batch_size = 2\nlearnig_rate = 0.1")
    (problem,) = raised.value.problems
    assert problem.endswith(
        "run.ini:3: unknown key 'learnig_rate' in [DEFAULT]: no section of app_train "
        "knows it and no value refers to it. Did you mean 'learning_rate'?"
    )


def test_a_wrong_value_is_told_at_its_line(tmp_path):
    with pytest.raises(InputError, match=r"run.ini:2: \[TRAINING_PARAMETERS\] batch_s"):
        load(tmp_path, "batch_size = two")


def test_a_key_without_its_section_is_told(tmp_path):
    config = load(tmp_path, "batch_size = 2\nlong_range_el = False")
    (notice,) = config.source.notices
    assert notice.endswith(
        "[DEFAULT] long_range_el has no effect: it belongs to [LONG_RANGE], which the "
        "file does not have."
    )
