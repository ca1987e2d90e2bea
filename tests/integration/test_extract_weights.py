"""app_extract_weights: what it writes is what the checkpoint holds."""

import json

import numpy as np
import pytest

from annpot.apps.extract_weights import main
from annpot.networks.metadata import read_metadata
from annpot.networks.provenance import read_provenance

IO = """\
network_dir = run/_models
train_input = train.ini
output_dir = saved
output_type = PANNA
"""


@pytest.fixture
def run(small_run):
    """SmallRun with checkpoints of steps 100 and 1100."""
    for epoch, step in ((1, 100), (11, 1100)):
        small_run.checkpoint(epoch, step, facts=small_run.facts())
    return small_run


def extract(run, io=IO):
    return main(["-c", run.write_ini("extract.ini", io)])


def assert_extracted(run, seed):
    read = read_metadata(run.folder / "saved")
    specs, weights = read.specs, read.weights
    assert specs == run.specs
    for element, layers in run.weights(seed).items():
        for found, expected in zip(weights[element], layers, strict=True):
            assert found.kernel.dtype == np.float32
            np.testing.assert_array_equal(found.kernel, expected.kernel)
            np.testing.assert_array_equal(found.bias, expected.bias)


def test_the_latest_networks_are_written_exactly(run, capsys):
    assert extract(run) == 0
    assert_extracted(run, seed=1100)
    output = capsys.readouterr().out
    assert "epoch_11_step_1100" in output
    assert "tanh:relu:linear" in output
    assert "[DEFAULT_NETWORK] networks_metadata = saved" in output


def test_offsets_read_back_exactly(run):
    assert extract(run) == 0
    document = json.loads((run.folder / "saved" / "networks_metadata.json").read_text())
    assert [network["offset"] for network in document["networks"]] == [-13.62, -2041.84]


def test_what_the_checkpoint_knows_of_its_data_is_written(run):
    data = {"mbp_generation": 1, "mbp_generation_source": "stated", "g_size": 3}
    run.checkpoint(12, 1200, facts=run.facts() | {"data": data})
    assert extract(run, IO + "step_number = 1200\n") == 0
    about = read_metadata(run.folder / "saved").about
    assert about["data"] == data
    assert about["checkpoint"] == "epoch_12_step_1200"
    assert about["energy_rescale"] == 1.0


def test_the_provenance_tells_all_that_the_checkpoint_knows(run):
    facts = run.facts(seed=7, program="annpot 0.1.0", ini="[A]\nb = 1\n", shapes=[[4]])
    run.checkpoint(12, 1200, facts=facts)
    assert extract(run) == 0
    told = read_provenance(run.folder / "saved")
    assert {key: told[key] for key in ("seed", "program", "ini")} == {
        "seed": 7,
        "program": "annpot 0.1.0",
        "ini": "[A]\nb = 1\n",
    }
    assert told["checkpoint"] == "epoch_12_step_1200"
    assert "shapes" not in told
    about = read_metadata(run.folder / "saved").about
    assert told["checkpoint_checksum"] == about["checkpoint_checksum"]
    assert len(about["weights_sha256"]) == 64


def test_equal_networks_have_equal_sha256_whatever_checkpoint_they_are_of(run):
    shas = []
    for step, seed in ((1200, 1100), (1300, 1100), (1400, 1101)):
        weights = run.weights(seed)
        run.checkpoint(12, step, weights=weights, facts=run.facts(seed=step))
        assert extract(run) == 0
        shas.append(read_metadata(run.folder / "saved").about["weights_sha256"])
    assert shas[0] == shas[1] != shas[2]


def test_no_provenance_of_earlier_networks_is_left_beside_those_of_panna(run):
    assert extract(run) == 0
    assert read_provenance(run.folder / "saved")["checkpoint"] == "epoch_11_step_1100"
    run.checkpoint(12, 1200)
    assert extract(run) == 0
    assert read_provenance(run.folder / "saved") == {}


def test_the_best_needs_a_history(run, capsys):
    io = IO + "checkpoint = best\n"
    assert extract(run, io) == 2
    assert "the checkpoints do not tell which is the best" in capsys.readouterr().err
    assert extract(run, io + "step_number = 100\n") == 2
    assert "step_number = 100 and checkpoint = best" in capsys.readouterr().err


def test_a_step_is_exact(run):
    assert extract(run, IO + "step_number = 100\n") == 0
    assert_extracted(run, seed=100)


def test_a_wrong_step_lists_the_checkpoints(run, capsys):
    assert extract(run, IO + "step_number = 10\n") == 2
    assert (
        "no checkpoint of step 10: there are epoch_1_step_100, epoch_11_step_1100"
        in (capsys.readouterr().err)
    )
    assert not (run.folder / "saved").exists()


def test_a_panna_checkpoint_with_its_train_ini(run):
    run.checkpoint(12, 1200)
    assert extract(run) == 0
    assert_extracted(run, seed=1200)


def test_our_checkpoint_needs_no_train_ini(run):
    assert extract(run, IO.replace("train_input = train.ini\n", "")) == 0
    assert_extracted(run, seed=1100)


def test_earlier_networks_are_replaced(run):
    assert extract(run, IO + "step_number = 100\n") == 0
    assert extract(run) == 0
    assert_extracted(run, seed=1100)


def test_a_damaged_checkpoint_leaves_earlier_networks(run, capsys):
    assert extract(run, IO + "step_number = 100\n") == 0
    path = run.models / "epoch_11_step_1100.data-00000-of-00001"
    path.write_bytes(path.read_bytes()[:-40])
    assert extract(run) == 2
    assert "truncated, corrupt or incomplete" in capsys.readouterr().err
    assert_extracted(run, seed=100)


def test_the_expanded_ini_gives_the_same_networks(run):
    assert extract(run) == 0
    text = (run.folder / "saved" / "extract.expanded.ini").read_text()
    (run.folder / "extract.ini").write_text(text)
    assert main(["-c", "extract.ini"]) == 0
    assert_extracted(run, seed=1100)
