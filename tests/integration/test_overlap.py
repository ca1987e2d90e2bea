"""Structures that are trained on and validated on at the same time are told."""

from dataclasses import replace

import pytest

from reference.small_structures import force_ini, small_structures, write_xyz
from reference.small_training import (
    SmallData,
    prepared,
    small_records,
    train_ini,
    write_folder,
)

TRAINING = [replace(r, name=f"t{i}") for i, r in enumerate(small_records(20, seed=1))]
OTHERS = [replace(r, name=f"t{i}") for i, r in enumerate(small_records(10, seed=2))]


def notes_of(folder, validation):
    data = SmallData(
        write_folder(folder / "train", TRAINING),
        write_folder(folder / "validate", validation),
    )
    return [
        note for note in prepared(train_ini(folder, data)).notes if "no test" in note
    ]


def test_records_with_the_name_and_energy_of_others_are_counted(tmp_path):
    (note,) = notes_of(tmp_path, [*OTHERS, *TRAINING[3:7]])
    assert note == (
        f"{tmp_path}/validate: name and energy of 4 of 14 structures are those of one "
        f"in {tmp_path}/train (t3, t4, t5, ...). What was trained on is no test: leave "
        "them out of one of the two."
    )


def test_the_same_name_or_the_same_energy_alone_are_no_sign(tmp_path):
    renamed = [replace(record, name=f"new_{record.name}") for record in TRAINING[:5]]
    assert notes_of(tmp_path, [*OTHERS, *renamed]) == []


@pytest.mark.parametrize("n_shared", [0, 2])
def test_structures_are_compared_too(tmp_path, n_shared):
    training = small_structures(8)
    other = [replace(s, name=f"v{s.name}") for s in small_structures(4, seed=9)]
    paths = [
        write_xyz(tmp_path / "train.xyz", training),
        write_xyz(tmp_path / "validate.xyz", [*other, *training[:n_shared]]),
    ]
    notes = "\n".join(prepared(force_ini(tmp_path, *paths)).notes)
    told = "name and energy of 2 of 6 structures are those of one in"
    assert (told in notes) == (n_shared > 0)
