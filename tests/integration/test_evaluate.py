"""app_evaluate from INI file to results, on checkpoints written by TensorFlow."""

from dataclasses import replace

import numpy as np
import pytest

from annpot.apps.evaluate import main
from annpot.data.binary_format import write_bin
from annpot.networks.numpy_potential import energies

IO = """\
data_dir = data
train_ini = train.ini
networks_dir = run/_models
eval_dir = results
"""
WITHOUT_INI = IO.replace("train_ini = train.ini\n", "")


@pytest.fixture
def run(small_run):
    """SmallRun with checkpoints of steps 10, 20 and 110."""
    for epoch, step in ((1, 10), (2, 20), (11, 110)):
        small_run.checkpoint(epoch, step, facts=small_run.facts())
    return small_run


def evaluate(run, io=IO, options=""):
    return main(["-c", run.write_ini("evaluate.ini", io, options)])


def results(run):
    """{checkpoint: rows of its .dat file}."""
    return {
        path.stem: [line.split() for line in path.read_text().splitlines()]
        for path in sorted((run.folder / "results").glob("*.dat"))
    }


def expected_energies(run, seed):
    """(n_structures,) energies by one structure at a time."""
    weights = run.weights(seed)
    return np.concatenate(
        [
            energies(r.g, r.species, np.zeros(r.n_atoms, int), 1, run.specs, weights)
            for r in run.records
        ]
    )


def test_all_checkpoints_give_the_energies_of_their_networks(run, capsys):
    assert evaluate(run) == 0
    found = results(run)
    assert set(found) == {"epoch_1_step_10", "epoch_2_step_20", "epoch_11_step_110"}
    for name, seed in (("epoch_1_step_10", 10), ("epoch_11_step_110", 110)):
        header, *rows = found[name]
        assert header == ["#filename", "n_atoms", "e_ref", "e_nn"]
        assert [row[0] for row in rows] == [record.name for record in run.records]
        assert [int(row[1]) for row in rows] == [3, 3, 2, 4, 3]
        numbers = np.array([row[2:] for row in rows], float)
        # The file has ten digits behind the point.
        reference = [record.energy for record in run.records]
        np.testing.assert_allclose(numbers[:, 0], reference, rtol=0, atol=1e-10)
        expected = expected_energies(run, seed)
        np.testing.assert_allclose(numbers[:, 1], expected, rtol=0, atol=1e-10)
    output = capsys.readouterr().out
    assert "epoch_2_step_20, errors in meV/atom" in output
    assert "all checkpoints" in output
    assert "no dataset.json; its descriptors are assumed" in output


def test_the_table_agrees_with_the_energy_file(run, capsys):
    assert evaluate(run, options="single_step = True") == 0
    numbers = np.array(
        [row[1:] for row in results(run)["epoch_11_step_110"][1:]], float
    )
    n_atoms, e_ref, e_nn = numbers.T
    errors = 1000 * np.abs(e_nn - e_ref) / n_atoms
    # What the atoms' offsets leave of the reference, meV/atom.
    counts = [np.bincount(record.species, minlength=2) for record in run.records]
    offsets = np.array(counts) @ [spec.offset for spec in run.specs]
    bound = 1000 * (e_ref - offsets) / n_atoms
    assert abs(bound).min() > 1
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    (total,) = (line for line in lines if line[:1] == ["all"])
    assert total[1:] == [
        "5",
        f"{errors.mean():.3f}",
        f"{np.sqrt(np.mean(errors**2)):.3f}",
        f"{np.mean(errors**2):.4g}",
        f"{100 * np.mean(errors / abs(bound)):.3f}",
        f"{1 - np.sum(errors**2) / np.sum((bound - bound.mean()) ** 2):.6f}",
        f"{errors.max():.3f}",
    ]
    water = next(line for line in lines if line[:1] == ["H2O"])
    assert water[1] == "3"


def test_energies_agree_with_the_training_network_in_float64(run):
    from annpot.networks.potential import Potential

    potential = Potential(run.specs, dtype="float64")
    potential.set_layers(run.weights(110))
    species = np.concatenate([record.species for record in run.records])
    owner = np.repeat(range(5), [record.n_atoms for record in run.records])
    g = np.concatenate([record.g for record in run.records]).astype(float)
    of = [np.flatnonzero(species == index) for index in range(2)]
    trained = potential.call([g[i] for i in of], [owner[i] for i in of], 5).numpy()
    # The same sums in another order, near 4000 eV: 4000 * 2^-53 = 4e-13 a few times.
    np.testing.assert_allclose(trained, expected_energies(run, 110), rtol=0, atol=1e-11)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("single_step = True", {"epoch_11_step_110"}),
        ("single_step = True\nstep_number = 10", {"epoch_1_step_10"}),
        ("single_step = True\nepoch_number = 2", {"epoch_2_step_20"}),
        ("subsampling = 2", {"epoch_1_step_10", "epoch_11_step_110"}),
        ("start = 1", {"epoch_2_step_20", "epoch_11_step_110"}),
        ("start = 1\nend = 2", {"epoch_2_step_20"}),
    ],
)
def test_checkpoints_are_chosen(run, options, expected):
    assert evaluate(run, options=options) == 0
    assert set(results(run)) == expected


def test_a_number_without_single_step_is_told(run, capsys):
    assert evaluate(run, options="step_number = 10") == 0
    assert len(results(run)) == 3
    assert "step_number has no effect without single_step = True" in (
        capsys.readouterr().out
    )


def test_a_wrong_step_lists_the_checkpoints(run, capsys):
    assert evaluate(run, options="single_step = True\nstep_number = 11") == 2
    assert (
        "run/_models: no checkpoint of step 11: there are epoch_1_step_10, "
        "epoch_2_step_20, epoch_11_step_110." in capsys.readouterr().err
    )


def test_an_empty_range_is_told(run, capsys):
    assert evaluate(run, options="start = 3") == 2
    assert "evaluate.ini:8: start = 3 and end = None leave none of the 3" in (
        capsys.readouterr().err
    )


def test_earlier_results_are_computed_anew(run):
    (run.folder / "results").mkdir()
    stale = run.folder / "results" / "epoch_1_step_10.dat"
    stale.write_text("a result of another run, longer than a hundred bytes\n" * 5)
    assert evaluate(run) == 0
    assert results(run)["epoch_1_step_10"][0][0] == "#filename"


def test_pictures_and_the_expanded_ini_are_written(run):
    assert evaluate(run, options="plot = True") == 0
    names = {path.name for path in (run.folder / "results").iterdir()}
    assert {
        "epoch_1_step_10_parity.png",
        "epoch_1_step_10_errors.png",
        "checkpoints.png",
        "evaluate.expanded.ini",
    } <= names
    again = (run.folder / "results" / "evaluate.expanded.ini").read_text()
    assert "precision = float64" in again
    (run.folder / "evaluate.ini").write_text(again)
    assert main(["-c", "evaluate.ini"]) == 0


def test_bin_files_give_the_same_energies(run):
    (run.folder / "bins").mkdir()
    for record in run.records:
        write_bin(run.folder / "bins" / f"{record.name}.bin", record)
    assert evaluate(run, options="single_step = True") == 0
    from_tfrecords = results(run)
    io = IO.replace("data_dir = data", "data_dir = bins") + "input_format = bin\n"
    assert evaluate(run, io, "single_step = True") == 0
    assert results(run) == from_tfrecords


def test_float32_is_close_to_float64(run):
    assert evaluate(run, options="single_step = True") == 0
    exact = np.array([row[3] for row in results(run)["epoch_11_step_110"][1:]], float)
    assert evaluate(run, options="single_step = True\nprecision = float32") == 0
    single = np.array([row[3] for row in results(run)["epoch_11_step_110"][1:]], float)
    # Networks of order 1 in float32, offsets in float64.
    np.testing.assert_allclose(single, exact, rtol=0, atol=1e-5)
    assert (single != exact).any()


def test_a_panna_checkpoint_takes_its_networks_from_the_train_ini(run):
    assert evaluate(run, options="single_step = True") == 0
    ours = results(run)
    run.checkpoint(11, 110)
    assert evaluate(run, options="single_step = True") == 0
    assert results(run) == ours


def test_a_panna_checkpoint_needs_a_train_ini(run, capsys):
    run.checkpoint(11, 110)
    (run.folder / "train.ini").unlink()
    assert evaluate(run, WITHOUT_INI, "single_step = True") == 2
    assert "written by another program, does not tell its elements" in (
        capsys.readouterr().err
    )


def test_our_checkpoint_needs_no_train_ini(run):
    (run.folder / "train.ini").unlink()
    assert evaluate(run, WITHOUT_INI, "single_step = True") == 0


def test_a_train_ini_that_is_named_must_exist(run, capsys):
    (run.folder / "train.ini").unlink()
    assert evaluate(run) == 2
    assert "train.ini" in capsys.readouterr().err


def change_ini(run, old, new):
    path = run.folder / "train.ini"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "-13.62, -2041.84",
            "-13.5, -2041.84",
            "train.ini:7: output_offset = -13.5 for [H], but the checkpoint was made "
            "with -13.62.",
        ),
        (
            "activations = tanh:relu:linear",
            "activations = tanh:tanh:linear",
            "train.ini:16: activations = 4:4:0 for [O], but the checkpoint was made "
            "with 4:3:0.",
        ),
        (
            "architecture = 4:1",
            "architecture = 5:1",
            "train.ini:11: architecture = 5:1 for [H], but the checkpoint was made "
            "with 4:1.",
        ),
        (
            "atomic_sequence = H, O\noutput_offset = -13.62, -2041.84",
            "atomic_sequence = O, H\noutput_offset = -2041.84, -13.62",
            "train.ini:6: atomic_sequence = O, H for [DATA_INFORMATION], but the "
            "checkpoint was made with H, O.",
        ),
    ],
)
def test_a_train_ini_of_other_networks_is_refused(run, capsys, old, new, message):
    change_ini(run, old, new)
    assert evaluate(run, options="single_step = True") == 2
    error = capsys.readouterr().err
    assert message in error
    assert "run/_models/epoch_11_step_110 is a checkpoint of other settings" in error


def test_a_panna_checkpoint_of_other_shapes_is_refused(run, capsys):
    run.checkpoint(11, 110)
    change_ini(run, "architecture = 3:2:1", "architecture = 3:4:1")
    assert evaluate(run, options="single_step = True") == 2
    assert (
        "run/_models/epoch_11_step_110: layers 6x3 3x2 2x1 of O, where the settings "
        "say 6x3 3x4 4x1." in capsys.readouterr().err
    )


def test_a_panna_checkpoint_of_other_elements_is_refused(run, capsys):
    run.checkpoint(11, 110)
    change_ini(run, "atomic_sequence = H, O", "atomic_sequence = N, O")
    assert evaluate(run, options="single_step = True") == 2
    assert "train.ini:6: atomic_sequence = N, O, but run/_models/epoch_11_step_110" in (
        capsys.readouterr().err
    )


DATA, INDEX = ".data-00000-of-00001", ".index"


@pytest.mark.parametrize("keep", [0, 20, -30])
@pytest.mark.parametrize("suffix", [DATA, INDEX])
def test_a_truncated_checkpoint_is_refused(run, capsys, suffix, keep):
    path = run.models / f"epoch_11_step_110{suffix}"
    path.write_bytes(path.read_bytes()[:keep])
    assert evaluate(run, options="single_step = True") == 2
    error = capsys.readouterr().err
    assert "epoch_11_step_110: this checkpoint is truncated, corrupt or" in error
    assert "Traceback" not in error


def test_a_checkpoint_without_data_is_refused(run, capsys):
    (run.models / f"epoch_11_step_110{DATA}").unlink()
    assert evaluate(run, options="single_step = True") == 2
    assert "truncated, corrupt or incomplete" in capsys.readouterr().err


def test_a_corrupt_checkpoint_is_refused(run, capsys):
    path = run.models / f"epoch_11_step_110{DATA}"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    assert evaluate(run, options="single_step = True") == 2
    assert "truncated, corrupt or incomplete" in capsys.readouterr().err


def test_a_checkpoint_with_nan_is_refused(run, capsys):
    weights = run.weights(110)
    weights["O"][1].kernel[0, 0] = np.nan
    run.checkpoint(12, 120, weights, run.facts())
    assert evaluate(run, options="single_step = True") == 2
    assert "network of O: layer 1 holds NaN or infinite numbers" in (
        capsys.readouterr().err
    )


def test_a_damaged_record_leaves_earlier_results(run, capsys):
    assert evaluate(run) == 0
    before = results(run)
    path = run.folder / "data" / "train-2-2.tfrecord"
    path.write_bytes(path.read_bytes()[:-7])
    assert evaluate(run) == 2
    assert "data/train-2-2.tfrecord" in capsys.readouterr().err
    assert results(run) == before


def test_data_of_another_descriptor_length_are_refused(run, capsys):
    run.specs = tuple(replace(spec, n_features=5) for spec in run.specs)
    run.checkpoint(12, 120, facts=run.facts())
    (run.folder / "train.ini").unlink()
    assert evaluate(run, WITHOUT_INI, "single_step = True") == 2
    assert (
        "data/train-1-2.tfrecord: record 1: 6 descriptors per atom, but the networks "
        "take 5." in capsys.readouterr().err
    )


def test_forces_from_records_without_derivatives_are_refused(run, capsys):
    assert evaluate(run, options="compute_forces = True") == 2
    assert (
        "data/train-1-2.tfrecord: record 1: no derivatives of the descriptors, which "
        "compute_forces = True needs. Compute the descriptors again and pack them with "
        "include_derivatives = True, evaluate structures (input_format = example or "
        "structure), or set compute_forces = False." in capsys.readouterr().err
    )
    assert not list((run.folder / "results").glob("*.dat"))
