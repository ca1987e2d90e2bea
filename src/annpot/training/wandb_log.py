"""Weights & Biases, where it is installed and `wandb_project` names a project."""

import configparser
import logging
import math
import secrets

from annpot.errors import AnnpotError, InputError
from annpot.networks.element_network import keras
from annpot.training.wandb_package import WHERE, require_wandb

_log = logging.getLogger(__name__)


class WandbLog(keras.callbacks.Callback):
    """Sends what history.csv holds of an epoch, with its optimizer step.

    The id of the W&B run is kept in checkpoints, so that a resumed run goes on in the
    same one. W&B ignores steps that it has: an epoch that is done again is not doubled.

    Args:
        project: name of the project.
        folder: the train_dir: name of the run, and where W&B writes its own files.
        ini: expanded INI text, shown as the configuration of the run.
        history: History whose last row is that of the epoch that ends.

    Raises:
        InputError: W&B cannot start a run; at the first epoch, before its first step.
    """

    name = "wandb"

    def __init__(self, project, folder, ini, history):
        super().__init__()
        require_wandb()
        self.project, self.folder = project, folder
        self.ini, self.history = ini, history
        self.id = secrets.token_hex(4)
        self._run = None

    def state(self):
        """What a checkpoint keeps: the id of the W&B run."""
        return {"id": self.id}

    def restore(self, state):
        """Go on in the W&B run of an earlier part of the training."""
        self.id = state["id"]

    def on_epoch_begin(self, epoch, logs=None):
        """Start the W&B run at the first epoch, when the id is known."""
        if self._run is None:
            self._run = self._started()

    def on_epoch_end(self, epoch, logs=None):
        """Send the row of the epoch."""
        row = self.history.latest()
        values = {name: v for name, v in row.items() if not math.isnan(v)}
        try:
            self._run.log(values, step=int(row["step"]))
        except Exception as error:
            _log.warning("%s: epoch %d was not logged (%s).", WHERE, epoch + 1, error)

    def on_train_end(self, logs=None):
        """Send what is left."""
        if self._run is not None:
            self._run.finish()

    def _started(self):
        import wandb

        try:
            return wandb.init(
                project=self.project,
                name=str(self.folder),
                id=self.id,
                resume="allow",
                dir=str(self.folder),
                config=_sections(self.ini),
            )
        except AnnpotError:
            raise
        except Exception as error:
            raise InputError(
                f"{WHERE} = {self.project}: W&B cannot start a run "
                f"({type(error).__name__}: {error}). Log in with wandb login, set the "
                "environment variable WANDB_MODE=offline, or leave the key out."
            ) from error


def _sections(text):
    """{section: {key: value}} of an INI text."""
    parser = configparser.RawConfigParser()
    parser.optionxform = str
    parser.read_string(text)
    return {name: dict(parser.items(name)) for name in parser.sections()}
