"""Stored or computed derivatives: a rule of sizes, told with its reason."""

from itertools import combinations

import numpy as np
import pytest

from annpot.data.structure_set import read_structure_set
from annpot.errors import InputError
from annpot.training.forms.derivative_choice import (
    SECONDS_PER_BYTE,
    SECONDS_PER_PAIR,
    SECONDS_PER_STEP,
    SECONDS_PER_TRIPLET,
    GeometrySizes,
    choose_form,
    follow_form,
    geometry_sizes,
)
from reference.descriptor_cases import SKEWED, placed
from reference.small_structures import SPECIES, settings

WHERE = "train.ini:7"
MB = 10**6


def sizes(n_pairs, n_triplets, n_blocks=10, n_structures=10):
    return GeometrySizes(n_structures, 40, n_pairs, n_triplets, n_blocks)


def chosen(n_bytes, batch_size=10, budget=1000 * MB, wish="auto", n_pairs=0):
    """Choice for 10 structures with 10000 triplets."""
    found = sizes(n_pairs, 10_000)
    return choose_form(wish, found, n_bytes, batch_size, budget, WHERE)


def test_many_triplets_are_stored_and_many_bytes_are_computed():
    # What is read in the time that a step with all 10000 triplets takes.
    seconds = 10_000 * SECONDS_PER_TRIPLET + SECONDS_PER_STEP
    border = seconds / SECONDS_PER_BYTE
    assert chosen(int(0.99 * border))[0] == "stored"
    assert chosen(int(1.01 * border))[0] == "computed"
    # Pairs count as well.
    assert chosen(int(1.01 * border), n_pairs=1000)[0] == "stored"
    # In a small step computing has to pay what every step costs.
    assert chosen(int(1.01 * border), batch_size=1)[0] == "stored"


def test_the_reason_tells_both_times():
    _, reason = chosen(5 * MB, batch_size=4, n_pairs=2000)
    stored = 0.4 * 5 * MB * SECONDS_PER_BYTE * 1e3
    computed = 4000 * SECONDS_PER_TRIPLET + 800 * SECONDS_PER_PAIR + SECONDS_PER_STEP
    assert reason == (
        f"a step would read 2 MB stored in about {stored:.2g} ms, or compute 4000 "
        f"triplets and 800 pairs in {computed * 1e3:.2g} ms"
    )


def test_what_does_not_fit_is_computed():
    form, reason = chosen(51 * MB, budget=50 * MB)
    assert form == "computed"
    assert reason == "stored ones would need 51 MB, but memory_budget_mb = 50"


def test_demanding_what_does_not_fit_is_an_error():
    with pytest.raises(InputError) as raised:
        chosen(51 * MB, budget=50 * MB, wish="stored")
    assert str(raised.value) == (
        "train.ini:7: derivatives = stored needs 51 MB, but memory_budget_mb = 50. Set "
        "derivatives = computed (or auto), or raise memory_budget_mb."
    )


def test_dataset_cache_decides_about_memory_too():
    """It gives budgets of nothing and of everything."""
    assert chosen(10**15, budget=np.inf, wish="stored")[0] == "stored"
    form, reason = chosen(MB, budget=-1)
    assert form == "computed"
    assert reason.endswith("1 MB, but dataset_cache = False keeps nothing in memory")
    with pytest.raises(InputError, match=r"auto\), or remove dataset_cache\.$"):
        chosen(MB, budget=-1, wish="stored")


@pytest.mark.parametrize("wish", ["stored", "computed"])
def test_a_wish_is_granted(wish):
    for n_bytes in (1, 50 * MB):
        form, reason = chosen(n_bytes, budget=50 * MB, wish=wish)
        assert form == wish
        assert reason.startswith("as asked")


def test_sizes_are_those_counted_one_by_one():
    # Distances 1 and 3.6 and 4.1: two within the angular cutoff of 3.4 at no atom
    # but the first; all within 4.6 see each other.
    line = placed("HOH", [[0, 0, 0], [1.0, 0, 0], [-3.0, 0.9, 0]])
    cell = placed("H", [[0.1, 0.2, 0.3]], SKEWED, (True,) * 3)
    structures = read_structure_set([line, cell], SPECIES, lambda n: None)
    found = geometry_sizes(structures, settings())
    positions = line.positions
    distances = {
        frozenset(pair): np.linalg.norm(positions[pair[0]] - positions[pair[1]])
        for pair in combinations(range(3), 2)
    }
    pairs = 2 * sum(d < 4.6 for d in distances.values())
    near = [
        sum(d < 3.4 for pair, d in distances.items() if atom in pair)
        for atom in range(3)
    ]
    triplets = sum(n * (n - 1) // 2 for n in near)
    shifts = np.indices((9, 9, 9)).reshape(3, -1).T - 4
    lengths = np.linalg.norm(shifts @ SKEWED, axis=1)
    images = int(((lengths > 0) & (lengths < 4.6)).sum())
    near_images = int(((lengths > 0) & (lengths < 3.4)).sum())
    assert found == GeometrySizes(
        n_structures=2,
        n_atoms=4,
        n_pairs=pairs + images,
        n_triplets=triplets + near_images * (near_images - 1) // 2,
        n_blocks=3 + pairs + 1,  # images taken together
    )
    assert found + found == GeometrySizes(
        4, 8, 2 * found.n_pairs, 2 * found.n_triplets, 2 * found.n_blocks
    )


def test_bytes_count_positions_and_strain():
    found = GeometrySizes(1, 4, 0, 0, n_blocks=10)
    assert found.stored_bytes(7.0, 4, with_strain=False) == 10 * 3 * 7 * 4
    assert found.stored_bytes(7.0, 8, with_strain=True) == (10 * 3 + 4 * 6) * 7 * 8


def test_blocks_are_long_where_there_are_many_triplets():
    from annpot.training.prepare_data import block_for

    def block(*structures):
        structures = read_structure_set(structures, SPECIES, lambda n: None)
        return block_for(structures, settings())

    # One triplet of each kind at most; a crystal of one element has hundreds.
    assert block(placed("OHH", [[0, 0, 0], [1, 0, 0], [0, 1, 0]])) == 1
    assert block(placed("H", [[0, 0, 0]], SKEWED / 1.5, (True,) * 3)) == 8


def test_validation_data_are_stored_where_the_training_data_leave_room():
    assert follow_form("auto", 5 * MB, 5 * MB, WHERE) == ("stored", "5 MB")
    form, reason = follow_form("auto", 6 * MB, 5 * MB, WHERE)
    assert form == "computed"
    limit = "the training data leave 5 MB of memory_budget_mb"
    assert reason == f"stored ones would need 6 MB, but {limit}"
    with pytest.raises(InputError) as raised:
        follow_form("stored", 6 * MB, 5 * MB, WHERE)
    assert str(raised.value) == (
        "train.ini:7: derivatives = stored needs 6 MB for the validation data, but "
        f"{limit}. Set derivatives = auto, or raise memory_budget_mb."
    )
