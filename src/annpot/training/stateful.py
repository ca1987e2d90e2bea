"""Callbacks that remember something: it is kept in the checkpoints of the run.

Such a callback has `name`, a text of its own; `state()`, what it remembers as numbers,
texts, lists and dicts; `restore(state)`, called after `on_train_begin` of a run that
goes on, with what `state()` gave.
"""

import json

from annpot.errors import InputError


class CallbackStates:
    """What the callbacks of a run remember."""

    def __init__(self):
        self._callbacks = {}

    def watch(self, callbacks):
        """Remember for those callbacks that are stateful.

        Raises:
            InputError: two have the same name.
        """
        for callback in callbacks:
            if not (hasattr(callback, "state") and hasattr(callback, "restore")):
                continue
            if callback.name in self._callbacks:
                raise InputError(
                    f"callback {callback.name}: two callbacks have this name, under "
                    "which checkpoints keep what they remember. Rename one."
                )
            self._callbacks[callback.name] = callback

    def all(self):
        """{name: state} of all of them.

        Raises:
            InputError: a state is not made of finite numbers, texts, lists and dicts.
        """
        return {name: _checked(name, c.state()) for name, c in self._callbacks.items()}

    def restore(self, stored):
        """Give {name: state} of a checkpoint back; what is not there is new."""
        for name, callback in self._callbacks.items():
            if name in stored:
                callback.restore(stored[name])


def _checked(name, state):
    try:
        json.dumps(state, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"callback {name}: what its state() gives cannot be kept in a checkpoint "
            f"({error}). Make it of finite numbers, texts, lists and dicts."
        ) from error
    return state
