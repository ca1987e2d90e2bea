"""Who is trained on, validated on and kept for a test."""

import hashlib

import numpy as np
import pytest

from annpot.data.split import SETS, SplitSettings, divide, names_note, structure_keys
from annpot.data.stored_split import decoded_division, encoded_division
from annpot.errors import InputError

NAMES = [f"structure_{number}" for number in range(100)]
SETTINGS = SplitSettings(validation=0.2, test=0.1, seed=3)


def sets_of(names, settings=SETTINGS):
    """{name: set} of a division."""
    division = divide(names, settings)
    return dict(zip(names, (SETS[s] for s in division.sets), strict=True))


def test_the_smallest_hashes_of_seed_and_name_are_tested_the_next_validated():
    def place(name):
        return hashlib.blake2b(f"3\0{name}".encode(), digest_size=16).digest()

    found, ordered = sets_of(NAMES), sorted(NAMES, key=place)
    assert {found[name] for name in ordered[:10]} == {"test"}
    assert {found[name] for name in ordered[10:30]} == {"validation"}
    assert {found[name] for name in ordered[30:]} == {"train"}


@pytest.mark.parametrize("n", [7, 45, 1000])
def test_sets_have_the_rounded_sizes_and_share_nothing(n):
    division = divide([f"s{i}" for i in range(n)], SETTINGS)
    assert division.counts["test"] == round(0.1 * n)
    assert division.counts["validation"] == round(0.2 * n)
    together = np.sum([division.of(name) for name in SETS], axis=0)
    assert together.tolist() == [1] * n


def test_the_order_of_the_structures_does_not_matter():
    shuffled = list(np.random.default_rng(1).permutation(NAMES))
    assert sets_of(shuffled) == sets_of(NAMES)
    assert divide(shuffled, SETTINGS).fingerprint == divide(NAMES, SETTINGS).fingerprint


def test_another_seed_divides_otherwise():
    other = SplitSettings(validation=0.2, test=0.1, seed=4)
    same = [
        name for name, group in sets_of(NAMES, other).items()
        if group == "test" == sets_of(NAMES)[name]
    ]  # fmt: skip
    assert len(same) < 5  # of 10; 1 by chance
    assert divide(NAMES, other).fingerprint != divide(NAMES, SETTINGS).fingerprint


def test_more_data_move_few_of_those_that_were_there():
    names = [f"s{i}" for i in range(2200)]
    before, after = sets_of(names[:2000]), sets_of(names)
    moved = sum(before[name] != after[name] for name in names[:2000])
    # Ranks of two borders move by sqrt(200 f (1 - f)), 6 and 4, times a few sigma.
    assert 0 < moved < 40


def test_equal_names_are_numbered_and_missing_ones_go_by_place():
    names = ["a", "N.A.", "a", "", "b"]
    keys = structure_keys(names)
    assert keys == ["a", "\0" + "1", "a\0" + "1", "\0" + "3", "b"]
    assert len(set(structure_keys(["a", "a\0" + "1", "a"]))) == 3
    assert "data: 3 of 5 structures have no name, or that of an earlier one" in (
        names_note("data", names)
    )
    assert names_note("data", NAMES) is None


@pytest.mark.parametrize(
    ("n", "settings", "text"),
    [
        (
            13,
            SplitSettings(test=0.02),
            "train.ini:5: test_split = 0.02 of 13 structures is none: expected at "
            "least 1. Raise it to 0.0769 or more, or set it to 0.",
        ),
        (4, SplitSettings(validation=0.1), "validation_split = 0.1 of 4 structures is"),
        (
            3,
            SplitSettings(0.5, 0.4),
            "take 2 and 1 of 3 structures: expected at least 1 to train on.",
        ),
    ],
)
def test_an_empty_set_is_told_with_its_numbers(n, settings, text):
    with pytest.raises(InputError) as caught:
        divide([str(i) for i in range(n)], settings, lambda key: "train.ini:5")
    assert text in str(caught.value)


def test_the_table_names_everybody_in_the_order_of_the_folder():
    division = divide(["x", "y, z", "w"], SplitSettings(test=0.4, seed=1))
    lines = division.csv().splitlines()
    assert lines[0] == "name,set"
    assert [line.rsplit(",", 1)[0] for line in lines[1:]] == ["x", '"y, z"', "w"]
    assert [line.rsplit(",", 1)[1] for line in lines[1:]].count("test") == 1


@pytest.fixture
def stored():
    """StoredDivision as it comes back from a checkpoint."""
    return decoded_division(encoded_division(divide(NAMES, SETTINGS)), "epoch_1_step_2")


@pytest.mark.parametrize("part", SETS)
def test_every_set_is_found_again_in_any_order(stored, part):
    shuffled = list(np.random.default_rng(2).permutation(NAMES))
    found = np.array(shuffled)[stored.find(part, shuffled)]
    expected = [name for name, group in sets_of(NAMES).items() if group == part]
    assert sorted(found) == sorted(expected)
    assert stored.size(part) == len(expected)
    assert stored.is_of(shuffled)


def test_held_out_sets_are_found_among_more_structures_training_is_not(stored):
    more = [*NAMES, "new"]
    assert stored.find("test", more).sum() == 10
    assert not stored.is_of(more)
    with pytest.raises(InputError, match=r"its 71 structures beside .* not the 70"):
        stored.find("train", more)


def test_missing_structures_are_counted_and_named(stored):
    gone = [name for name, group in sets_of(NAMES).items() if group == "test"]
    rest = [name for name in NAMES if name not in gone[:4]]
    with pytest.raises(InputError) as caught:
        stored.find("test", rest)
    listed = ", ".join(sorted(gone[:4])[:3])
    assert str(caught.value) == (
        f"4 of the 10 structures of the test set are not there ({listed}, ...)"
    )


def test_structures_without_names_are_found_only_in_the_same_folder():
    names = ["N.A."] * 10
    stored = decoded_division(encoded_division(divide(names, SETTINGS)), "here")
    assert stored.find("validation", names).sum() == 2
    with pytest.raises(InputError, match="have no name of their own, and the folder"):
        stored.find("validation", [*names, "new"])


def test_structures_that_were_trained_on_and_are_held_out_now_are_counted(stored):
    assert stored.newly_held_out(divide(NAMES, SETTINGS)) == {
        "validation": 0,
        "test": 0,
    }
    now = divide(NAMES, SplitSettings(0.2, 0.3, seed=3))
    # The first 30 hashes were held out already; 20 more are validated on.
    assert stored.newly_held_out(now) == {"validation": 20, "test": 0}


def test_a_damaged_division_is_told():
    with pytest.raises(InputError, match=r"epoch_1_step_2: what it says about the div"):
        decoded_division(b"nothing", "epoch_1_step_2")
    assert decoded_division(None, "epoch_1_step_2") is None
