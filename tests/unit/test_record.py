"""Checkpoints on disk: names, keys, order of writing, and what goes wrong."""

import errno
import json
import os
import re
import resource

import numpy as np
import pytest

from annpot.errors import InputError, TrainingError
from annpot.training.trace import TRACE
from reference.small_training import prepared, run_steps, train_ini, weights_of

VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"


@pytest.fixture(scope="module")
def run(tmp_path_factory, small_data):
    """A Run after five steps; layer 0 of C is frozen."""
    path = train_ini(
        tmp_path_factory.mktemp("record"), small_data, C={"trainable": "0:1"}
    )
    run = prepared(path)
    run_steps(run, 5)
    return run


@pytest.fixture
def recorder(run, tmp_path):
    """Recorder of that run into an empty folder; keeps three checkpoints."""
    return recorder_in(run, tmp_path / "_models")


def recorder_in(run, folder, max_to_keep=3, **keeps):
    from annpot.training.keeps import Keeps
    from annpot.training.record import Recorder

    rules = {"newest": max_to_keep, "every": None, "best": 0, "metric": "loss"}
    recorder = Recorder(folder, run.recorder.snapshot, Keeps(**rules | keeps))
    facts = {key: run.facts[key] for key in ("species", "columns")}
    return WrittenAtOnce(recorder, facts)


class WrittenAtOnce:
    """A Recorder whose checkpoints are on disk when `save` returns."""

    def __init__(self, recorder, facts):
        self.recorder, self.folder, self.facts = recorder, recorder.folder, facts

    def save(self, progress, facts):
        prefix = self.recorder.save(progress, self.facts | facts)
        self.recorder.wait()
        return prefix


NO_SUMS = (0.0,) * len(TRACE)


def progress(step, epoch=0, steps_in_epoch=0, sums=NO_SUMS):
    from annpot.training.progress import Progress

    return Progress(step, epoch, steps_in_epoch, sums, steps_in_epoch)


def slots_of(run):
    from annpot.training.optimizers import slot_variables

    return slot_variables(run.program.optimizer, run.program.trained)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_names_tell_the_epoch_from_one_and_the_step(recorder):
    recorder.save(progress(100, epoch=1), {})
    recorder.save(progress(130, epoch=1, steps_in_epoch=30), {})
    assert names(recorder.folder) == [
        "checkpoint",
        "epoch_1_step_100.data-00000-of-00001",
        "epoch_1_step_100.index",
        "epoch_2_step_130.data-00000-of-00001",
        "epoch_2_step_130.index",
    ]
    assert (recorder.folder / "checkpoint").read_text() == (
        'model_checkpoint_path: "epoch_2_step_130"\n'
        'all_model_checkpoint_paths: "epoch_1_step_100"\n'
        'all_model_checkpoint_paths: "epoch_2_step_130"\n'
    )


def test_tensorflow_finds_the_latest_and_all_keys(recorder, run):
    import tensorflow as tf

    recorder.save(progress(5, epoch=1), {"note": "x"})
    in_use = {"H": 16, "O": 4, "N": 3}  # rows of slots; those of C are not trained
    latest = tf.train.latest_checkpoint(str(recorder.folder))
    assert latest == str(recorder.folder / "epoch_1_step_5")
    shapes = tf.train.load_checkpoint(latest).get_variable_to_shape_map()
    expected = {f"_run{VALUE}": []}  # beside it: _history and _checksum
    for element in "HCON":
        for layer, shape in enumerate([[24, 6], [6, 1]]):
            for kind, full in (("kernel", shape), ("bias", shape[1:])):
                place = f"{element}/_layers/{layer}/{kind}"
                expected[f"_networks/{place}{VALUE}"] = full
                if (element, layer) == ("C", 0):
                    continue  # frozen: no optimizer state
                for slot in ("momentum", "velocity"):
                    place = f"{element}/{layer}/{kind}/{slot}"
                    if (layer, kind) == (0, "kernel"):
                        full = [in_use[element], 6]
                    expected[f"_slots/{place}{VALUE}"] = full
    found = {k: v for k, v in shapes.items() if k.startswith(("_net", "_slot", "_run"))}
    assert found == expected


def test_what_is_stored_comes_back_bitwise(recorder, run):
    from annpot.training.saved_state import load_state

    stored = progress(5, 0, 5, sums=(0.1, 1 / 3, 1e-300, *range(3, len(TRACE))))
    prefix = recorder.save(stored, {"seed": 5})
    state = load_state(prefix)
    assert state.progress == stored
    assert state.run["seed"] == 5
    for element, layers in weights_of(run).items():
        for pair, expected in zip(state.layers[element], layers, strict=True):
            for values, reference in zip(pair, expected, strict=True):
                np.testing.assert_array_equal(values, reference, strict=True)
    slots = slots_of(run)
    assert len(state.slots) == len(slots)
    for (key, slot), variable in slots.items():
        values = state.slots[(key.element, key.layer, key.kind, slot)]
        found = run.parameters.from_full(key, values)
        np.testing.assert_array_equal(found, variable.numpy(), strict=True)
        if (key.layer, key.kind) == (0, "kernel"):  # rows that are not trained
            assert values.shape == (24, 6)
            assert np.count_nonzero(values) <= np.count_nonzero(variable.numpy())


def test_a_second_checkpoint_holds_the_state_of_its_moment(small_data, tmp_path):
    from annpot.training.saved_state import load_state

    run = prepared(train_ini(tmp_path, small_data))
    states = []
    for step in (0, 2):
        run_steps(run, 2, first_step=step)
        prefix = run.save(progress(step + 2))
        run.recorder.wait()
        states.append(load_state(prefix))
    key = ("H", 0, "kernel", "momentum")
    assert (states[0].slots[key] != states[1].slots[key])[:16].all()
    assert states[1].slots[key][16:].any() == 0  # columns that are always zero
    np.testing.assert_array_equal(
        states[1].layers["H"][0][0], weights_of(run)["H"][0][0]
    )


def test_only_the_newest_are_kept(recorder):
    for step in (10, 20, 30, 40, 50):
        recorder.save(progress(step, epoch=step // 10), {})
    steps = sorted(int(p.stem.split("_")[-1]) for p in recorder.folder.glob("*.index"))
    assert steps == [30, 40, 50]
    assert len(list(recorder.folder.glob("*.data*"))) == 3


def test_the_checkpoint_just_written_is_always_kept(run, tmp_path):
    # A run that went back to an early checkpoint finds later ones of its past.
    recorder_in(run, tmp_path).save(progress(500, epoch=5), {})
    recorder = recorder_in(run, tmp_path, max_to_keep=1)
    recorder.save(progress(200, epoch=2), {})
    assert [p.name for p in tmp_path.glob("*.index")] == ["epoch_2_step_200.index"]


def test_leftovers_of_a_killed_writer_are_removed(recorder, run):
    recorder.save(progress(10, epoch=1), {})
    before = names(recorder.folder)
    (recorder.folder / ".writing_4711_epoch_2_step_20.index").write_bytes(b"half")
    (recorder.folder / ".checkpoint.4711.tmp").write_text("half")
    (recorder.folder / "epoch_2_step_20.data-00000-of-00001").write_bytes(b"half")
    recorder_in(run, recorder.folder)
    assert names(recorder.folder) == before


def test_data_without_an_index_is_no_checkpoint(recorder):
    from annpot.training.saved_state import newest_prefix

    recorder.save(progress(10, epoch=1), {})
    (recorder.folder / "epoch_2_step_20.data-00000-of-00001").write_bytes(b"x")
    assert newest_prefix(recorder.folder).name == "epoch_1_step_10"


def test_the_newest_is_the_one_that_the_text_file_names(recorder):
    from annpot.training.saved_state import newest_prefix

    recorder.save(progress(30, epoch=3), {})
    recorder.save(progress(20, epoch=2), {})
    assert newest_prefix(recorder.folder).name == "epoch_2_step_20"
    (recorder.folder / "epoch_2_step_20.index").unlink()
    assert newest_prefix(recorder.folder).name == "epoch_3_step_30"
    (recorder.folder / "checkpoint").unlink()
    assert newest_prefix(recorder.folder).name == "epoch_3_step_30"


def test_a_folder_without_checkpoints_has_no_newest(tmp_path):
    from annpot.training.saved_state import newest_prefix

    assert newest_prefix(tmp_path) is None
    assert newest_prefix(tmp_path / "nowhere") is None


def assert_unharmed(folder, before):
    from annpot.training.saved_state import load_state, newest_prefix

    assert names(folder) == before
    assert newest_prefix(folder).name == "epoch_1_step_10"
    assert load_state(newest_prefix(folder)).progress.step == 10


@pytest.mark.parametrize("call", ["files.sync", "os.replace"])
def test_a_full_disk_leaves_earlier_checkpoints(recorder, monkeypatch, call):
    recorder.save(progress(10, epoch=1), {})
    before = names(recorder.folder)

    def full(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(f"annpot.training.record.{call}", full)
        with pytest.raises(InputError, match="epoch_2_step_20: the disk is full"):
            recorder.save(progress(20, epoch=2), {})
    assert_unharmed(recorder.folder, before)
    recorder.save(progress(20, epoch=2), {})


def test_tensorflow_restores_what_was_written_without_it(recorder, run):
    """Names, numbers and the tree of objects are those of tf.train.Checkpoint."""
    import tensorflow as tf
    from tensorflow.core.protobuf import trackable_object_graph_pb2

    prefix = recorder.save(progress(10, epoch=1), {"note": "x"})
    networks = {
        element: {
            "_layers": [
                {"kernel": tf.Variable(0 * kernel), "bias": tf.Variable(0 * bias)}
                for kernel, bias in layers
            ]
        }
        for element, layers in weights_of(run).items()
    }
    text = tf.Variable("")
    checkpoint = tf.train.Checkpoint(_networks=networks, _run=text)
    checkpoint.read(str(prefix)).assert_existing_objects_matched()
    assert json.loads(text.numpy())["note"] == "x"
    for element, layers in weights_of(run).items():
        for pair, found in zip(layers, networks[element]["_layers"], strict=True):
            np.testing.assert_array_equal(found["kernel"].numpy(), pair[0])
            np.testing.assert_array_equal(found["bias"].numpy(), pair[1])
    graph = trackable_object_graph_pb2.TrackableObjectGraph()
    reader = tf.train.load_checkpoint(str(prefix))
    graph.ParseFromString(reader.get_tensor("_CHECKPOINTABLE_OBJECT_GRAPH"))
    keys = {a.checkpoint_key for node in graph.nodes for a in node.attributes}
    names = set(reader.get_variable_to_shape_map())
    assert keys == names - {"_CHECKPOINTABLE_OBJECT_GRAPH"}


def test_a_checkpoint_holds_the_numbers_of_its_moment(
    small_data, tmp_path, monkeypatch
):
    """Steps that are done while it is being written are not in it."""
    import threading

    from annpot.training import record
    from annpot.training.saved_state import load_state

    run = prepared(train_ini(tmp_path, small_data))
    run_steps(run, 2)
    expected = weights_of(run)
    go_on, write = threading.Event(), record.write_bundle

    def waiting(*arguments):
        go_on.wait(10)
        write(*arguments)

    monkeypatch.setattr(record, "write_bundle", waiting)
    prefix = run.save(progress(2))
    run_steps(run, 20, first_step=2)
    assert (weights_of(run)["H"][1][0] != expected["H"][1][0]).any()
    assert not prefix.with_suffix(".index").exists()
    go_on.set()
    run.recorder.wait()
    layers = load_state(prefix).layers
    for element, pairs in expected.items():
        for pair, stored in zip(pairs, layers[element], strict=True):
            np.testing.assert_array_equal(stored[0], pair[0], strict=True)
            np.testing.assert_array_equal(stored[1], pair[1], strict=True)


def test_a_file_that_the_system_cuts_is_told_as_a_full_disk(recorder):
    """A limit on the size of files stops a process as a full disk would."""
    recorder.save(progress(10, epoch=1), {})
    before = names(recorder.folder)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, limits[1]))
    try:
        with pytest.raises(InputError, match="epoch_2_step_20: the disk is full") as e:
            recorder.save(progress(20, epoch=2), {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "free some space and run the same command again" in str(e.value)
    assert_unharmed(recorder.folder, before)


def test_an_error_of_the_writer_is_told_by_the_next_checkpoint(recorder, monkeypatch):
    """The training does not wait for a checkpoint, but it does not go on for long."""
    recorder.save(progress(10, epoch=1), {})
    before = names(recorder.folder)

    def full(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("annpot.training.record.files.sync", full)
        recorder.recorder.save(progress(20, epoch=2), recorder.facts)  # no wait
        with pytest.raises(InputError, match="epoch_2_step_20: the disk is full"):
            recorder.recorder.save(progress(30, epoch=3), recorder.facts)
    assert_unharmed(recorder.folder, before)
    assert recorder.save(progress(30, epoch=3), {}).name == "epoch_3_step_30"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_one_message(recorder):
    recorder.folder.chmod(0o500)
    try:
        with pytest.raises(InputError, match="cannot be written") as error:
            recorder.save(progress(20, epoch=2), {})
    finally:
        recorder.folder.chmod(0o700)
    assert len(error.value.problems) == 1


def test_weights_that_are_not_finite_are_not_written(recorder, run):
    recorder.save(progress(10, epoch=1), {})
    before = names(recorder.folder)
    kernel = next(iter(run.program.trained.values()))
    values = kernel.numpy()
    kernel.assign(np.full_like(values, np.nan))
    try:
        with pytest.raises(
            TrainingError, match=r"after step 20 are not finite numbers"
        ):
            recorder.save(progress(20, epoch=2), {})
    finally:
        kernel.assign(values)
    assert_unharmed(recorder.folder, before)


def damaged(prefix, suffix, how):
    path = prefix.with_name(f"{prefix.name}{suffix}")
    content = bytearray(path.read_bytes())
    if how == "truncated":
        del content[len(content) // 2 :]
    elif how == "empty":
        content.clear()
    elif how == "flipped":
        for place in range(20, len(content), 50):
            content[place] ^= 0xFF
    else:
        path.unlink()
        return
    path.write_bytes(content)


@pytest.mark.parametrize("suffix", [".index", ".data-00000-of-00001"])
@pytest.mark.parametrize("how", ["truncated", "empty", "flipped", "missing"])
def test_a_damaged_checkpoint_is_one_message(recorder, suffix, how):
    from annpot.training.saved_state import load_state

    prefix = recorder.save(progress(10, epoch=1), {})
    damaged(prefix, suffix, how)
    with pytest.raises(InputError, match=re.escape(str(prefix))) as raised:
        load_state(prefix)
    assert len(raised.value.problems) == 1
    assert "Choose another checkpoint" in str(raised.value)


def test_a_checkpoint_of_something_else_is_refused(tmp_path):
    import tensorflow as tf

    from annpot.training.saved_state import load_state

    prefix = tmp_path / "epoch_1_step_1"
    tf.train.Checkpoint(x=tf.Variable(1.0)).write(str(prefix))
    with pytest.raises(
        InputError, match="no networks in this checkpoint: expected one"
    ):
        load_state(prefix)


def test_sums_do_not_depend_on_how_steps_are_cut():
    trace = np.random.default_rng(1).random((50, len(TRACE))) ** 9
    at_once = progress(0).after(trace)
    in_parts = progress(0)
    for part in np.split(trace, [1, 7, 30]):
        in_parts = in_parts.after(part)
    assert at_once == in_parts
    assert at_once.sums == pytest.approx(trace.sum(axis=0), rel=1e-14)
    assert (at_once.step, at_once.steps_in_epoch) == (50, 50)
    following = at_once.next_epoch()
    assert (following.step, following.epoch, following.steps_in_epoch) == (50, 1, 0)
    assert not any(following.sums)


def test_facts_are_json(recorder):
    with pytest.raises(ValueError, match="JSON"):
        recorder.save(progress(1), {"x": float("nan")})
    prefix = recorder.save(progress(1), {"name": "é", "list": [1, 2.5, None]})
    import tensorflow as tf

    text = tf.train.load_checkpoint(str(prefix)).get_tensor(f"_run{VALUE}")
    facts = json.loads(text)
    assert facts["name"] == "é"
    assert facts["list"] == [1, 2.5, None]
