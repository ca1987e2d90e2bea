"""A run that is a stage: its seeds, where its weights and its optimizer come from."""

import contextlib
import hashlib
import io

import numpy as np
import pytest

from annpot.networks.initial_weights import new_layer
from annpot.training.order import batch_records, stage_seed
from reference.numpy_training import NumpyTraining
from reference.small_training import (
    OFFSETS,
    SPECIES,
    FinishedRun,
    assert_close_weights,
    assert_same_run,
    finished,
    run_steps,
    stored_records,
    train_ini,
    weights_of,
)

DOUBLE = {"precision": "float64"}
DECAY = {
    "learning_rate_constant": False,
    "learning_rate_decay_step": 2,
    "learning_rate_decay_factor": 0.5,
}


@pytest.fixture(scope="module")
def parent(tmp_path_factory, small_data):
    """SavedState after two epochs of seven steps in float64; C has a frozen layer."""
    folder = tmp_path_factory.mktemp("parent")
    keys = DOUBLE | {"max_epochs": 2}
    run = finished(folder, small_data, TRAINING_PARAMETERS=keys, C={"trainable": "0:1"})
    return run.state


def origin_of(name="fine", state=None, **about):
    from annpot.training.origin import StageOrigin

    return StageOrigin(name, 5, state, state and state.prefix, **about)


def prepared_stage(path, origin):
    """Run of a stage, ready before its first step."""
    from annpot.config import load_train
    from annpot.training.setup import prepare

    def announce(*about):
        return contextlib.nullcontext(lambda n: None)

    return prepare(load_train(path), announce, origin)


def finished_stage(folder, data, origin, **sections):
    """FinishedRun of a stage."""
    from annpot.apps.training_screen import Screen
    from annpot.config import load_train
    from annpot.training.trainer import train

    folder.mkdir(exist_ok=True)
    shown = io.StringIO()
    path = train_ini(folder, data, **sections)
    train(load_train(path), Screen(shown), origin)
    return FinishedRun(folder / "run", shown.getvalue())


def oracle_of(layers):
    """NumpyTraining with the weights of the networks 6:1."""
    return NumpyTraining(
        {s: layers[element] for s, element in enumerate(SPECIES)},
        dict.fromkeys(range(4), (1, 0)),
        OFFSETS,
    )


def batches(small_data, name, n_batches):
    """Lists of DescriptorRecords in the order of a stage."""
    records = stored_records(small_data.training)
    numbers = batch_records(stage_seed(5, name), len(records), 4, 0, n_batches)
    return [[records[i] for i in batch] for batch in numbers]


def test_the_seed_of_a_stage_is_a_hash_of_seed_and_name():
    digest = hashlib.sha256(b"5/fine").hexdigest()
    assert stage_seed(5, "fine") == int(digest[:16], 16) % 2**31
    assert (
        len({stage_seed(5, "fine"), stage_seed(5, "coarse"), stage_seed(6, "fine")})
        == 3
    )


def test_a_branch_starts_with_the_first_weights_of_the_plan(tmp_path, small_data):
    run = prepared_stage(
        train_ini(tmp_path, small_data, TRAINING_PARAMETERS=DOUBLE), origin_of()
    )
    expected = new_layer((24, 6), "O", 0, seed=5).kernel
    np.testing.assert_array_equal(weights_of(run)["O"][0][0], expected)
    assert (run.plan.seed, run.plan.order_seed) == (5, stage_seed(5, "fine"))
    oracle = oracle_of(weights_of(run))
    losses = [oracle.train(batch, 0.01) for batch in batches(small_data, "fine", 3)]
    np.testing.assert_allclose(run_steps(run, 3)[:, 0], losses, rtol=1e-9)


def test_a_child_has_the_weights_of_its_parent_and_nothing_else(
    tmp_path, small_data, parent
):
    keys = DOUBLE | DECAY
    run = prepared_stage(
        train_ini(tmp_path, small_data, TRAINING_PARAMETERS=keys),
        origin_of(state=parent),
    )
    assert_close_weights(weights_of(run), parent.layers, atol=0)
    assert (run.start.step, run.start.epoch) == (0, 0)
    assert run.networks[0].sources == ("parent",)
    assert f"Stage fine starts with the networks of {parent.prefix}." in run.notes
    oracle = oracle_of(parent.layers)  # its slots are zero
    for step, batch in enumerate(batches(small_data, "fine", 3)):
        oracle.train(batch, rate=0.01 * 0.5 ** (step / 2))
    run_steps(run, 3)
    expected = {element: oracle.layers[s] for s, element in enumerate(SPECIES)}
    assert_close_weights(weights_of(run), expected, atol=1e-12)


def test_kept_slots_go_on_with_their_bias_correction(tmp_path, small_data, parent):
    # The schedule is at 0 again; Adam's exponents count from the parent's step 14 on
    # where it has slots, and from 0 for the layer that it had frozen.
    keys = DOUBLE | DECAY
    run = prepared_stage(
        train_ini(tmp_path, small_data, TRAINING_PARAMETERS=keys),
        origin_of(state=parent, keep_optimizer=True),
    )
    since = dict(zip(map(str, run.program.trained), run.program.optimizer.first_steps,
                     strict=True))  # fmt: skip
    assert since.pop("C/0/kernel") == since.pop("C/0/bias") == 0
    assert set(since.values()) == {-14}
    kept, fresh = oracle_of(parent.layers), oracle_of(parent.layers)
    kept.step = 14
    for (element, layer, kind, slot), values in parent.slots.items():
        slots = {"momentum": kept.moments, "velocity": kept.squares}[slot]
        place = slots[SPECIES.index(element)][layer]
        place[("kernel", "bias").index(kind)] = values
    (batch,) = batches(small_data, "fine", 1)
    for oracle in (kept, fresh):
        oracle.train(batch, rate=0.01)
    run_steps(run, 1)
    expected = {element: list(kept.layers[s]) for s, element in enumerate(SPECIES)}
    expected["C"][0] = fresh.layers[SPECIES.index("C")][0]
    assert_close_weights(weights_of(run), expected, atol=1e-12)


@pytest.mark.parametrize("keep_optimizer", [False, True])
def test_a_stage_in_parts_is_the_stage_in_one_go(
    tmp_path, small_data, parent, keep_optimizer
):
    origin = origin_of(state=parent, keep_optimizer=keep_optimizer, parent="coarse")
    first = DOUBLE | {"max_epochs": 1}
    finished_stage(tmp_path / "a", small_data, origin, TRAINING_PARAMETERS=first)
    parts = finished_stage(
        tmp_path / "a", small_data, origin, TRAINING_PARAMETERS=DOUBLE
    )
    assert "epoch_1_step_7 (epoch 1, step 7)." in parts.shown
    at_once = finished_stage(
        tmp_path / "b", small_data, origin, TRAINING_PARAMETERS=DOUBLE
    )
    assert_same_run(parts, at_once)
    stage = dict(parts.state.run["stage"])
    weights = [
        array for e in sorted(SPECIES) for pair in parent.layers[e] for array in pair
    ]
    digest = hashlib.sha256(b"".join(array.tobytes() for array in weights)).hexdigest()
    assert stage.pop("parent_weights") == digest
    assert stage == {
        "name": "fine",
        "parent": "coarse",
        "parent_checkpoint": str(parent.prefix),
        "parent_checksum": parent.checksum,
        "keep_optimizer": keep_optimizer,
        "sequence": [],
    }


def test_another_parent_is_told_when_a_stage_goes_on(tmp_path, small_data, parent):
    first = DOUBLE | {"max_epochs": 1}
    run = finished_stage(
        tmp_path, small_data, origin_of(state=parent), TRAINING_PARAMETERS=first
    )
    path = train_ini(tmp_path, small_data, TRAINING_PARAMETERS=DOUBLE)
    prepared = prepared_stage(path, origin_of(state=run.state))
    (note,) = [note for note in prepared.notes if "its parent" in note]
    assert note.startswith(f"Stage fine began with {parent.prefix}; the network of")
    assert f"is another one now ({run.state.prefix}). It goes on" in note
    assert prepared.start.step == 7
