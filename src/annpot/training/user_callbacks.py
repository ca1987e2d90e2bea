"""Keras callbacks of the user: `app_train --callback package.module:Class`."""

import importlib
import os
import sys

import numpy as np

from annpot.errors import AnnpotError, InputError, TrainingError
from annpot.networks.element_network import keras

FLAG = "--callback"


def load_callbacks(names):
    """UserCallbacks, made anew.

    Args:
        names: `package.module:Class` of each; modules of the current folder are found.

    Raises:
        InputError: one cannot be imported, is no subclass of keras.callbacks.Callback
            or needs arguments; all problems at once.
    """
    problems, callbacks = [], []
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # behind what is installed
    for name in names:
        try:
            callbacks.append(UserCallback(name, _made(name)))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return callbacks


class UserCallback(keras.callbacks.Callback):
    """A callback of the user, whose failures are told as what they are.

    An error at the end of an epoch is kept in `failure` until the checkpoint of the
    epoch is written, see `Failures`; one at the end of the run until all files are
    closed. Other errors end the run at once, with what the last checkpoint holds.
    Everything else is that of the callback.

    Args:
        title: how the user calls it, for messages.
        callback: the Callback.
    """

    def __init__(self, title, callback):
        super().__init__()
        self.title, self.callback = title, callback
        self.failure = None

    def __getattr__(self, attribute):
        """`state` and `restore` where the callback has them; see `stateful`."""
        if attribute not in ("state", "restore") or not hasattr(
            self.callback, attribute
        ):
            raise AttributeError(attribute)
        return lambda *arguments: self._call(attribute, *arguments)

    @property
    def name(self):
        """Under which checkpoints keep what it remembers."""
        return getattr(self.callback, "name", self.title)

    def set_model(self, model):
        """Hand the model on."""
        super().set_model(model)
        self.callback.set_model(model)

    def set_params(self, params):
        """Hand the parameters of the training on."""
        super().set_params(params)
        self.callback.set_params(params)

    def on_train_begin(self, logs=None):
        """Hand the event on."""
        self._call("on_train_begin", logs)

    def on_epoch_begin(self, epoch, logs=None):
        """Hand the event on."""
        self._call("on_epoch_begin", epoch, logs)

    def on_train_batch_begin(self, batch, logs=None):
        """Hand the event on."""
        self._call("on_train_batch_begin", batch, logs)

    def on_train_batch_end(self, batch, logs=None):
        """Hand the event on."""
        self._call("on_train_batch_end", batch, logs)

    def on_epoch_end(self, epoch, logs=None):
        """Hand the event on; look whether the weights are what they were."""
        before = _weights(self.model)
        try:
            self._call("on_epoch_end", epoch, logs)
        except TrainingError as error:
            self.failure = error
        if _differ(before, _weights(self.model)):
            raise TrainingError(
                f"{FLAG} {self.title}: changed the weights of the model in "
                "on_epoch_end, which would make the run another one than its INI file "
                "says. Let it read them only. The last checkpoint is untouched."
            )

    def on_train_end(self, logs=None):
        """Hand the event on."""
        try:
            self._call("on_train_end", logs)
        except TrainingError as error:
            self.failure = self.failure or error

    def _call(self, event, *arguments):
        try:
            return getattr(self.callback, event)(*arguments)
        except (AnnpotError, MemoryError):
            raise
        except Exception as error:
            raise TrainingError(
                f"{FLAG} {self.title}: failed in {event} "
                f"({type(error).__name__}: {error}). Checkpoints are untouched: "
                "correct it, or leave it out, and run the same command to go on. "
                "--debug shows where it failed."
            ) from error


class Failures(keras.callbacks.Callback):
    """Ends the run where a callback of the user failed, once the epoch is saved.

    Args:
        callbacks: callbacks of the user.
        save: function of a Progress that writes its checkpoint.
    """

    def __init__(self, callbacks, save):
        super().__init__()
        self.callbacks, self.save = callbacks, save

    def on_epoch_end(self, epoch, logs=None):
        """Save the epoch if that was not due, and raise."""
        if not any(getattr(one, "failure", None) for one in self.callbacks):
            return
        if not self.model.save_is_due:
            self.save(self.model.progress)
        raise_failures(self.callbacks)


def raise_failures(callbacks):
    """Raise the first failure that callbacks of the user keep."""
    for callback in callbacks:
        if getattr(callback, "failure", None) is not None:
            raise callback.failure


def _made(name):
    """An instance of the class that a name means."""
    module_name, _, class_name = name.partition(":")
    if not module_name or not class_name:
        raise InputError(
            f"{FLAG} {name}: expected package.module:Class, such as "
            "my_callbacks:Printer for class Printer in my_callbacks.py."
        )
    found = getattr(_module(name, module_name), class_name, None)
    base = keras.callbacks.Callback
    if found is None:
        raise InputError(
            f"{FLAG} {name}: {_place(module_name)} has no {class_name}. Callbacks "
            f"there: {_callbacks_in(sys.modules[module_name]) or 'none'}."
        )
    if not (isinstance(found, type) and issubclass(found, base)):
        raise InputError(
            f"{FLAG} {name}: {class_name} of {_place(module_name)} is no subclass of "
            "keras.callbacks.Callback. Derive it from that class."
        )
    try:
        return found()
    except Exception as error:
        raise InputError(
            f"{FLAG} {name}: cannot be made without arguments "
            f"({type(error).__name__}: {error}). Give all arguments of its __init__ "
            "defaults, or name a subclass that sets them."
        ) from error


def _module(name, module_name):
    try:
        return importlib.import_module(module_name)
    except Exception as error:
        parts = module_name.split(".")
        own = {".".join(parts[:n]) for n in range(1, len(parts) + 1)}
        if isinstance(error, ModuleNotFoundError) and error.name in own:
            raise InputError(
                f"{FLAG} {name}: there is no module {error.name}, neither installed "
                f"nor in {os.getcwd()}. Check its name, or run from the folder of "
                f"{parts[0]}.py."
            ) from error
        raise InputError(
            f"{FLAG} {name}: importing {module_name} failed "
            f"({type(error).__name__}: {error}). Correct it."
        ) from error


def _place(module_name):
    """A module and where it is."""
    path = getattr(sys.modules[module_name], "__file__", None)
    return module_name if path is None else f"{module_name} ({path})"


def _callbacks_in(module):
    base = keras.callbacks.Callback
    return ", ".join(
        name
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, base) and value is not base
    )


def _weights(model):
    """Copies of all weights of a model."""
    return [np.array(weight.numpy()) for weight in model.weights]


def _differ(one, other):
    pairs = zip(one, other, strict=True)
    return any(not np.array_equal(a, b, equal_nan=True) for a, b in pairs)
