"""The line of an epoch tells the errors of those labels that there are."""

import io
from types import SimpleNamespace

import pytest

ENERGIES = {"mae_per_atom": 0.002, "rmse_per_atom": 0.003}
FORCES = {"mae_force": 0.04, "rmse_force": 0.05}
VIRIALS = {"mae_virial_per_atom": 0.006, "rmse_virial_per_atom": 0.007}


def lines(errors, validation=None, n_programs=1):
    """What is shown of a run of one epoch."""
    from annpot.apps.training_screen import Screen, TrainingProgress

    stream = io.StringIO()
    run = SimpleNamespace(
        plan=SimpleNamespace(n_epochs=9, total_steps=90),
        start=SimpleNamespace(step=0),
        program=SimpleNamespace(n_programs=n_programs),
    )
    shown = TrainingProgress(Screen(stream), run, 1.0)
    shown.on_train_begin()
    logs = {"loss": 0.5, "steps": 10, **errors}
    if validation is not None:
        logs |= {"val_loss": 0.6} | {f"val_{k}": v for k, v in validation.items()}
    shown.on_epoch_end(0, logs)
    shown.on_train_end()
    return stream.getvalue().splitlines()


def epoch_line(errors, validation=None):
    """The line of the epoch, without the speed."""
    return lines(errors, validation)[-2].rpartition("  ")[0]


@pytest.mark.parametrize(
    ("errors", "told"),
    [
        (ENERGIES, "MAE 2  RMSE 3 meV/atom"),
        (FORCES, "forces MAE 40  RMSE 50 meV/angstrom"),
        (
            ENERGIES | FORCES | VIRIALS,
            "MAE 2  RMSE 3 meV/atom  forces MAE 40  RMSE 50 meV/angstrom  "
            "virials MAE 6  RMSE 7 meV/atom",
        ),
    ],
)
def test_errors_of_the_labels_there_are(errors, told):
    assert epoch_line(errors) == f"epoch 1/9  step 10  loss 0.5  {told}"


def test_validation_tells_its_own_labels():
    line = epoch_line(ENERGIES | FORCES, ENERGIES)
    assert line.endswith(" meV/angstrom | validation MAE 2  RMSE 3 meV/atom")


def test_the_end_tells_how_many_programs_were_compiled():
    told = [lines(ENERGIES, n_programs=n)[-1] for n in (1, 3)]
    assert told == [
        "compiled 1 program, one for each shape of batch",
        "compiled 3 programs, one for each shape of batch",
    ]
