"""The one place where TensorFlow enters annpot."""

import os


def import_tensorflow():
    """TensorFlow, imported now (2 to 3 s) and without its start-up messages.

    A TF_CPP_MIN_LOG_LEVEL set by the user is respected.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow

    return tensorflow
