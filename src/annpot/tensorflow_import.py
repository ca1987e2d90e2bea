"""The one place where TensorFlow enters annpot."""

import contextlib
import gc
import os
import sys

STDERR = 2
LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"


def import_tensorflow(threads=0, accelerator="cpu"):
    """TensorFlow, imported now (2 to 3 s) and without its start-up messages.

    A TF_CPP_MIN_LOG_LEVEL set by the user is respected; one set here ends with the
    import, so that child processes do not take it for the user's. What is set here
    counts in the first call of a process only.

    Args:
        threads: threads of one operation, 0 for TensorFlow's choice.
        accelerator: "cpu", which leaves GPUs to others, "auto", "gpu" or "gpu:N,M".
    """
    if "tensorflow" not in sys.modules:
        quiet = contextlib.nullcontext() if LOG_LEVEL in os.environ else _silenced()
        with quiet, _unseen("matplotlib"), _uncollected():
            import tensorflow

            if threads:
                tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
            _show_gpus(tensorflow, accelerator)
            tensorflow.constant(0)  # the devices are found, and talked about, here
        # Each shape of a batch is a program of its own, on purpose.
        tensorflow.get_logger().setLevel("ERROR")
    return sys.modules["tensorflow"]


def gpu_numbers(accelerator, n_gpus):
    """Numbers of the GPUs that an accelerator means, whether they are there or not.

    auto takes the first GPU where there is one, gpu the first one in any case; several
    only where they are named.

    Args:
        accelerator: "cpu", "auto", "gpu" or "gpu:N,M".
        n_gpus: number of GPUs found.
    """
    _, _, named = accelerator.partition(":")
    if named:
        return tuple(int(number) for number in named.split(","))
    takes_one = accelerator == "gpu" or (accelerator == "auto" and n_gpus > 0)
    return (0,) if takes_one else ()


def _show_gpus(tensorflow, accelerator):
    """Let the process see the GPUs it takes, and no other; their memory as it needs it.

    One that is not there is told later, where the INI file is known.
    """
    found = tensorflow.config.list_physical_devices("GPU")
    taken = [found[n] for n in gpu_numbers(accelerator, len(found)) if n < len(found)]
    tensorflow.config.set_visible_devices(taken, "GPU")
    for gpu in taken:
        tensorflow.config.experimental.set_memory_growth(gpu, True)


@contextlib.contextmanager
def _uncollected():
    """No garbage collection meanwhile, and none of what was made, ever.

    An import makes a million objects that live as long as the process. Searching them
    again and again costs half a second now, and more at every later collection.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collecting:
            gc.enable()


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
    """Standard error of this process, its C++ libraries included, goes nowhere.

    TensorFlow reads its level once, at its first message, and keeps it.
    """
    os.environ[LOG_LEVEL] = "3"
    sys.stderr.flush()
    kept = os.dup(STDERR)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, STDERR)
        yield
    finally:
        del os.environ[LOG_LEVEL]
        os.dup2(kept, STDERR)
        os.close(kept)
        os.close(nowhere)
