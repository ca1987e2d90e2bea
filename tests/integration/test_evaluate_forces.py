"""app_evaluate with forces: from structures, from dense and from sparse records."""

from dataclasses import replace

import ase
import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from annpot.apps.evaluate import main
from annpot.data.binary_format import write_bin
from annpot.data.packing import describe_tfrecords
from annpot.data.records import DenseDerivatives, DescriptorRecord, sparse_derivatives
from annpot.data.structure_origin import StructureOrigin
from annpot.data.structure_records import encode_structure
from annpot.data.tfrecord import encode_record, write_tfrecord
from annpot.descriptors.derivatives import descriptors_and_derivatives
from annpot.forces.prediction import StructurePotential, predictions
from annpot.networks.architecture import LayerSpec, NetworkSpec
from annpot.structures.readers import iter_structures
from annpot.structures.stress import full_tensor
from reference.descriptor_cases import settings_of

SPECIES = ("H", "O")
NUMBERS = {
    "rc_rad": 4.6, "rs0_rad": 0.5, "rsn_rad": 3, "eta_rad": 3.0,
    "rc_ang": 3.1, "rs0_ang": 0.4, "rsn_ang": 2, "eta_ang": 2.0,
    "thetasn": 2, "zeta": 5.0,
}  # fmt: skip
SETTINGS = settings_of(SPECIES, NUMBERS, generation=3)
GVECT_INI = """\
[SYMMETRY_FUNCTION]
type = mBP
species = H, O
mbp_generation = 3
[GVECT_PARAMETERS]
Rc_rad = 4.6
Rs0_rad = 0.5
RsN_rad = 3
eta_rad = 3
Rc_ang = 3.1
Rs0_ang = 0.4
RsN_ang = 2
eta_ang = 2
ThetasN = 2
zeta = 5
"""
IO = "train_ini = train.ini\nnetworks_dir = run/_models\neval_dir = results\n"
FROM_STRUCTURES = "data_dir = all.xyz\ninput_format = example\ngvect_ini = gvect.ini\n"
FORCES = "single_step = True\ncompute_forces = True"
ROUNDED = {"rtol": 0, "atol": 1e-10}  # ten digits in the files


def water(name, cell=None, pbc=False, seed=0, **labels):
    """Water with random displacements and the labels of ASE's calculators."""
    positions = [[0.1, 0.0, 0.2], [1.0, 0.1, 0.1], [-0.2, 0.9, 0.3]]
    positions += np.random.default_rng(seed).uniform(-0.1, 0.1, (3, 3))
    atoms = ase.Atoms("OHH", positions, cell=cell, pbc=pbc, info={"name": name})
    atoms.calc = SinglePointCalculator(atoms, **labels)
    return atoms


def frames():
    """A molecule, a cell and a slab with all labels; two that lack some."""
    rng = np.random.default_rng(7)
    f = rng.normal(size=(5, 3, 3))
    skewed = [[4.0, 0, 0], [0.5, 3.6, 0], [0.2, -0.3, 3.9]]
    stress = 0.01 * rng.normal(size=6)
    slab = water(
        "slab", np.diag([3.7, 4.1, 0]), (1, 1, 0), 2, energy=-2069.0, forces=f[2]
    )
    slab.info["virial"] = full_tensor(rng.normal(size=6))
    return [
        water("molecule", seed=0, energy=-2070.0, forces=f[0]),
        water("cell", skewed, True, 1, energy=-2068.5, forces=f[1], stress=stress),
        slab,
        water("without energy", seed=3, forces=f[3]),
        water("without forces", seed=4, energy=-2071.0),
    ]


@pytest.fixture
def run(small_run):
    """SmallRun with one checkpoint, gvect.ini and structures in all.xyz."""
    small_run.specs = tuple(
        NetworkSpec(
            element, SETTINGS.n_features, (LayerSpec(4, 1), LayerSpec(1, 0)), offset
        )
        for element, offset in (("H", -13.62), ("O", -2041.84))
    )
    (small_run.folder / "train.ini").write_text(
        "[IO_INFORMATION]\ntrain_dir = run\n"
        "[DATA_INFORMATION]\natomic_sequence = H, O\n"
        "[DEFAULT_NETWORK]\narchitecture = 4:1\nactivations = 1:0\n"
        "[TRAINING_PARAMETERS]\nbatch_size = 1\nlearning_rate = 0.01\n"
        "steps_per_epoch = 1\nmax_epochs = 1\n"
    )
    small_run.checkpoint(1, 10, facts=small_run.facts())
    (small_run.folder / "gvect.ini").write_text(GVECT_INI)
    write(small_run.folder / "all.xyz", frames())
    return small_run


def evaluate(run, data=FROM_STRUCTURES, options=FORCES):
    return main(["-c", run.write_ini("evaluate.ini", IO + data, options)])


def table(run, ending=""):
    """(header, names, numbers) of a results file."""
    path = run.folder / "results" / f"epoch_1_step_10{ending}.dat"
    header, *rows = [line.split() for line in path.read_text().splitlines()]
    return header, [row[0] for row in rows], np.array([row[1:] for row in rows], float)


def structures(run, file="all.xyz"):
    return list(iter_structures(run.folder / file))


def potential(run):
    return StructurePotential(SETTINGS, run.specs, run.weights(10))


def as_record(structure, sparse):
    """DescriptorRecord with derivatives, as app_gvect_calculator stores them."""
    ((g, found),) = descriptors_and_derivatives([structure], SETTINGS, np.float32)
    derivatives = DenseDerivatives(found.dense())
    return DescriptorRecord(
        structure.name,
        np.array([SPECIES.index(symbol) for symbol in structure.symbols]),
        g,
        structure.energy,
        structure.forces.astype(np.float32),
        sparse_derivatives(derivatives) if sparse else derivatives,
    )


def test_forces_and_virials_of_structures(run, capsys):
    assert evaluate(run) == 0
    given = structures(run)
    expected = list(predictions(potential(run), given))
    header, names, numbers = table(run, "_forces")
    assert " ".join(header) == (
        "#filename atom_id fx_nn fy_nn fz_nn fx_ref fy_ref fz_ref"
    )
    assert names[::3] == [
        "molecule",
        "cell",
        "slab",
        "without_energy",
        "without_forces",
    ]
    assert numbers[:, 0].tolist() == [0, 1, 2] * 5
    forces = np.concatenate([one.forces for one in expected])
    np.testing.assert_allclose(numbers[:, 1:4], forces, **ROUNDED)
    references = np.concatenate([one.forces for one in given[:4]])
    np.testing.assert_allclose(numbers[:12, 4:], references, **ROUNDED)
    assert np.isnan(numbers[12:, 4:]).all()
    header, names, numbers = table(run, "_virial")
    assert header[:3] == ["#filename", "wxx_nn", "wyy_nn"]
    assert " ".join(header[7:]) == "wxx_ref wyy_ref wzz_ref wyz_ref wxz_ref wxy_ref"
    assert names == ["cell", "slab"]
    for row, s in zip(numbers, (1, 2), strict=True):
        np.testing.assert_allclose(row[:6], expected[s].virials[0], **ROUNDED)
        np.testing.assert_allclose(row[6:], given[s].virial, **ROUNDED)
    _, names, numbers = table(run)
    assert np.isnan(numbers[:, 1]).tolist() == [False, False, False, True, False]
    energies = [one.energies[0] for one in expected]
    np.testing.assert_allclose(numbers[:, 2], energies, **ROUNDED)
    output = capsys.readouterr().out
    assert "1 of 5 structures has no energy: nan in the file" in output
    assert "3 of 15 atoms have no reference force: nan in the file" in output
    assert "Energies and forces of 1 checkpoint:" in output


def test_the_tables_agree_with_the_files(run, capsys):
    assert evaluate(run) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    errors = 1000 * (lambda n: n[:, 1:4] - n[:, 4:])(table(run, "_forces")[2])[:12]
    by = {"all": errors, "O": errors[::3], "H": np.delete(errors, np.s_[::3], axis=0)}
    for name, of in by.items():
        expected = [len(of), np.abs(of).mean(), np.sqrt(np.mean(of**2))]
        row = [line for line in lines if line[:1] == [name]][-1]
        np.testing.assert_allclose(np.array(row[1:4], float), expected, atol=6e-4)
    numbers = table(run, "_virial")[2]
    errors = numbers[:, :6] - numbers[:, 6:]
    # The slab repeats along x and y: xx, yy and xy count; off-diagonal ones twice.
    counted = np.concatenate(
        [errors[0][[0, 1, 2, 3, 3, 4, 4, 5, 5]], errors[1][[0, 1, 5, 5]]]
    )
    (virial,) = (line for line in lines if line[:1] == ["virial"])
    expected = [2, 1000 * np.abs(counted).mean() / 3]
    np.testing.assert_allclose(np.array(virial[2:4], float), expected, atol=6e-4)
    volume = abs(np.linalg.det(structures(run)[1].cell))
    (stress,) = (line for line in lines if line[:1] == ["stress"])
    expected = [1, np.abs(counted[:9]).mean() / volume * 160.2176634]
    np.testing.assert_allclose(np.array(stress[2:4], float), expected, atol=6e-4)


def test_forces_in_the_file_are_slopes_of_energies_in_the_file(run):
    h, atom, axis = 1e-3, 1, 0
    pair = []
    for sign in (-1, 0, 1):
        atoms = frames()[1]
        atoms.info["name"] = f"moved{sign}"
        atoms.positions[atom, axis] += sign * h
        pair.append(atoms)
    write(run.folder / "all.xyz", pair, columns=["symbols", "positions"])
    assert evaluate(run) == 0
    energies, forces = table(run)[2][:, 2], table(run, "_forces")[2]
    slope = (energies[2] - energies[0]) / (2 * h)
    # Third derivatives of order 10 times h^2 / 6, and 1e-10 / 2 h; the positions in
    # the file have eight digits.
    assert forces[3 + atom, 1 + axis] == pytest.approx(-slope, abs=3e-5)


@pytest.mark.parametrize("kind", ["dense", "sparse", "bin", "structure"])
def test_all_forms_of_the_data_give_the_same_forces(run, kind):
    given, folder = structures(run)[:3], run.folder / "stored"
    folder.mkdir()
    records = [as_record(s, sparse=kind == "sparse") for s in given]
    data = "data_dir = stored\n"
    if kind == "bin":
        for number, record in enumerate(records):
            write_bin(folder / f"{number}_{record.name}.bin", record)
        data += "input_format = bin\n"
    elif kind == "structure":
        payloads = [encode_structure(s, ("O", "H")) for s in given]
        write_tfrecord(folder / "a-1-1.tfrecord", payloads)
        describe_tfrecords(folder, StructureOrigin(("O", "H"))).write(folder)
        data += "input_format = structure\ngvect_ini = gvect.ini\n"
    else:
        write_tfrecord(folder / "a-1-1.tfrecord", map(encode_record, records))
    assert evaluate(run, data) == 0
    _, _, stored = table(run, "_forces")
    expected = np.concatenate([p.forces for p in predictions(potential(run), given)])
    labels = np.concatenate([s.forces for s in given])
    # Descriptors and derivatives of order 1 to 10 in float32, networks of order 1.
    tolerance = 1e-10 if kind == "structure" else 1e-5
    np.testing.assert_allclose(stored[:, 1:4], expected, rtol=0, atol=tolerance)
    np.testing.assert_allclose(stored[:, 4:], labels, rtol=1e-7, atol=1e-10)
    virials = run.folder / "results" / "epoch_1_step_10_virial.dat"
    assert virials.exists() == (kind == "structure")


def test_energies_of_structures_without_forces(run):
    assert evaluate(run, options="single_step = True") == 0
    expected = [p.energies[0] for p in predictions(potential(run), structures(run))]
    np.testing.assert_allclose(table(run)[2][:, 2], expected, **ROUNDED)
    assert [path.name for path in (run.folder / "results").glob("*.dat")] == [
        "epoch_1_step_10.dat"
    ]


def test_references_are_rescaled_as_in_training(run):
    run.checkpoint(1, 10, facts=run.facts(energy_rescale=0.5))
    ini = run.folder / "train.ini"
    offsets = "[DATA_INFORMATION]\n"
    ini.write_text(ini.read_text().replace(offsets, offsets + "energy_rescale = 0.5\n"))
    assert evaluate(run) == 0
    given = structures(run)
    assert table(run)[2][0, 1] == pytest.approx(0.5 * given[0].energy, abs=1e-9)
    np.testing.assert_allclose(
        table(run, "_forces")[2][:3, 4:], 0.5 * given[0].forces, **ROUNDED
    )
    np.testing.assert_allclose(
        table(run, "_virial")[2][0, 6:], 0.5 * given[1].virial, **ROUNDED
    )
    # What the networks give is not rescaled.
    (expected,) = predictions(potential(run), given[:1])
    np.testing.assert_allclose(
        table(run, "_forces")[2][:3, 1:4], expected.forces, **ROUNDED
    )


def test_a_picture_of_the_forces_is_drawn(run):
    assert evaluate(run, options=FORCES + "\nplot = True") == 0
    names = {path.name for path in (run.folder / "results").glob("*.png")}
    assert names == {
        "epoch_1_step_10_parity.png",
        "epoch_1_step_10_errors.png",
        "epoch_1_step_10_forces_parity.png",
    }


def test_structures_without_any_label_are_predicted(run, capsys):
    bare = [replace(s, energy=None, forces=None, virial=None) for s in structures(run)]
    atoms = [ase.Atoms(s.symbols, s.positions) for s in bare]
    write(run.folder / "all.xyz", atoms, format="extxyz")
    assert evaluate(run, options=FORCES + "\nplot = True") == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["all", "0", *"------"] in lines
    assert np.isfinite(table(run, "_forces")[2][:, 1:4]).all()
    assert not list((run.folder / "results").glob("*.png"))


def told(run, **data):
    """Checkpoint that knows the descriptors of its training data."""
    known = {
        "species": list(SPECIES),
        "descriptor": SETTINGS.to_dict(),
        "mbp_generation": 3,
        "mbp_generation_source": "stated",
    }
    run.checkpoint(1, 10, facts=run.facts(data=known | data))


WITHOUT_GVECT = FROM_STRUCTURES.replace("gvect_ini = gvect.ini\n", "")


def test_the_checkpoint_tells_its_descriptors(run):
    told(run)
    assert evaluate(run) == 0
    from_ini = table(run, "_forces")[2]
    assert evaluate(run, WITHOUT_GVECT) == 0
    np.testing.assert_array_equal(table(run, "_forces")[2], from_ini)


def test_a_checkpoint_that_does_not_tell_needs_gvect_ini(run, capsys):
    assert evaluate(run, WITHOUT_GVECT) == 2
    assert (
        "gvect_ini is missing, and epoch_1_step_10 does not tell its descriptors: "
        "expected an INI file with [SYMMETRY_FUNCTION]" in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "eta_rad = 3",
            "eta_rad = 4",
            "gvect.ini: other descriptor settings than those epoch_1_step_10 was "
            "trained on (radial_etas differ)",
        ),
        (
            "mbp_generation = 3",
            "mbp_generation = 2",
            "gvect.ini: descriptors of mBP generation 2 (stated), but epoch_1_step_10 "
            "was trained on generation 3 (stated)",
        ),
        (
            "species = H, O",
            "species = O, H",
            "gvect.ini: descriptors of the elements O, H, but epoch_1_step_10 has "
            "networks of H, O",
        ),
        (
            "RsN_rad = 3",
            "RsN_rad = 4",
            "gvect.ini: 20 descriptors per atom, but the networks of epoch_1_step_10 "
            "take 18",
        ),
    ],
)
def test_other_descriptors_are_refused(run, capsys, old, new, message):
    told(run)
    (run.folder / "gvect.ini").write_text(GVECT_INI.replace(old, new))
    assert evaluate(run) == 2
    error = capsys.readouterr().err
    assert message in error
    assert (
        "Restore the settings of gvect.ini that the training data were made with, or "
        "remove gvect_ini: epoch_1_step_10 knows them." in error
    )


def test_an_element_without_network_is_refused(run, capsys):
    write(run.folder / "all.xyz", ase.Atoms("NH", [[0, 0, 0], [1, 0, 0]]))
    assert evaluate(run) == 2
    error = capsys.readouterr().err
    assert "element N found, expected only H, O" in error
    assert "Traceback" not in error


def test_missing_structures_are_told(run, capsys):
    (run.folder / "all.xyz").unlink()
    assert evaluate(run) == 2
    assert "all.xyz: no such folder or file" in capsys.readouterr().err


CARBON_GVECT = """\
[SYMMETRY_FUNCTION]
type = mBP
species = C
mbp_generation = 1
[GVECT_PARAMETERS]
Rc_rad = 4.6
Rs0_rad = 0.5
RsN_rad = 16
eta_rad = 16
Rc_ang = 3.1
Rs0_ang = 0.5
RsN_ang = 8
eta_ang = 6
ThetasN = 8
zeta = 50
"""


def test_records_of_another_program_and_its_structures_agree(
    small_run, reference_data, capsys
):
    """Ten periodic carbon cells of PANNA, dense derivatives and `.example` files."""
    folder = reference_data / "panna_carbon_force"
    layers = (LayerSpec(4, 4), LayerSpec(1, 0))
    small_run.specs = (NetworkSpec("C", 80, layers, -155.0),)
    small_run.checkpoint(1, 10, facts=small_run.facts())
    (small_run.folder / "train.ini").unlink()
    (small_run.folder / "gvect.ini").write_text(CARBON_GVECT)
    io = f"networks_dir = run/_models\neval_dir = results\ndata_dir = {folder}\n"
    found = []
    for data in ("", "input_format = example\ngvect_ini = gvect.ini\n"):
        path = small_run.write_ini("evaluate.ini", io + data, FORCES)
        assert main(["-c", path]) == 0
        _, names, numbers = table(small_run, "_forces")
        order = np.argsort(names, kind="stable")
        found.append(numbers[order])
    from_records, from_structures = found
    assert len(from_records) == 160
    # Some atoms have collinear neighbours, where the other program rounded.
    error = np.abs(from_records - from_structures).max(axis=1)
    assert np.quantile(error, 0.75) < 2e-6
    assert error.max() < 1e-3
    np.testing.assert_allclose(
        from_records[:, 4:], from_structures[:, 4:], rtol=1e-6, atol=1e-6
    )
    assert len(table(small_run, "_virial")[1]) == 10
    assert "structures with exactly collinear neighbours" in capsys.readouterr().out
