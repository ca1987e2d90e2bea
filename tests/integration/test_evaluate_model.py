"""app_evaluate of a model folder: the same numbers as of the checkpoint it is from."""

import numpy as np
import pytest

from annpot.apps import extract_weights
from annpot.apps.evaluate import main
from annpot.evaluation.model import networks_of_model
from annpot.forces.prediction import predictions
from annpot.models.folder import read_model
from annpot.networks.architecture import LayerSpec, NetworkSpec
from reference.small_structures import (
    OFFSETS,
    SPECIES,
    gvect_ini,
    settings,
    small_structures,
    write_records,
    write_xyz,
)

RESCALE = 2.0
CHECKPOINT, MODEL = "networks_dir = run/_models\n", "model_dir = model\n"
STRUCTURES = "data_dir = all.xyz\ninput_format = example\n"
RECORDS = "data_dir = records\ninput_format = tfr\n"


@pytest.fixture
def run(small_run):
    """SmallRun with one checkpoint, its model folder, structures and records."""
    n_features = settings().n_features
    small_run.specs = tuple(
        NetworkSpec(element, n_features, (LayerSpec(4, 1), LayerSpec(1, 0)), offset)
        for element, offset in zip(SPECIES, OFFSETS, strict=True)
    )
    (small_run.folder / "train.ini").unlink()
    data = {
        "descriptor": settings().to_dict(),
        "mbp_generation": 3,
        "mbp_generation_source": "stated",
    }
    facts = small_run.facts(energy_rescale=RESCALE, data=data)
    small_run.checkpoint(1, 10, facts=facts)
    extract = "network_dir = run/_models\noutput_dir = model\noutput_type = ASE\n"
    ini = small_run.write_ini("extract.ini", extract)
    assert extract_weights.main(["-c", ini]) == 0
    structures = small_structures(6)
    write_xyz(small_run.folder / "all.xyz", structures)
    write_records(small_run.folder / "records", structures, "dense")
    return small_run


def evaluate(run, networks, data, more=""):
    io = f"eval_dir = results\n{networks}{data}"
    ini = run.write_ini("evaluate.ini", io, f"compute_forces = True\n{more}")
    return main(["-c", ini])


def result(run, stem):
    return (run.folder / "results" / f"{stem}.dat").read_text()


@pytest.mark.parametrize(
    ("data", "endings"),
    [(STRUCTURES, ("", "_forces", "_virial")), (RECORDS, ("", "_forces"))],
)
def test_a_model_gives_what_its_checkpoint_gives(run, data, endings, capsys):
    assert evaluate(run, CHECKPOINT, data) == 0
    assert evaluate(run, MODEL, data) == 0
    assert "Energies and forces of model: results" in capsys.readouterr().out
    for ending in endings:
        found = result(run, f"model{ending}")
        assert found == result(run, f"epoch_1_step_10{ending}")
        assert len(found.splitlines()) > 2


def test_ten_digits_tell_energies_apart_to_1e_10_per_atom(run):
    # Half of the last digit, whatever the size of the energy.
    assert evaluate(run, MODEL, STRUCTURES) == 0
    rows = [line.split() for line in result(run, "model").splitlines()[1:]]
    potential = read_model(run.folder / "model").potential
    exact = [one.energies[0] for one in predictions(potential, small_structures(6))]
    energies = np.array([row[3] for row in rows], float)
    assert np.abs(energies).max() > 2000
    np.testing.assert_allclose(energies, exact, rtol=0, atol=6e-11)


def test_descriptors_of_other_settings_are_refused(run, capsys):
    path = gvect_ini(run.folder, mbp_generation=2)
    assert evaluate(run, MODEL, f"{STRUCTURES}gvect_ini = {path}\n") == 2
    assert "but model was trained on generation 3" in capsys.readouterr().err


def test_the_generation_of_a_model_is_stated_whatever_its_checkpoint_says(run):
    path = run.folder / "model" / "networks_metadata.json"
    text = path.read_text()
    assert '"mbp_generation_source": "stated"' in text
    path.write_text(text.replace('_source": "stated"', '_source": "assumed"'))
    data = networks_of_model(run.folder / "model").data
    assert (data["mbp_generation"], data["mbp_generation_source"]) == (3, "stated")


def test_a_damaged_model_is_refused(run, capsys):
    path = run.folder / "model" / "H_l0_w.npy"
    path.write_bytes(path.read_bytes()[:-4])
    assert evaluate(run, MODEL, STRUCTURES) == 2
    assert "H_l0_w.npy" in capsys.readouterr().err
    assert not (run.folder / "results").exists()
