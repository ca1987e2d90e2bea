"""How training and validation data share the memory, and what that may decide."""

import pytest

from reference.small_structures import force_ini, small_structures, write_xyz
from reference.small_training import prepared, trained

MEGABYTE = 1e6


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Structures to train on and, as many again, to validate on."""
    folder = tmp_path_factory.mktemp("structures")
    parts = {"training": 1, "validation": 2}
    return [
        write_xyz(folder / f"{name}.xyz", small_structures(10, seed))
        for name, seed in parts.items()
    ]


def run_of(folder, files, budget=None, form="auto"):
    """Run with a budget of some bytes."""
    folder.mkdir(exist_ok=True)
    io = {"derivatives": form}
    if budget is not None:
        io["memory_budget_mb"] = budget / MEGABYTE
    return prepared(force_ini(folder, *files, IO_INFORMATION=io))


def test_neighbours_of_both_together_stay_within_the_budget(tmp_path, files):
    run = run_of(tmp_path / "all", files, form="computed")
    stores = run.data.store, run.validator.data.store
    assert all(store.is_resident for store in stores)
    both = sum(store.n_bytes for store in stores)
    run = run_of(tmp_path / "less", files, both - 1, "computed")
    assert run.data.store.is_resident
    assert not run.validator.data.store.is_resident
    run = run_of(tmp_path / "none", files, stores[0].n_bytes - 1, "computed")
    # What is in a file takes none of the memory.
    assert not run.data.store.is_resident
    assert run.validator.data.store.is_resident == (
        stores[1].n_bytes <= stores[0].n_bytes - 1
    )


def test_validation_data_have_no_say_in_the_form_of_training(tmp_path, files):
    run = run_of(tmp_path / "all", files)
    both = run.data.budgeted_bytes + run.validator.data.budgeted_bytes
    assert (run.data.form, run.validator.data.form) == ("stored", "stored")
    run = run_of(tmp_path / "less", files, 0.8 * both)
    assert (run.data.form, run.validator.data.form) == ("stored", "computed")
    told = "\n".join(run.notes)
    assert "Derivatives of the validation data: computed (stored ones would" in told
    alone = run_of(tmp_path / "alone", files[:1], 0.8 * both)
    assert alone.plan.step.shapes == run.plan.step.shapes
    assert alone.plan.step.form == run.plan.step.form == "stored"


def test_a_run_that_goes_on_keeps_the_form_of_its_derivatives(tmp_path, files):
    """Another memory budget must not change the last bits of a resumed run."""
    keys = {"TRAINING_PARAMETERS": {"max_epochs": 1, "steps_per_epoch": 2}}
    little = {"IO_INFORMATION": {"memory_budget_mb": 1e-3}}
    shown = trained(force_ini(tmp_path, *files, **keys, **little))
    assert "descriptors: computed (stored ones would need" in shown
    longer = {"TRAINING_PARAMETERS": {"max_epochs": 2, "steps_per_epoch": 2}}
    shown = trained(force_ini(tmp_path, *files, **longer))
    assert "descriptors: computed (as before)" in shown
