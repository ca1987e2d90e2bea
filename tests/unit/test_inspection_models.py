"""app_ls of deployed models."""

import json

import pytest

from annpot.apps.ls import main
from annpot.inspection.recognise import sheets
from annpot.models.folder import write_model
from reference.small_models import MODELS

MODEL = MODELS["mBP generation 3"]


@pytest.fixture
def folder(tmp_path):
    write_model(tmp_path / "m", MODEL, "[IO_INFORMATION]\nseed = 1\n")
    return tmp_path / "m"


def test_a_model_tells_descriptor_networks_and_golden_structures(folder):
    (sheet,) = sheets(folder)
    assert (sheet.path, sheet.kind) == (str(folder), "model")
    facts = sheet.facts
    assert facts["species"] == list(MODEL.settings.species)
    assert facts["descriptor"] == "mBP (generation 3, stated)"
    assert facts["g_size"] == MODEL.settings.n_features
    assert facts["checkpoint"] == "epoch_1_step_10"
    assert set(facts["training_atoms"].values()) == {7}
    tables = {table.title: table for table in sheet.tables}
    assert len(tables["networks"].rows) == len(MODEL.specs)
    name, role, n_atoms, energy, reference = tables["golden structures"].rows[0]
    golden = MODEL.golden[0]
    assert (name, role, n_atoms) == (golden.name, "lowest", len(golden.symbols))
    assert (energy, reference) == (golden.energy, -1.5)
    assert sheet.settings == "[IO_INFORMATION]\nseed = 1\n"
    assert sheets(folder / "model.json")[0].facts == facts


def test_a_model_is_shown_and_damage_is_told(folder, capsys):
    assert main([str(folder), "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert told["kind"] == "model"
    assert main([str(folder)]) == 0
    assert "golden structures" in capsys.readouterr().out
    with open(folder / "golden.json", "a") as stream:
        stream.write(" ")
    assert main([str(folder)]) == 2
    assert "golden.json" in capsys.readouterr().err
