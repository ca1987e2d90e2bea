"""app_train as typed: what it refuses, in words, and what it leaves behind."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from annpot.apps.train import main
from annpot.config import load_train
from annpot.data.descriptor_origin import DescriptorOrigin
from annpot.data.packing import describe_tfrecords
from annpot.errors import InputError
from annpot.training.data_checks import data_facts
from annpot.training.trace import by_name
from reference.small_training import (
    N_FEATURES,
    OFFSETS,
    SPECIES,
    SmallData,
    assert_same_run,
    finished,
    newest_state,
    prepared,
    run_steps,
    stored_records,
    train_ini,
    write_folder,
)


@pytest.fixture
def shown(capsys):
    """Function: run app_train, return (exit code, output, messages)."""

    def run(path):
        code = main(["-c", str(path)])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return code, captured.out, captured.err

    return run


@pytest.fixture
def own_data(tmp_path, small_data):
    """SmallData that the test may damage."""
    folder = tmp_path / "own"
    for name in ("train", "validate"):
        shutil.copytree(small_data.training.parent / name, folder / name)
    return SmallData(folder / "train", folder / "validate")


def refused(shown, path, *parts):
    """Exit code 2 and a message with all parts; nothing was trained."""
    code, _, message = shown(path)
    assert code == 2, message
    for part in parts:
        assert part in message
    assert not list((path.parent / "run").rglob("*.index"))
    return message


def test_a_run_says_what_it_does(tmp_path, small_data, shown):
    code, output, message = shown(train_ini(tmp_path, small_data))
    assert (code, message) == (0, "")
    for part in (
        "45/45 records",
        "data        45 structures (descriptors in memory), 13 to validate",
        "steps       21 of 4 structures, 7 per epoch",
        "optimizer   adam, rate 0.01, constant",
        "precision   float32, compiled as graph program",
        "memory      about 1.1 GB at most, estimated",
        "seed        5",
        f"results     {tmp_path / 'run'}",
        "compiled 1 program, one for each shape of batch",
        f"tensorboard --logdir {tmp_path / 'run'}",
    ):
        assert part in output
    epochs = re.findall(r"^epoch (\d)/3  step +(\d+)  loss .* \| valid", output, re.M)
    assert epochs == [("1", "7"), ("2", "14"), ("3", "21")]


def test_a_missing_folder(tmp_path, small_data, shown):
    data = SmallData(tmp_path / "nowhere", small_data.validation)
    refused(
        shown,
        train_ini(tmp_path, data),
        f"{tmp_path}/nowhere: no such folder. Expected a folder of .tfrecord files",
    )


def test_an_empty_folder(tmp_path, small_data, shown):
    (tmp_path / "empty").mkdir()
    data = SmallData(tmp_path / "empty", small_data.validation)
    refused(
        shown,
        train_ini(tmp_path, data),
        f"{tmp_path}/empty: no records in it. Expected .tfrecord files",
    )


def test_a_missing_validation_folder(tmp_path, small_data, shown):
    data = SmallData(small_data.training, tmp_path / "nowhere")
    refused(shown, train_ini(tmp_path, data), f"{tmp_path}/nowhere: no such folder.")


def test_a_truncated_file(tmp_path, own_data, shown):
    path = own_data.training / "train-2-3.tfrecord"
    path.write_bytes(path.read_bytes()[:-7])
    refused(
        shown,
        train_ini(tmp_path, own_data),
        f"{path}: the file ends in the middle of record 15. It was cut short; pack",
    )


def test_a_corrupt_record(tmp_path, own_data, shown):
    path = own_data.validation / "train-2-2.tfrecord"
    content = bytearray(path.read_bytes())
    content[-100] ^= 4
    path.write_bytes(content)
    refused(
        shown,
        train_ini(tmp_path, own_data),
        f"{path}: record 6: the checksum of its content does not match.",
    )


def test_a_file_of_something_else(tmp_path, own_data, shown):
    path = own_data.training / "train-1-3.tfrecord"
    path.write_text("energies and positions\n" * 20)
    refused(shown, train_ini(tmp_path, own_data), f"{path}: record 1: the checksum of")


@pytest.mark.parametrize("section", ["DEFAULT_NETWORK", "O"])
def test_a_wrong_g_size(tmp_path, small_data, shown, section):
    path = train_ini(tmp_path, small_data, **{section: {"g_size": 384}})
    message = refused(
        shown,
        path,
        f"but the records of {small_data.training} give 24 descriptors per atom. Set "
        "g_size = 24, or use other descriptor settings.",
    )
    number = int(re.search(r"train.ini:(\d+): g_size = 384 for ", message)[1])
    assert path.read_text().splitlines()[number - 1] == "g_size = 384"


def test_validation_data_of_another_g_size(tmp_path, own_data, shown):
    records = stored_records(own_data.validation)
    records[3] = replace(records[3], g=records[3].g[:, :20].copy())
    shutil.rmtree(own_data.validation)
    write_folder(own_data.validation, records, 1)
    refused(
        shown,
        train_ini(tmp_path, own_data),
        "train-1-1.tfrecord: record 4: 20 descriptors per atom, expected g_size = 24.",
    )


def describe(folder, species):
    """Write the dataset.json of a folder."""
    origin = DescriptorOrigin(species, N_FEATURES, {}, 3, "stated")
    describe_tfrecords(folder, origin).write(folder)


def test_another_order_of_elements_than_the_data(tmp_path, own_data, shown):
    describe(own_data.training, ("H", "C", "N", "O"))
    message = refused(
        shown,
        train_ini(tmp_path, own_data),
        "atomic_sequence = H, C, O, N, but the descriptors in "
        f"{own_data.training} were made with H, C, N, O. Use that order",
    )
    assert re.match(r".*train.ini:\d+: ", message)


def test_the_right_order_is_accepted(tmp_path, own_data, shown):
    describe(own_data.training, SPECIES)
    assert shown(train_ini(tmp_path, own_data))[0] == 0


def test_files_that_were_moved_away_are_told(tmp_path, own_data, shown):
    describe(own_data.validation, SPECIES)
    next(own_data.validation.glob("*.tfrecord")).rename(tmp_path / "elsewhere")
    status, text = shown(train_ini(tmp_path, own_data))[:2]
    assert status == 0
    told = f"{own_data.validation}: using 1 of the 2 files that dataset.json describes"
    assert told in " ".join(text.split())


def test_the_facts_of_a_run_name_the_files_that_were_missing(tmp_path, own_data):
    describe(own_data.training, SPECIES)
    whole, _ = data_facts(load_train(train_ini(tmp_path, own_data)), N_FEATURES)
    assert whole["missing_files"] == []
    first = min(own_data.training.glob("*.tfrecord"))
    first.unlink()
    part, _ = data_facts(load_train(train_ini(tmp_path, own_data)), N_FEATURES)
    assert part == whole | {"missing_files": [first.name]}


def test_the_line_of_a_missing_validation_folder_is_told(tmp_path, own_data):
    path = train_ini(tmp_path, own_data, VALIDATION_OPTIONS={"data_dir": "nowhere"})
    with pytest.raises(InputError, match=r"train\.ini:\d+: nowhere: no such folder\."):
        data_facts(load_train(path), N_FEATURES)


def test_a_file_that_was_replaced_is_refused(tmp_path, own_data, shown):
    describe(own_data.validation, SPECIES)
    first = min(own_data.validation.glob("*.tfrecord"))
    content = bytearray(first.read_bytes())
    content[50] ^= 1
    first.write_bytes(content)
    refused(
        shown,
        train_ini(tmp_path, own_data),
        f"{first}: its content is not what dataset.json recorded; the file was damaged",
    )


def test_a_species_index_out_of_range(tmp_path, small_data, shown):
    path = train_ini(
        tmp_path,
        small_data,
        DATA_INFORMATION={"atomic_sequence": "H, C, O", "output_offset": "0, 0, 0"},
    )
    refused(
        shown,
        path,
        "a species index outside 0..2. atomic_sequence must list the elements the "
        "descriptors were made with, in the same order.",
    )


@pytest.mark.parametrize("number", [0, 7])
def test_nan_in_a_record(tmp_path, own_data, shown, number):
    records = stored_records(own_data.training)
    g = records[number].g.copy()
    g[0, 0] = np.nan
    records[number] = replace(records[number], g=g)
    shutil.rmtree(own_data.training)
    write_folder(own_data.training, records, 1)
    message = refused(
        shown,
        train_ini(tmp_path, own_data),
        f"train-1-1.tfrecord: record {number + 1}: ",
    )
    assert "not a finite number" in message or "not finite" in message


def test_a_missing_array_of_weights(tmp_path, small_data, shown):
    path = train_ini(
        tmp_path,
        small_data,
        O={
            "behavior": "load:new",
            "layer0_w_file": tmp_path / "w.npy",
            "layer0_b_file": tmp_path / "b.npy",
        },
    )
    refused(shown, path, f"{tmp_path}/w.npy: no such file: expected a .npy file")


def test_a_missing_folder_of_networks(tmp_path, small_data, shown):
    path = train_ini(
        tmp_path, small_data, DEFAULT_NETWORK={"networks_metadata": tmp_path / "saved"}
    )
    refused(shown, path, f"{tmp_path}/saved/networks_metadata.json: no such file")


def test_an_unreadable_checkpoint(tmp_path, small_data, shown, finished_run):
    run = finished(tmp_path, small_data, TRAINING_PARAMETERS={"max_epochs": 2})
    models = run.folder / "_models"
    (models / "epoch_2_step_14.data-00000-of-00001").write_bytes(b"")
    code, told, _ = shown(train_ini(tmp_path, small_data))
    assert code == 0
    assert f"{models}/epoch_2_step_14: this checkpoint is truncated, corrupt" in told
    assert "It is set aside; the run goes on from epoch_1_step_7." in told
    assert_same_run(run, finished_run)


def test_a_train_dir_that_is_a_file(tmp_path, small_data, shown):
    (tmp_path / "run").write_text("")
    code, _, message = shown(train_ini(tmp_path, small_data))
    assert code == 2
    assert f"{tmp_path}/run" in message
    assert "cannot be written" in message


@pytest.mark.parametrize(
    "parameters",
    [
        {"learning_rate": 1e30},
        {"loss_function": "exp_quad", "energy_prefactor": 1e6},
    ],
    ids=["rate", "exponential loss"],
)
def test_a_loss_that_is_no_number_stops_with_advice(
    tmp_path, small_data, shown, parameters
):
    finished(tmp_path, small_data, TRAINING_PARAMETERS={"max_epochs": 1})
    io = {"restart_mode": "continue_from_last_ckpt"}
    path = train_ini(
        tmp_path, small_data, TRAINING_PARAMETERS=parameters, IO_INFORMATION=io
    )
    code, _, message = shown(path)
    assert code == 1
    assert re.search(r"the (loss of|weights after) step \d+ (is|are) not", message)
    assert "smaller learning_rate" in message
    state = newest_state(tmp_path / "run")
    assert state.progress.step == 7
    assert np.isfinite(state.layers["H"][0][0]).all()


def test_weights_that_overflow_are_never_saved(tmp_path, small_data, shown):
    # The loss of a step is computed before its update: here it is exp(100) to
    # exp(400), finite in float64, while its gradient is beyond float32.
    trace = run_steps(prepared(train_ini(tmp_path, small_data)), 1)
    squares = by_name(trace[0])["sum_square"]  # of the four structures of the batch
    path = train_ini(
        tmp_path,
        small_data,
        TRAINING_PARAMETERS={
            "loss_function": "exp_quad",
            "energy_prefactor": 400.0 / squares,
        },
        IO_INFORMATION={"save_checkpoint_steps": 1},
    )
    code, _, message = shown(path)
    assert code == 1, message
    assert "the weights after step 1 are not finite numbers, so that no" in message
    assert not list((tmp_path / "run" / "_models").glob("*.index"))


def test_bad_settings_are_refused_before_anything_is_read(tmp_path, small_data, shown):
    path = train_ini(
        tmp_path,
        small_data,
        TRAINING_PARAMETERS={"batch_size": 0, "learnig_rate": 0.1},
    )
    message = refused(shown, path, "learnig_rate", "batch_size = 0")
    assert "learning_rate" in message  # what was meant


def run_code(code, path):
    """Python process that runs app_train; TensorFlow is not told to be quiet."""
    env = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    command = [sys.executable, "-c", code, "-c", path]
    return subprocess.run(command, capture_output=True, text=True, env=env)


@pytest.mark.slow
def test_threads_are_set_before_tensorflow_starts(tmp_path, small_data):
    path = train_ini(tmp_path, small_data, IO_INFORMATION={"threads": 1})
    code = (
        "import sys; from annpot.apps.train import main; result = main()\n"
        "import tensorflow as tf\n"
        "print('threads', tf.config.threading.get_intra_op_parallelism_threads())\n"
        "sys.exit(result)"
    )
    process = run_code(code, path)
    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout.endswith("threads 1\n")


def test_bad_data_are_refused_without_tensorflow(tmp_path, own_data):
    describe(own_data.training, ("H", "C", "N", "O"))
    path = train_ini(tmp_path, own_data)
    code = (
        "import sys; from annpot.apps.train import main; result = main()\n"
        "assert 'tensorflow' not in sys.modules; sys.exit(result)"
    )
    process = run_code(code, path)
    assert process.returncode == 2, process.stderr
    assert "were made with H, C, N, O" in process.stderr


def test_offsets_are_of_the_elements(small_data):
    # The data set itself: energies lie within 3 eV of the sum of offsets.
    for record in stored_records(small_data.training):
        assert abs(record.energy - np.array(OFFSETS)[record.species].sum()) < 3.0
