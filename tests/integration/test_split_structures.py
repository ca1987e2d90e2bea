"""Structures and derivatives divided from one folder equal folders divided by hand."""

import pytest

from annpot.apps.evaluate import main as evaluate
from annpot.data.packing import describe_tfrecords
from annpot.data.split import SplitSettings, divide
from annpot.data.structure_origin import StructureOrigin
from annpot.data.structure_records import encode_structure
from annpot.data.tfrecord import write_tfrecord
from reference.small_structures import (
    SPECIES,
    force_ini,
    small_structures,
    with_gaps,
    write_records,
    write_xyz,
)
from reference.small_training import FinishedRun, assert_same_run, trained

SPLIT = {"validation_split": 0.25, "test_split": 0.2, "split_seed": 1}
STRUCTURES = with_gaps(small_structures(20))
COMPLETE = small_structures(20)  # records of descriptors have all labels


def xyz(path, structures):
    return write_xyz(path.with_suffix(".xyz"), structures)


def structure_records(folder, structures):
    folder.mkdir()
    for number in range(2):
        payloads = [encode_structure(s, SPECIES) for s in structures[number::2]]
        write_tfrecord(folder / f"{number}.tfrecord", payloads)
    describe_tfrecords(folder, StructureOrigin(SPECIES)).write(folder)
    return folder


def descriptor_records(folder, structures):
    return write_records(folder, structures, "sparse")


CASES = {
    "stored": (xyz, STRUCTURES, {"derivatives": "stored"}, {}),
    "computed": (xyz, STRUCTURES, {"derivatives": "computed"}, {}),
    "energies": (xyz, STRUCTURES, {}, {"forces_cost": 0}),
    "structure records": (
        structure_records,
        STRUCTURES,
        {"derivatives": "stored", "input_format": "structure"},
        {},
    ),
    "derivatives in records": (
        descriptor_records,
        COMPLETE,
        {"input_format": "tfr", "gvect_ini": None},
        {},
    ),
}
KEYS = {"steps_per_epoch": 4, "max_epochs": 2, "batch_size": 3}


def run_of(folder, data, io, training, **sections):
    ini = force_ini(
        folder, *data, IO_INFORMATION=io, TRAINING_PARAMETERS=KEYS | training,
        **sections,
    )  # fmt: skip
    return FinishedRun(folder / "run", trained(ini))


@pytest.mark.parametrize("case", CASES)
def test_a_split_run_and_its_test_equal_those_divided_by_hand(tmp_path, case):
    write, structures, io, training = CASES[case]
    whole = write(tmp_path / "whole", structures)
    # Two files in turn, as they are written: the order of the folder.
    in_order = structures if write is xyz else [*structures[::2], *structures[1::2]]
    division = divide([s.name for s in in_order], SplitSettings(0.25, 0.2, 1))
    parts = {}
    for name in ("train", "validation", "test"):
        own = [
            s for s, is_own in zip(in_order, division.of(name), strict=True) if is_own
        ]
        back = own if write is xyz else _dealt(own)
        parts[name] = write(tmp_path / name, back)
    for name in ("hand", "split"):
        (tmp_path / name).mkdir()
    hand = run_of(
        tmp_path / "hand", (parts["train"], parts["validation"]), io, training
    )
    split = run_of(
        tmp_path / "split", (whole,), io, training, DATA_INFORMATION=SPLIT
    )  # fmt: skip
    assert division.counts == {"train": 11, "validation": 5, "test": 4}
    assert_same_run(hand, split)
    assert "4 kept for a test" in split.shown
    assert _evaluated(tmp_path, split, whole, io, "split = test") == _evaluated(
        tmp_path, split, parts["test"], io, ""
    )


def _dealt(structures):
    """An order that two files, filled in turn, turn into the given one."""
    half = (len(structures) + 1) // 2
    first, second = structures[:half], structures[half:]
    dealt = [None] * len(structures)
    dealt[::2], dealt[1::2] = first, second
    return dealt


def _evaluated(folder, run, data, io, options):
    """Texts of all files of results."""
    out = folder / f"results{bool(options)}"
    ini = folder / "evaluate.ini"
    kind = io.get("input_format", "example")
    ini.write_text(
        f"[IO_INFORMATION]\ndata_dir = {data}\nnetworks_dir = {run.folder}/_models\n"
        f"eval_dir = {out}\ninput_format = {kind}\n"
        f"[VALIDATION_OPTIONS]\nsingle_step = True\ncompute_forces = True\n{options}\n"
    )
    assert evaluate(["-c", str(ini)]) == 0
    found = sorted(out.glob("*.dat"))
    assert len(found) > 1
    return [path.read_text() for path in found]
