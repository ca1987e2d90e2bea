"""Evaluation without checkpoints: records in order, checks, energies, files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from annpot.data.binary_format import write_bin
from annpot.data.descriptor_origin import DescriptorOrigin
from annpot.data.packing import describe_tfrecords
from annpot.data.records import DescriptorRecord
from annpot.data.tfrecord import encode_record, write_tfrecord
from annpot.errors import InputError
from annpot.evaluation.agreement import check_description
from annpot.evaluation.output import write_results
from annpot.evaluation.records import open_folder, record_batches
from annpot.evaluation.results import Evaluation
from annpot.evaluation.run import predict
from annpot.networks.architecture import LayerSpec, LayerWeights, NetworkSpec
from annpot.networks.checkpoint_files import CheckpointFile
from annpot.networks.checkpoint_networks import CheckpointNetworks

CHECKPOINT = CheckpointFile(epoch=1, step=100, folder=Path("_models"))
SPECS = (
    NetworkSpec("H", 2, (LayerSpec(1, 0),), -13.5),
    NetworkSpec("O", 2, (LayerSpec(1, 0),), -2000.0),
)
WEIGHTS = {
    "H": (LayerWeights(np.array([[1.0], [2.0]]), np.array([0.5])),),
    "O": (LayerWeights(np.array([[-1.0], [0.0]]), np.array([0.0])),),
}
# N_H(g) = g_0 + 2 g_1 + 0.5 and N_O(g) = -g_0.
NETWORKS = CheckpointNetworks(CHECKPOINT, SPECS, WEIGHTS, 1.0, {})


def record(name, species, energy):
    """Record whose atom i has descriptors (i, 0.25)."""
    g = np.column_stack([np.arange(len(species)), np.full(len(species), 0.25)])
    return DescriptorRecord(
        name, np.array(species, np.int64), g.astype(np.float32), energy
    )


WATER = record("water", [1, 0, 0], -2023.0)
# -0 - 2000, 1 + 0.5 + 0.5 - 13.5, 2 + 0.5 + 0.5 - 13.5
WATER_ENERGY = -2022.0
HYDROGEN = record("h2", [0, 0], -25.0)
HYDROGEN_ENERGY = 1.0 + 2.0 - 27.0


@pytest.fixture
def folder(tmp_path):
    """TFRecords 1, 2 and 10 with waters and hydrogens."""
    write(tmp_path / "set-10-10.tfrecord", HYDROGEN)
    write(tmp_path / "set-2-10.tfrecord", replace(WATER, name="second water"))
    write(tmp_path / "set-1-10.tfrecord", WATER, replace(HYDROGEN, name=""))
    return tmp_path


def write(path, *records):
    write_tfrecord(path, map(encode_record, records))


def evaluation_of(path, input_format="tfr"):
    folder = open_folder(path, input_format)
    return predict(NETWORKS, folder, np.float64, lambda n: None)


def test_energies_by_hand_in_the_order_of_files_and_records(folder):
    result = evaluation_of(folder)
    assert result.names == ("water", "", "second water", "h2")
    assert result.compositions == ("H2O", "H2", "H2O", "H2")
    assert result.n_atoms.tolist() == [3, 2, 3, 2]
    assert result.e_ref.tolist() == [-2023.0, -25.0, -2023.0, -25.0]
    # All numbers are sums of powers of two: exact.
    waters, hydrogens = WATER_ENERGY, HYDROGEN_ENERGY
    assert result.e_nn.tolist() == [waters, hydrogens, waters, hydrogens]
    assert result.e_offset.tolist() == [-2027.0, -27.0, -2027.0, -27.0]
    assert result.errors.tolist() == [1 / 3, 0.5, 1 / 3, 0.5]


def test_bin_files_give_the_same_as_tfrecords(tmp_path):
    write_bin(tmp_path / "water.bin", WATER)
    write_bin(tmp_path / "h2.bin", HYDROGEN)
    result = evaluation_of(tmp_path, "bin")
    assert result.names == ("h2", "water")
    assert result.e_nn.tolist() == [HYDROGEN_ENERGY, WATER_ENERGY]


@pytest.mark.parametrize("input_format", ["tfr", "bin"])
def test_a_part_is_the_chosen_records_in_the_order_of_the_folder(folder, input_format):
    for number, one in enumerate((HYDROGEN, WATER, HYDROGEN, WATER)):
        write_bin(folder / f"file_{number}.bin", one)
    names = {
        "tfr": ["water", "N.A.", "second water", "h2"],
        "bin": ["file_0", "file_1", "file_2", "file_3"],
    }
    write(folder / "set-1-10.tfrecord", WATER, replace(HYDROGEN, name="N.A."))
    data = open_folder(folder, input_format)
    assert data.names() == names[input_format]
    part = data.chosen(np.array([False, True, False, True]))
    result = predict(NETWORKS, part, np.float64, lambda n: None)
    assert list(result.names) == names[input_format][1::2]
    assert part.n_structures == 2
    expected = {"tfr": HYDROGEN_ENERGY, "bin": WATER_ENERGY}
    assert result.e_nn.tolist() == [expected[input_format]] * 2


def test_reference_energies_are_rescaled_as_in_training(folder):
    scaled = replace(NETWORKS, energy_rescale=0.5)
    result = predict(scaled, open_folder(folder, "tfr"), np.float64, lambda n: None)
    assert result.e_ref[0] == -1011.5


@pytest.mark.parametrize("largest", [1, 4, 1000])
def test_batches_hold_all_records_once_whatever_their_size(folder, largest):
    data = open_folder(folder, "tfr")
    batches = list(record_batches(data, SPECS, largest=largest))
    energies = [record.energy for batch in batches for record in batch]
    assert energies == [-2023, -25, -2023, -25]
    assert max(sum(r.n_atoms for r in batch) for batch in batches) < largest + 3
    (whole,) = data.batches(NETWORKS, np.float64, with_forces=False)
    counts = whole.element_counts(2)
    assert counts.tolist() == [[2, 1], [2, 0], [2, 1], [2, 0]]


def test_energy_file_has_columns_and_digits(tmp_path):
    result = Evaluation(
        checkpoint=CHECKPOINT,
        names=("a name", ""),
        compositions=("H2O", "H2O"),
        n_atoms=np.array([3, 3]),
        e_ref=np.array([-2079.1234567891, 1.5]),
        e_nn=np.array([-2079.0, 1e-10]),
        e_offset=np.zeros(2),
    )
    write_results(tmp_path, result)
    assert (tmp_path / "epoch_1_step_100.dat").read_text() == (
        "#filename n_atoms e_ref e_nn\n"
        "a_name 3 -2079.1234567891 -2079.0000000000\n"
        "N.A. 3 1.5000000000 0.0000000001\n"
    )


def described(folder, **changes):
    """dataset.json for the fixture's files."""
    values = {
        "species": ("H", "O"),
        "g_size": 2,
        "descriptor": {"kind": "mBP", "eta": [16.0]},
        "mbp_generation": 3,
        "mbp_generation_source": "stated",
    }
    describe_tfrecords(folder, DescriptorOrigin(**values | changes)).write(folder)
    return open_folder(folder, "tfr")


TRAINED_ON = {
    "species": ["H", "O"],
    "descriptor": {"kind": "mBP", "eta": [16.0]},
    "mbp_generation": 3,
    "mbp_generation_source": "stated",
}


def test_data_like_those_of_the_training_pass_without_a_word(folder):
    trained = replace(NETWORKS, data=TRAINED_ON)
    assert check_description(described(folder), trained) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"species": ("O", "H")},
            "descriptors of the elements O, H, but epoch_1_step_100 has networks of H",
        ),
        (
            {"g_size": 5},
            "5 descriptors per atom, but the networks of epoch_1_step_100 take 2",
        ),
        (
            {"mbp_generation": 0},
            r"mBP generation 0 \(stated\), but epoch_1_step_100 was trained on "
            r"generation 3 \(stated\)",
        ),
        (
            {"descriptor": {"kind": "mBP", "eta": [8.0]}},
            r"other descriptor settings than those epoch_1_step_100 was trained on "
            r"\(eta differ\)",
        ),
    ],
)
def test_data_of_another_kind_are_refused(folder, changes, message):
    trained = replace(NETWORKS, data=TRAINED_ON)
    with pytest.raises(InputError, match=message) as caught:
        check_description(described(folder, **changes), trained)
    assert str(caught.value).startswith(f"{folder}/dataset.json: ")


def test_an_assumed_generation_is_told(folder):
    changes = {"mbp_generation_source": "assumed", "descriptor": None}
    (notice,) = check_description(described(folder, **changes), NETWORKS)
    assert "do not say their mBP generation; 3 is assumed" in notice
    trained = replace(NETWORKS, data=TRAINED_ON)
    changes["mbp_generation"] = 0
    (notice,) = check_description(described(folder, **changes), trained)
    assert "mBP generation 0 (assumed), but epoch_1_step_100 was trained" in notice


def test_data_without_description_are_told(folder):
    trained = replace(NETWORKS, data=TRAINED_ON)
    (notice,) = check_description(open_folder(folder, "tfr"), trained)
    assert notice == (
        f"{folder}: no dataset.json; its descriptors are assumed to be like those of "
        "the training (mBP generation 3)."
    )


def test_a_record_of_another_g_size_is_named(folder):
    wide = replace(WATER, g=np.zeros((3, 5), np.float32))
    write(folder / "set-3-10.tfrecord", WATER, wide)
    with pytest.raises(InputError) as caught:
        evaluation_of(folder)
    assert str(caught.value).startswith(
        f"{folder}/set-3-10.tfrecord: record 2: 5 descriptors per atom, but the "
        "networks take 2."
    )


def test_a_record_with_an_unknown_element_is_named(folder):
    write(folder / "set-3-10.tfrecord", record("x", [0, 2], 0.0))
    with pytest.raises(InputError, match=r"set-3-10.*: record 1: species index 2"):
        evaluation_of(folder)


def test_a_truncated_file_is_told_before_anything_is_computed(folder):
    path = folder / "set-2-10.tfrecord"
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(InputError, match=r"set-2-10\.tfrecord"):
        open_folder(folder, "tfr")


def test_a_corrupt_record_is_told(folder):
    path = folder / "set-2-10.tfrecord"
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(InputError, match=r"set-2-10\.tfrecord: record 1: the checksum"):
        evaluation_of(folder)


def test_a_record_with_nan_is_told(tmp_path):
    write(tmp_path / "a.tfrecord", replace(WATER, energy=float("nan")))
    with pytest.raises(InputError, match=r"a\.tfrecord: record 1: .*not a finite"):
        evaluation_of(tmp_path)


def test_a_truncated_bin_is_told(tmp_path):
    write_bin(tmp_path / "water.bin", WATER)
    path = tmp_path / "water.bin"
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(InputError, match=r"water\.bin: "):
        evaluation_of(tmp_path, "bin")


@pytest.mark.parametrize("input_format", ["tfr", "bin"])
def test_missing_and_empty_folders_are_told(tmp_path, input_format):
    with pytest.raises(InputError, match="nowhere: no such folder: expected one with"):
        open_folder(tmp_path / "nowhere", input_format)
    with pytest.raises(InputError, match=r"no records: expected \.\w+ files"):
        open_folder(tmp_path, input_format)
