"""app_ls of deployed models, ours and PANNA's."""

import json

import pytest

from annpot.apps import set as app_set
from annpot.apps.ls import main
from annpot.deploy.panna.plugin import plugin_files
from annpot.errors import InputError
from annpot.inspection.recognise import sheets
from annpot.models.folder import write_model
from reference.descriptor_cases import SMALL_MBP, settings_of
from reference.small_models import MODELS
from reference.small_potentials import potential_of

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


@pytest.mark.parametrize(("gversion", "generation"), [(0, 2), (1, 3)])
def test_an_export_for_lammps_tells_descriptor_and_networks(
    tmp_path, gversion, generation
):
    settings = settings_of("HCO", SMALL_MBP, generation=generation)
    made = potential_of(settings, activations=(1, 3, 0))
    potential = settings, made.specs, made.weights
    files, _ = plugin_files(*potential, generation, gversion)
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    (sheet,) = sheets(tmp_path)
    assert sheet.kind == "potential of PANNA for LAMMPS"
    assert sheet.facts["gversion"] == gversion
    assert sheet.facts["descriptor"] == f"mBP (generation {generation}, stated)"
    assert [row[0] for row in sheet.tables[0].rows] == ["H", "C", "O"]
    (tmp_path / "panna.in").rename(tmp_path / "other.in")
    assert sheets(tmp_path / "other.in")[0].facts == sheet.facts
    (tmp_path / "weights_C.dat").unlink()
    with pytest.raises(InputError, match=r"weights_C\.dat"):
        sheets(tmp_path / "other.in")


def test_the_generation_of_a_model_is_not_changed_behind_it(folder, capsys):
    path = folder / "networks_metadata.json"
    before = path.read_bytes()
    assert app_set.main([str(folder), "mbp_generation", "1", "--yes"]) == 2
    told = capsys.readouterr().err
    assert "it is part of model.json" in told
    assert "Extract the model again with [IO_INFORMATION] mbp_generation = N." in told
    assert path.read_bytes() == before
    assert app_set.main([str(folder), "comment", "for MD", "--yes"]) == 0
    assert sheets(folder)[0].facts["files"] == "verified"
