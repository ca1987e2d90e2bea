"""What a run shows: errors of those labels that there are, time, hints."""

import io
import math
from types import SimpleNamespace

import pytest

ENERGIES = {"mae_per_atom": 0.002, "rmse_per_atom": 0.003}
FORCES = {"mae_force": 0.04, "rmse_force": 0.05}
VIRIALS = {"mae_virial_per_atom": 0.006, "rmse_virial_per_atom": 0.007}


class Watch:
    """A clock that the test moves on; seconds."""

    def __init__(self):
        self.time = 100.0

    def __call__(self):
        return self.time


class Shown:
    """A run of 90 steps in epochs of 10, and what the screen shows of it."""

    def __init__(self, monkeypatch, n_programs=1, is_resident=True):
        from annpot.apps.training_progress import TrainingProgress
        from annpot.apps.training_screen import Screen
        from annpot.training.clock import Clock

        self.now, self.stream = Watch(), io.StringIO()
        monkeypatch.setattr("annpot.apps.training_progress.time.monotonic", self.now)
        self.clock = Clock(self.now)
        run = SimpleNamespace(
            plan=SimpleNamespace(n_epochs=9, total_steps=90, steps_per_epoch=10),
            start=SimpleNamespace(step=0),
            program=SimpleNamespace(n_programs=n_programs),
            clock=self.clock,
            ended=None,
            data=SimpleNamespace(is_resident=is_resident),
        )
        self.callback = TrainingProgress(Screen(self.stream), run, 1.0)
        self.callback.on_train_begin()

    def chunk(self, step, waiting=0.0, computing=0.0):
        """A chunk of steps up to `step`."""
        for part, seconds in (("input", waiting), ("compute", computing)):
            with self.clock.part(part):
                self.now.time += seconds
        self.callback.on_train_batch_end(step, {"loss": 0.5})

    def epoch(self, number, errors, validation=None):
        """The end of an epoch of ten steps, counted from 1."""
        logs = {"loss": 0.5, "steps": 10 * number, **errors}
        if validation is not None:
            logs |= {"val_loss": 0.6} | {f"val_{k}": v for k, v in validation.items()}
        self.callback.on_epoch_end(number - 1, logs)

    @property
    def lines(self):
        """All that was shown."""
        return self.stream.getvalue().splitlines()


@pytest.fixture
def shown(monkeypatch):
    """Shown of data in memory."""
    return Shown(monkeypatch)


def epoch_line(shown, errors, validation=None):
    """The line of the epoch, without the speed."""
    shown.epoch(1, errors, validation)
    return shown.lines[-1].rpartition("  ")[0]


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
def test_errors_of_the_labels_there_are(shown, errors, told):
    assert epoch_line(shown, errors) == f"epoch 1/9  step 10  loss 0.5  {told}"


def test_validation_tells_its_own_labels(shown):
    missing = dict.fromkeys(FORCES, math.nan)
    line = epoch_line(shown, ENERGIES | FORCES, ENERGIES | missing)
    assert line.endswith(" meV/angstrom | validation MAE 2  RMSE 3 meV/atom")


@pytest.mark.parametrize(("n", "words"), [(1, "1 program"), (3, "3 programs")])
def test_the_end_tells_how_many_programs_were_compiled(monkeypatch, n, words):
    shown = Shown(monkeypatch, n_programs=n)
    shown.callback.on_train_end()
    assert shown.lines[-1] == f"compiled {words}, one for each shape of batch"


def test_time_left_is_that_of_steps_without_compiling(shown):
    shown.chunk(10, computing=60.0)  # compiles
    shown.epoch(1, ENERGIES)
    assert shown.lines[-1].endswith("  0 steps/s")
    for number in (2, 3):
        shown.chunk(10 * number, computing=20.0)
        shown.epoch(number, ENERGIES)
    # A step takes 2 seconds; 60 are left.
    assert shown.lines[-1].endswith("  0 steps/s, 2 min left")
    shown.chunk(35, computing=15.0)
    assert shown.lines[-1] == "step 35/90 loss 0.5, 2 min 1 s left"
    shown.chunk(90, computing=9.0)
    shown.epoch(9, ENERGIES)
    assert shown.lines[-1].endswith(" steps/s")


def test_the_end_tells_where_the_time_went(shown):
    shown.chunk(10, waiting=1.0, computing=5.0)
    with shown.clock.part("checkpoint"):
        shown.now.time += 3.0
    shown.now.time += 1.0
    shown.chunk(20)
    shown.callback.on_train_end()
    assert shown.lines[-1] == (
        "time        10 s: input 10 %, compute 50 %, validation 0 %, checkpoint 30 %, "
        "other 10 %; 2 steps/s, 5.0 s per epoch"
    )


@pytest.mark.parametrize(
    ("is_resident", "advice"),
    [
        (False, "to keep the data in memory set dataset_cache = True or a larger "
                "memory_budget_mb; or read more at a time with num_parallel_readers"),
        (True, "larger batches (batch_size) take less time for each structure"),
    ],
)  # fmt: skip
def test_waiting_for_batches_is_told_once(monkeypatch, is_resident, advice):
    shown = Shown(monkeypatch, is_resident=is_resident)
    for number, waiting in enumerate((3.0, 5.0, 9.0), start=1):
        shown.chunk(10 * number, waiting=waiting, computing=7.5)
        shown.epoch(number, ENERGIES)
    hints = [line for line in shown.lines if line.startswith("hint")]
    assert hints == [
        "hint: the steps of epoch 2 waited for batches during 40 % of its time; "
        f"{advice}."
    ]


def test_epochs_of_no_time_give_no_hint(shown):
    shown.chunk(10, waiting=0.5, computing=0.1)
    shown.epoch(1, ENERGIES)
    assert "hint" not in shown.stream.getvalue()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1 min"),
        (125, "2 min 5 s"),
        (3600 * 3 + 300, "3 h 5 min"),
        (86400 * 2 + 3600 * 7, "2 d 7 h"),
    ],
)
def test_lengths_of_time_have_two_units_at_most(seconds, words):
    from annpot.wording import duration

    assert duration(seconds) == words


def test_notes_that_stages_have_in_common_are_shown_once():
    from annpot.apps.training_screen import Screen

    stream = io.StringIO()
    screen = Screen(stream)
    screen.notes(("first", "of both"))
    screen.notes(("of both", "second", "second"))
    shown = stream.getvalue().splitlines()
    assert shown == ["note: first", "note: of both", "note: second"]
