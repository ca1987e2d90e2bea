"""The state of a run, to disk and back.

A checkpoint is a TensorFlow bundle `epoch_{e}_step_{s}` (.index and .data-...). It
exists when its index does: the data are renamed first, the index next, the text file
`checkpoint` that names the newest one last.
"""

import json
import os
import re
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from annpot import files
from annpot.errors import InputError, TrainingError
from annpot.networks.checkpoint_files import (
    LATEST_FILE,
    named_as_latest,
    saved_checkpoints,
)
from annpot.networks.checkpoint_reader import read_checkpoint
from annpot.networks.element_network import tf
from annpot.training.progress import Progress

FOLDER = "_models"
UNFINISHED = ".writing_"  # folder of a checkpoint until it is complete
DATA_SUFFIX = ".data-00000-of-00001"
NAME = re.compile(r"epoch_(\d+)_step_(\d+)")


@dataclass(frozen=True)
class SavedState:
    """What a checkpoint holds.

    Attributes:
        prefix: path of the bundle without suffix.
        layers: {element: [(kernel, bias), ...]} NumPy arrays.
        slots: {(element, layer, kind, slot): array} in full shapes.
        run: facts of the run, see `annpot.training.facts`; None in a checkpoint of
            another program.
        checksum: of all its tensors, see `annpot.networks.checkpoint_reader`.
    """

    prefix: Path
    layers: dict
    slots: dict
    run: dict | None
    checksum: str | None = None

    @property
    def progress(self):
        """Progress of the run, from the file name if nothing else tells."""
        if self.run is not None:
            return Progress.stored(self.run["progress"])
        epoch, step = epoch_and_step(self.prefix)
        return Progress(step=step, epoch=epoch)


class Recorder:
    """Writes the checkpoints of a run.

    Args:
        folder: the `_models` folder.
        potential: Potential, with the weights to store.
        parameters: Parameters of the step.
        slots: {(ParameterKey, slot name): variable}.
        max_to_keep: older checkpoints beyond this number are deleted.
        texts: {name: bytes} that every checkpoint holds as they are.
    """

    def __init__(self, folder, potential, parameters, slots, max_to_keep, texts=None):
        self.folder = Path(folder)
        self.max_to_keep = max_to_keep
        self.parameters = parameters
        self.slots = slots
        self._text = tf.Variable("")
        self._checkpoint = tf.train.Checkpoint(
            _networks=_network_tree(potential),
            _slots=self._slot_tree(),
            _run=self._text,
            **{f"_{name}": tf.Variable(text) for name, text in (texts or {}).items()},
        )
        self._write_tensors = _compiled_write(self._checkpoint, self._text.device)
        files.make_folder(self.folder)
        files.remove_leftovers(self.folder)
        for leftover in self.folder.glob(f"{UNFINISHED}*"):
            shutil.rmtree(leftover)  # a process was killed in the middle of a write

    def _slot_tree(self):
        """{element: {layer: {kind: {slot: variable of full shape}}}}."""
        self._full = {}  # (key, slot) -> full variable where the step's is smaller
        tree = {}
        for (key, slot), variable in self.slots.items():
            stored = variable.value
            if self.parameters.full_shape(key) != tuple(variable.shape):
                stored = tf.Variable(self.parameters.to_full(key, variable.numpy()))
                self._full[(key, slot)] = stored
            layers = tree.setdefault(key.element, {})
            kinds = layers.setdefault(str(key.layer), {})
            kinds.setdefault(key.kind, {})[slot] = stored
        return tree

    def save(self, progress, run):
        """Write the checkpoint of this moment; return its prefix.

        Args:
            progress: Progress.
            run: facts of the run, stored as JSON beside the tensors.

        Raises:
            TrainingError: a weight or slot is not a finite number; nothing is written.
            InputError: the disk is full or the folder cannot be written.
        """
        self._refuse_nan(progress.step)
        in_epoch = progress.steps_in_epoch > 0
        name = f"epoch_{progress.epoch + in_epoch}_step_{progress.step}"
        prefix = self.folder / name
        text = json.dumps({**run, "progress": asdict(progress)}, allow_nan=False)
        writing = self.folder / f"{UNFINISHED}{os.getpid()}"
        try:
            with files.explained_write_errors(prefix):
                files.make_folder(writing)
                self._write(writing / name, text)
                for suffix in (DATA_SUFFIX, ".index"):
                    files.sync(f"{writing / name}{suffix}")
                # One of another run under this name ends to exist first.
                Path(f"{prefix}.index").unlink(missing_ok=True)
                for suffix in (DATA_SUFFIX, ".index"):
                    os.replace(f"{writing / name}{suffix}", f"{prefix}{suffix}")
                    files.sync(self.folder)
        finally:
            shutil.rmtree(writing, ignore_errors=True)
        self._announce(prefix)
        return prefix

    def _write(self, prefix, text):
        self._text.assign(text)
        for (key, slot), stored in self._full.items():
            stored.assign(self.parameters.to_full(key, self.slots[key, slot].numpy()))
        try:
            self._write_tensors(tf.constant(str(prefix)))
        except tf.errors.OpError as error:
            raise _explained_by_system(error, self.folder) from error

    def _refuse_nan(self, step):
        variables = [*self.parameters.variables.values(), *self.slots.values()]
        if not all(np.isfinite(variable.numpy()).all() for variable in variables):
            raise TrainingError(
                f"{self.folder}: the weights after step {step} are not finite numbers, "
                "so that no checkpoint is written. Try a smaller learning_rate, or use "
                "quad instead of an exponential loss."
            )

    def _announce(self, prefix):
        earlier = [c for c in saved_checkpoints(self.folder) if c.prefix != prefix]
        surplus = max(0, len(earlier) + 1 - self.max_to_keep)
        for old in earlier[:surplus]:
            for suffix in (".index", DATA_SUFFIX):
                Path(f"{old.prefix}{suffix}").unlink(missing_ok=True)
        lines = [f'model_checkpoint_path: "{prefix.name}"']
        lines += [
            f'all_model_checkpoint_paths: "{checkpoint.name}"'
            for checkpoint in saved_checkpoints(self.folder)
        ]
        files.write_text(self.folder / LATEST_FILE, "\n".join(lines) + "\n")


def _compiled_write(checkpoint, device):
    """Function of a prefix that writes a checkpoint: half the time of `write` itself.

    With all of it on the device of the variables there is one shard, as without
    compilation, and the files are the same to the byte.
    """

    def write(prefix):
        with tf.device(device):
            checkpoint.write(prefix)

    signature = [tf.TensorSpec([], tf.string)]
    return tf.function(write, input_signature=signature, autograph=False)


def _network_tree(potential):
    """{element: {"_layers": [{kernel, bias}]}}, the layout of PANNA 2."""
    return {
        network.name: {
            "_layers": [
                {"kernel": layer.kernel.value, "bias": layer.bias.value}
                for layer in network.atomic_layers
            ]
        }
        for network in potential.networks
    }


def _explained_by_system(error, folder):
    """TensorFlow's refusal to write, as the operating system would say it."""
    words = error.message.lower()
    no_room = "no space" in words or "file too large" in words
    if no_room or isinstance(error, tf.errors.ResourceExhaustedError):
        return InputError(
            f"{folder}: the disk is full. Earlier checkpoints are untouched; free some "
            "space and run the same command again."
        )
    reason = _reason(error.message)
    return InputError(f"{folder}: a checkpoint cannot be written ({reason}).")


def _reason(message):
    """The sentence of a TensorFlow message that is neither traceback nor node."""
    own = re.split(r"\n\t \[\[", message)[0].strip()
    return own.splitlines()[-1] if own else message


def epoch_and_step(prefix):
    """(epoch, step) from the name of a checkpoint; (0, 0) if it does not say."""
    found = NAME.fullmatch(Path(prefix).name)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def newest_prefix(folder):
    """Prefix named by the `checkpoint` file, else the one of the last step, or None."""
    saved = saved_checkpoints(folder)
    named = named_as_latest(folder)
    for checkpoint in saved:
        if checkpoint.name == named:
            return checkpoint.prefix
    return saved[-1].prefix if saved else None


def load_state(prefix):
    """SavedState of a checkpoint.

    Raises:
        InputError: no such checkpoint, or it is damaged.
    """
    content = read_checkpoint(prefix)
    layers = {
        element: [(layer.kernel, layer.bias) for layer in weights]
        for element, weights in content.weights.items()
    }
    return SavedState(
        content.prefix, layers, content.slots, content.run, content.checksum
    )
