"""Weights & Biases is told of each epoch, in one run however often it is resumed."""

import builtins
import io
import json
import math
import sys

import pytest

from annpot.errors import InputError
from reference.small_training import newest_state, train_ini

FAKE = '''
"""Writes down what it is told."""

import builtins


class Run:
    def log(self, values, step):
        builtins.told.append(("log", step, values))

    def finish(self):
        builtins.told.append(("finish",))


def init(**about):
    if about["project"] == "closed":
        raise RuntimeError("api_key not configured")
    builtins.told.append(("init", about))
    return Run()
'''


@pytest.fixture
def told(tmp_path, monkeypatch):
    """What a package wandb was told; it is installed for the test."""
    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    (tmp_path / "site/wandb").mkdir(parents=True)
    (tmp_path / "site/wandb/__init__.py").write_text(FAKE)
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.setattr(builtins, "told", [], raising=False)
    yield builtins.told
    sys.modules.pop("wandb", None)


def trained(folder, small_data, project="small", **training):
    from annpot.apps.training_screen import Screen
    from annpot.config import load_train
    from annpot.training.trainer import train

    io_keys = {"wandb_project": project}
    path = train_ini(
        folder, small_data, IO_INFORMATION=io_keys, TRAINING_PARAMETERS=training
    )
    train(load_train(path), Screen(io.StringIO()))


def test_every_epoch_is_logged_with_its_step(tmp_path, small_data, told):
    trained(tmp_path, small_data)
    (_, about), *logs, finish = told
    assert about["project"] == "small"
    assert about["resume"] == "allow"
    assert (about["name"], about["dir"]) == (str(tmp_path / "run"),) * 2
    assert about["config"]["TRAINING_PARAMETERS"]["batch_size"] == "4"
    assert finish == ("finish",)
    assert [step for _, step, _ in logs] == [7, 14, 21]
    lines = (tmp_path / "run/history.csv").read_text().splitlines()
    for (_, _, values), line in zip(logs, lines[1:], strict=True):
        words = dict(zip(lines[0].split(","), line.split(","), strict=True))
        assert values == {k: float(v) for k, v in words.items()}
        assert not any(map(math.isnan, values.values()))


def test_a_resumed_run_goes_on_under_its_id(tmp_path, small_data, told):
    trained(tmp_path, small_data, max_epochs=2)
    stored = newest_state(tmp_path / "run").run
    trained(tmp_path, small_data, max_epochs=4)
    first, second = (entry[1]["id"] for entry in told if entry[0] == "init")
    assert first == second
    assert first in json.dumps(stored)
    assert [entry[1] for entry in told if entry[0] == "log"] == [7, 14, 21, 28]


def test_two_runs_have_different_ids(tmp_path, small_data, told):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        trained(tmp_path / name, small_data, max_epochs=1)
    ids = {entry[1]["id"] for entry in told if entry[0] == "init"}
    assert len(ids) == 2


def test_a_refusal_is_told_before_the_first_step(tmp_path, small_data, told):
    with pytest.raises(InputError) as raised:
        trained(tmp_path, small_data, project="closed")
    assert str(raised.value) == (
        "[IO_INFORMATION] wandb_project = closed: W&B cannot start a run "
        "(RuntimeError: api_key not configured). Log in with wandb login, set the "
        "environment variable WANDB_MODE=offline, or leave the key out."
    )
    assert not list((tmp_path / "run/_models").glob("epoch*"))


def test_an_epoch_that_cannot_be_sent_stops_nothing(
    tmp_path, small_data, told, monkeypatch, caplog
):
    import wandb

    def log(self, values, step):
        raise ConnectionError("no network")

    monkeypatch.setattr(wandb.Run, "log", log)
    trained(tmp_path, small_data)
    assert "epoch 1 was not logged (no network)" in caplog.text
    assert newest_state(tmp_path / "run").progress.epoch == 3


def test_a_package_that_is_not_installed_is_told(tmp_path, monkeypatch):
    from annpot.training.wandb_package import require_wandb

    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    (tmp_path / "wandb").mkdir()  # where W&B leaves its files, no package
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match="the package wandb is not installed"):
        require_wandb()


def test_the_command_tells_it_before_tensorflow_is_imported(
    tmp_path, small_data, capsys
):
    from annpot.apps.train import main

    path = train_ini(tmp_path, small_data, IO_INFORMATION={"wandb_project": "p"})
    assert main(["-c", str(path)]) == 2
    assert "wandb is not installed" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
