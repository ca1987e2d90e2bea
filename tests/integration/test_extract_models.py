"""app_extract_weights for molecular dynamics: what is stated, written and refused."""

import json
from dataclasses import replace

import numpy as np
import pytest

from annpot.apps.extract_weights import main
from annpot.deploy.panna.plugin import read_plugin
from annpot.extraction.golden import made_structures
from annpot.forces.prediction import StructurePotential
from annpot.models.folder import read_model
from annpot.networks.architecture import LayerSpec
from annpot.networks.metadata import read_metadata
from annpot.networks.stored_domain import StoredDomain, StoredRange
from annpot.structures.example_json import write_example
from reference.descriptor_cases import SMALL_BP, SMALL_MBP, settings_of
from reference.small_potentials import STRUCTURES, predicted

IO = "network_dir = run/_models\noutput_dir = saved\noutput_type = "
GVECT = "[SYMMETRY_FUNCTION]\ntype = mBP\nspecies = H, O\n{}[GVECT_PARAMETERS]\n" + (
    "\n".join(f"{key} = {value}" for key, value in SMALL_MBP.items())
)


def described(generation, numbers=SMALL_MBP, **options):
    return settings_of("HO", numbers, generation=generation, **options)


def facts_of(run, settings, generation=None):
    """Facts of a run on structures, whose descriptors are stated."""
    source = None if generation is None else "stated"
    data = {
        "descriptor": json.loads(json.dumps(settings.to_dict())),
        "mbp_generation": generation,
        "mbp_generation_source": source,
        "fingerprint": "f00d",
    }
    return run.facts(data=data, ini="[A]\nb = 1\n")


def water(name, role, **labels):
    """A golden structure as checkpoints keep it."""
    structure = replace(STRUCTURES["molecule"], symbols=tuple("OHHOH"))
    return {
        "name": name,
        "role": role,
        "symbols": list(structure.symbols),
        "positions": structure.positions.tolist(),
        "cell": structure.cell.tolist(),
        "pbc": [False] * 3,
    } | labels


@pytest.fixture
def run(small_run):
    """SmallRun whose networks take the 24 components of SMALL_MBP for H and O."""
    size = described(3).n_features
    small_run.specs = tuple(replace(s, n_features=size) for s in small_run.specs)
    return small_run


def extract(run, types, more="", io=IO):
    return main(["-c", run.write_ini("extract.ini", f"{io}{types}\n{more}")])


def nothing_written(run):
    return not (run.folder / "saved").exists()


def test_a_model_holds_what_the_checkpoint_knows(run, capsys):
    domain = StoredDomain(
        {"H": StoredRange(np.zeros(24), np.ones(24), 7)},
        (water("a", "lowest", energy=-1.0, forces=None), water("b", "first")),
    )
    run.checkpoint(1, 100, facts=facts_of(run, described(3), 3), domain=domain)
    assert extract(run, "ASE") == 0
    model = read_model(run.folder / "saved")
    assert model.settings == described(3)
    assert model.specs == run.specs
    assert model.mbp_generation == 3
    assert {e: one.n_atoms for e, one in model.ranges.items()} == {"H": 7}
    assert [(g.name, g.role) for g in model.golden] == [("a", "lowest"), ("b", "first")]
    assert model.golden[0].reference == {"energy": -1.0}
    potential = StructurePotential(model.settings, run.specs, run.weights(100))
    found = predicted(potential, model.golden[0])
    np.testing.assert_array_equal(model.golden[0].forces, found.forces)
    np.testing.assert_array_equal(model.golden[0].virial, found.virials[0])
    np.testing.assert_allclose(model.golden[0].energy, found.energies[0], rtol=1e-15)
    assert model.training["checkpoint"] == "epoch_1_step_100"
    assert model.training["data_fingerprint"] == "f00d"
    assert (run.folder / "saved" / "training.ini").read_text() == "[A]\nb = 1\n"
    told = capsys.readouterr().out
    assert "2 golden structures: a (lowest), b (first), kept in the checkpoint" in told
    assert "range of descriptors in training: known for H\n" in told
    assert "not known for O; whether atoms are like those of the training" in told
    assert 'AnnpotCalculator("saved")' in told
    assert "app_lammps check saved" in told


def test_all_forms_of_one_extraction_are_the_same_networks(run, capsys):
    run.checkpoint(1, 100, facts=facts_of(run, described(3), 3))
    assert extract(run, "PANNA, LAMMPS, ASE") == 0
    saved = run.folder / "saved"
    model, plugin = read_model(saved), read_plugin(saved)
    assert read_metadata(saved).specs == model.specs == run.specs
    assert plugin.settings == model.settings
    assert plugin.mbp_generation == 3
    told = capsys.readouterr().out
    for spec in run.specs:
        exact = float(run.weights(100)[spec.element][-1].bias[0]) + spec.offset
        loss = float(plugin.weights[spec.element][-1].bias[0]) - exact
        assert f"{spec.element} {loss:+.1e}" in told
    assert [g.role for g in model.golden] == ["made"] * 3
    assert "3 golden structures: random clusters, as none are known" in told


def test_another_form_leaves_nothing_of_an_earlier_one(run):
    run.checkpoint(1, 100, facts=facts_of(run, described(3), 3))
    assert extract(run, "LAMMPS") == extract(run, "PANNA") == 0
    names = {path.name for path in (run.folder / "saved").iterdir()}
    assert names.isdisjoint({"model.json", "golden.json", "panna.in", "weights_H.dat"})


def test_networks_of_other_elements_do_not_stay_beside_the_new_ones(run):
    run.checkpoint(1, 100, facts=facts_of(run, described(3), 3))
    assert extract(run, "LAMMPS") == 0
    saved, stays = run.folder / "saved", run.folder / "C_l0_b.npy"
    model = json.loads((saved / "model.json").read_text())
    model["files"] |= {"C_l0_w.npy": {}, "H_l9_b.npy": {}, "../C_l0_b.npy": {}}
    (saved / "model.json").write_text(json.dumps(model))
    gone = {"C_l0_w.npy", "H_l9_b.npy", "weights_C.dat"}
    for path in (stays, saved / "N_l0_w.npy", *(saved / name for name in gone)):
        path.write_text("")
    assert extract(run, "ASE") == 0
    assert gone.isdisjoint(path.name for path in saved.iterdir())
    assert stays.exists()
    assert (saved / "N_l0_w.npy").exists()
    read_model(saved)


def test_a_generation_that_was_only_assumed_has_to_be_stated(run, capsys):
    run.checkpoint(1, 100)  # as PANNA does
    (run.folder / "gvect.ini").write_text(GVECT.format(""))
    more = "train_input = train.ini\ngvector_input = gvect.ini\n"
    train = (run.folder / "train.ini").read_text().replace("g_size = 6", "g_size = 24")
    (run.folder / "train.ini").write_text(train)
    assert extract(run, "ASE", more) == 2
    told = capsys.readouterr().err
    assert "nothing states which generation of mBP its descriptors are" in told
    assert "State it: [IO_INFORMATION] mbp_generation = N, or" in told
    assert nothing_written(run)
    assert extract(run, "ASE", more + "mbp_generation = 1\n") == 0
    model = read_model(run.folder / "saved")
    assert (model.mbp_generation, model.settings) == (1, described(1))
    (run.folder / "gvect.ini").write_text(GVECT.format("mbp_generation = 2\n"))
    assert extract(run, "ASE", more) == 0
    assert read_model(run.folder / "saved").settings == described(2)
    assert extract(run, "ASE", more + "mbp_generation = 1\n") == 2
    told = capsys.readouterr().err
    assert "extract.ini:7 states 1 and gvect.ini:4 states 2: expected the sa" in told


@pytest.mark.parametrize(
    ("gvect", "more", "told"),
    [
        (None, "mbp_generation = 2", "mbp_generation = 2 is stated, but epoch_1_"),
        ("", "", None),
        ("mbp_generation = 2\n", "", "was trained on generation 3: expected the same"),
        ("eta", "", "gvect.ini: other descriptor settings than those epoch_1_step_100 "
         "was trained on (angular_etas, radial_etas differ)"),
        ("species", "", "gvect.ini: descriptors of the elements O, H, but epoch"),
        ("size", "", "gvect.ini: 26 descriptors per atom, but the networks of"),
    ],
)  # fmt: skip
def test_what_is_said_of_the_descriptors_must_agree(run, capsys, gvect, more, told):
    run.checkpoint(1, 100, facts=facts_of(run, described(3), 3))
    text = GVECT.format(gvect if gvect and "=" in gvect else "")
    changes = {
        "eta": ("eta_rad = 3.0", "eta_rad = 3.5\nx"),
        "species": ("H, O", "O, H"),
        "size": ("rsn_rad = 3", "rsn_rad = 4"),
    }
    if gvect in changes:
        text = text.replace(*changes[gvect]).replace("\nx", "")
        text = (
            text.replace("eta_ang = 2.0", "eta_ang = 2.5") if gvect == "eta" else text
        )
    (run.folder / "gvect.ini").write_text(text)
    more += "" if gvect is None else "\ngvector_input = gvect.ini"
    assert extract(run, "ASE", more) == (0 if told is None else 2)
    assert told is None or told in capsys.readouterr().err
    assert nothing_written(run) == (told is not None)


def test_descriptors_that_nobody_describes(run, capsys):
    run.checkpoint(1, 100, facts=run.facts())
    assert extract(run, "ASE") == 2
    told = capsys.readouterr().err
    assert "gvector_input is missing, and epoch_1_step_100 does not tell" in told


@pytest.mark.parametrize(
    ("types", "told"),
    [
        ("PANNA, LAMMPS", "output_type = LAMMPS, gvector_version = 1 (PANNA's plugin) "
         "cannot hold mBP of generation 2"),
        ("ASE, KIM", "output_type = KIM (OpenKIM's driver and PANNA's older plugin) "
         "cannot hold the activation tanh of O"),
    ],
)  # fmt: skip
def test_one_form_that_is_refused_leaves_nothing_of_the_others(
    run, capsys, types, told
):
    run.checkpoint(1, 100, facts=facts_of(run, described(2), 2))
    assert extract(run, types) == 2
    assert told in (err := capsys.readouterr().err)
    assert "output_type = ASE holds them exactly" in err
    assert nothing_written(run)


def test_a_portable_model_and_what_the_networks_were_trained_for(run, capsys):
    run.specs = tuple(
        replace(spec, layers=tuple(LayerSpec(n, a) for n, a in ((3, 1), (1, 0))))
        for spec in run.specs
    )
    facts = facts_of(run, described(2), 2) | {"energy_rescale": 2.0}
    run.checkpoint(1, 100, facts=facts)
    assert extract(run, "KIM", "kim_model_name = Wet") == 0
    name = "saved/Wet__MO_000000000000_000"
    assert read_plugin(run.folder / name).settings == described(2)
    names = {path.name for path in (run.folder / "saved").iterdir()}
    assert names == {"Wet__MO_000000000000_000", "extract.expanded.ini"}
    told = capsys.readouterr().out
    assert f"portable model of OpenKIM written to {name}" in told
    assert "energies and forces: those of the data times 2\n" in told
    assert extract(run, "KIM", "kim_model_name = x__y") == 2
    assert (
        "extract.ini:5: [IO_INFORMATION] kim_model_name = x__y: expected a letter"
        in (capsys.readouterr().err)
    )
    assert extract(run, "KIM, ASE") == 0
    assert (run.folder / "saved" / "annpot_HO__MO_000000000000_000").is_dir()
    assert read_model(run.folder / "saved").mbp_generation == 2


def test_models_of_behler_and_parrinello_need_no_generation(run):
    settings = described(None, SMALL_BP, kind="BP")
    n = settings.n_features
    run.specs = tuple(replace(spec, n_features=n) for spec in run.specs)
    run.checkpoint(1, 100, facts=facts_of(run, settings))
    assert extract(run, "ASE") == 0
    assert read_model(run.folder / "saved").mbp_generation is None
    assert extract(run, "LAMMPS") == 2


def test_golden_structures_by_name_or_by_place(run, capsys):
    """Records of descriptors keep the names alone; the structures are given."""
    kept = ({"name": "b", "role": "lowest", "energy": -1.0},)
    facts = facts_of(run, described(3), 3)
    run.checkpoint(1, 100, facts=facts, domain=StoredDomain({}, kept))
    molecule = replace(STRUCTURES["molecule"], symbols=tuple("OHHOH"), energy=-3.0)
    for folder, names in (("known", "abc"), ("other", "vwxyz")):
        (run.folder / folder).mkdir()
        for name in names:
            path = run.folder / folder / f"{name}.example"
            write_example(path, replace(molecule, name=name))
    assert extract(run, "ASE", "golden_structures = known") == 0
    (golden,) = read_model(run.folder / "saved").golden
    assert (golden.name, golden.role, golden.reference) == (
        "b",
        "lowest",
        {"energy": -3},
    )
    assert extract(run, "ASE", "golden_structures = other") == 0
    golden = read_model(run.folder / "saved").golden
    assert [(g.name, g.role) for g in golden] == [(n, "given") for n in "vxz"]
    assert extract(run, "ASE") == 0
    assert "as the checkpoint keeps names alone" in capsys.readouterr().out
    assert extract(run, "ASE", "golden_structures = absent") == 2
    assert "extract.ini:5: absent" in capsys.readouterr().err


def test_made_structures_are_the_same_each_time_and_keep_their_distances():
    """No bond below the sum of covalent radii, none of them far from all others."""
    from ase import Atoms
    from ase.data import covalent_radii

    species = ("H", "C", "O", "Si")
    made = made_structures(species)
    for one, again in zip(made, made_structures(species), strict=True):
        np.testing.assert_array_equal(one.positions, again.positions)
        atoms = Atoms(one.symbols, one.positions, cell=one.cell, pbc=one.pbc)
        assert set(one.symbols) == set(species)
        radii = covalent_radii[atoms.numbers]
        bonds = radii[:, None] + radii + 1e3 * np.eye(len(radii))
        relative = atoms.get_all_distances(mic=True) / bonds
        np.fill_diagonal(relative, np.inf)
        assert relative.min() > 1 - 1e-8
        assert relative.min(axis=0).max() < 1.3 + 1e-8
    assert [bool(one.pbc.all()) for one in made] == [False, False, True]


class TestAnExportOfPanna:
    """network_dir = a folder with panna.in, converted."""

    @pytest.fixture
    def export(self, run):
        run.checkpoint(1, 100, facts=facts_of(run, described(3), 3))
        io = IO.replace("saved", "plugin")
        assert extract(run, "LAMMPS", io=io) == 0
        for path in (run.folder / "plugin").iterdir():
            if path.name != "panna.in" and path.suffix != ".dat":
                path.unlink()
        return run.folder / "plugin"

    @pytest.mark.parametrize("source", ["plugin", "plugin/panna.in"])
    def test_becomes_a_model(self, run, export, source):
        io = IO.replace("run/_models", source)
        assert extract(run, "LAMMPS, PANNA", io=io) == 0
        model, plugin = read_model(run.folder / "saved"), read_plugin(export)
        assert model.settings == plugin.settings
        assert [spec.offset for spec in model.specs] == [0.0, 0.0]
        for name in ("panna.in", "weights_H.dat", "weights_O.dat"):
            found = (run.folder / "saved" / name).read_bytes()
            assert found == (export / name).read_bytes()

    def test_has_to_state_its_generation(self, run, export, capsys):
        text = (export / "panna.in").read_text().replace("# mbp_generation = 3\n", "")
        (export / "panna.in").write_text(text)
        io = IO.replace("run/_models", "plugin")
        assert extract(run, "PANNA", io=io) == 0
        assert extract(run, "ASE", io=io) == 2
        assert "nothing states which generation" in capsys.readouterr().err
        assert extract(run, "ASE", "mbp_generation = 1", io=io) == 0
        model = read_model(run.folder / "saved")
        assert model.settings == replace(described(3), epsilon=0.0)

    def test_is_not_written_over(self, run, export, capsys):
        io = IO.replace("run/_models", "plugin").replace("saved", "plugin/")
        assert extract(run, "LAMMPS", io=io) == 2
        assert "output_dir is the folder of plugin/panna.in" in capsys.readouterr().err
