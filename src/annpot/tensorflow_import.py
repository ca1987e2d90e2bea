"""The one place where TensorFlow enters annpot."""

import contextlib
import os
import sys

STDERR = 2


def import_tensorflow(threads=0):
    """TensorFlow, imported now (2 to 3 s) and without its start-up messages.

    A TF_CPP_MIN_LOG_LEVEL set by the user is respected.

    Args:
        threads: threads of one operation, 0 for TensorFlow's choice; it counts only
            in the first call of a process.
    """
    if "tensorflow" not in sys.modules:
        quiet = "TF_CPP_MIN_LOG_LEVEL" not in os.environ
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        with _silenced() if quiet else contextlib.nullcontext(), _unseen("matplotlib"):
            import tensorflow

            if threads:
                tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
            tensorflow.constant(0)  # the devices are found, and talked about, here
    return sys.modules["tensorflow"]


@contextlib.contextmanager
def _unseen(package):
    """Keras imports a plotting package for itself (0.4 s) unless there is none."""
    known = package in sys.modules
    if not known:
        sys.modules[package] = None
    try:
        yield
    finally:
        if not known:
            del sys.modules[package]


@contextlib.contextmanager
def _silenced():
    """Standard error of this process, its C++ libraries included, goes nowhere."""
    sys.stderr.flush()
    kept = os.dup(STDERR)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, STDERR)
        yield
    finally:
        os.dup2(kept, STDERR)
        os.close(kept)
        os.close(nowhere)
