"""Keys of energy, force and virial losses: values, messages, notices."""

import pytest

from annpot import config
from annpot.errors import InputError

TRAIN = """\
[IO_INFORMATION]
data_dir = tfr
train_dir = run
{io}
[DATA_INFORMATION]
atomic_sequence = H, O
[DEFAULT_NETWORK]
architecture = 32:1
[TRAINING_PARAMETERS]
batch_size = 20
max_steps = 100
{training}
"""


def load(tmp_path, training="", io=""):
    path = tmp_path / "train.ini"
    path.write_text(TRAIN.format(training=training, io=io))
    return config.load_train(path)


def told(texts):
    """Messages without folder and line."""
    return [text.partition(": ")[2] for text in texts]


def problems(tmp_path, *texts):
    with pytest.raises(InputError) as error:
        load(tmp_path, *texts)
    return told(error.value.problems)


def test_energies_alone_are_trained_unless_told(tmp_path):
    read = load(tmp_path)
    assert not read.training.needs_derivatives
    assert (read.training.forces_cost, read.training.virial_cost) == (0.0, 0.0)
    assert (read.training.floss_function, read.training.force_weights) == ("quad", None)
    assert read.training.vloss_function == "quad_atom"  # of the virial per atom
    assert (read.training.force_reduction, read.training.virial_reduction) == (
        "mean",
        "mean",
    )
    assert read.io.derivatives == "auto"


def test_forces_and_virials_of_any_choice(tmp_path):
    read = load(
        tmp_path,
        "forces_cost = 0.1\nfloss_function = exp_quad\nforce_weights = 3n_atoms2\n"
        "force_reduction = sum\nvirial_cost = 2\nvloss_function = quad\n"
        "virial_weights = n_atoms2\nvirial_reduction = sum",
        "derivatives = computed",
    )
    assert read.source.notices == ()
    assert read.training.needs_derivatives
    assert read.training.forces_cost == 0.1
    assert read.training.force_weights == "3n_atoms2"
    assert read.training.virial_cost == 2.0
    assert read.training.virial_weights == "n_atoms2"
    assert read.io.derivatives == "computed"


@pytest.mark.parametrize("name", ["force_weights", "virial_weights"])
def test_no_weight_may_be_written_as_in_panna(tmp_path, name):
    assert getattr(load(tmp_path, f"{name} = None").training, name) is None


@pytest.mark.parametrize(
    ("training", "message"),
    [
        (
            "forces_cost = -1",
            "[TRAINING_PARAMETERS] forces_cost = -1: expected a number >= 0.",
        ),
        (
            "virial_cost = much",
            "[TRAINING_PARAMETERS] virial_cost = much: expected a number >= 0.",
        ),
        (
            "forces_cost = 1\nfloss_function = huber",
            "[TRAINING_PARAMETERS] floss_function = huber: expected one of quad, "
            "exp_quad, quad_atom, quad_percomp.",
        ),
        (
            "forces_cost = 1\nfloss_function = exp_quad_atom",
            "[TRAINING_PARAMETERS] floss_function = exp_quad_atom: not available. "
            "PANNA 2.0 dropped it. Write floss_function = quad_atom.",
        ),
        (
            "virial_cost = 1\nvirial_weights = 3n_atoms",
            "[TRAINING_PARAMETERS] virial_weights = 3n_atoms: expected one of n_atoms, "
            "n_atoms2.",
        ),
    ],
)
def test_a_wrong_value(tmp_path, training, message):
    (found,) = problems(tmp_path, training)
    assert found == message


def test_a_wrong_choice_of_derivatives(tmp_path):
    assert problems(tmp_path, "forces_cost = 1", "derivatives = dense") == [
        "[IO_INFORMATION] derivatives = dense: expected one of auto, stored, computed."
    ]


@pytest.mark.parametrize(
    ("cost", "weight", "function", "name", "plain"),
    [
        ("seed", "energy_weight", "loss_function", "quad_atom", "quad or exp_quad"),
        ("forces_cost", "force_weights", "floss_function", "quad_atom",
         "quad or exp_quad"),
        ("forces_cost", "force_weights", "floss_function", "quad_percomp",
         "quad or exp_quad"),
        ("virial_cost", "virial_weights", "vloss_function", "quad_std_atom", "quad"),
    ],
)  # fmt: skip
def test_no_loss_is_divided_by_its_atoms_twice(
    tmp_path, cost, weight, function, name, plain
):
    text = f"{cost} = 1\n{weight} = n_atoms\n{function} = {name}"
    assert problems(tmp_path, text) == [
        f"[TRAINING_PARAMETERS] {weight} = n_atoms cannot be used with {function} = "
        f"{name}, which divides by the number of atoms already. Remove {weight}, or "
        f"use {function} = {plain}."
    ]


def test_the_default_virial_loss_is_per_atom_and_takes_no_weight(tmp_path):
    (found,) = problems(tmp_path, "virial_cost = 1\nvirial_weights = n_atoms")
    assert "vloss_function = quad_atom, which divides by the number" in found


def test_a_choice_without_its_cost_is_told(tmp_path):
    text = (
        "floss_function = quad_percomp\nforce_weights = n_atoms\nforce_reduction = sum"
    )
    read = load(tmp_path, f"{text}\nvloss_function = quad", "derivatives = stored")
    says = (
        "[TRAINING_PARAMETERS] {} has no effect: {} is 0, so that {} are not trained."
    )
    assert told(read.source.notices) == [
        "[IO_INFORMATION] derivatives has no effect: forces_cost and virial_cost are "
        "0, so that energies alone are trained.",
        says.format("floss_function", "forces_cost", "forces"),
        says.format("force_weights", "forces_cost", "forces"),
        says.format("force_reduction", "forces_cost", "forces"),
        says.format("vloss_function", "virial_cost", "virials"),
    ]


def test_a_wrong_cost_is_the_only_thing_told(tmp_path):
    text = "forces_cost = -1\nfloss_function = exp_quad"
    assert len(problems(tmp_path, text, "derivatives = stored")) == 1
    text = "virial_cost = x\nvirial_weights = n_atoms\nvloss_function = quad"
    assert len(problems(tmp_path, text)) == 1


def test_a_loss_of_nothing_is_refused(tmp_path):
    (found,) = problems(tmp_path, "energy_cost = 0")
    assert found == (
        "[TRAINING_PARAMETERS] energy_cost = 0: nothing is trained, as forces_cost and "
        "virial_cost are 0 too. Give one of them a value above 0."
    )
    read = load(tmp_path, "energy_cost = 0\nforces_cost = 1")
    assert read.training.energy_cost == 0
