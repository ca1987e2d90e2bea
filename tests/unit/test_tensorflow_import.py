"""What the import of TensorFlow leaves behind: nothing in the process but itself."""

import os
import subprocess
import sys

LEVEL = "TF_CPP_MIN_LOG_LEVEL"
IMPORT = """\
import gc, os, sys
from annpot.tensorflow_import import import_tensorflow
{before}
tf = import_tensorflow()
compiled = tf.function(lambda x: x * x, jit_compile=True)
assert compiled(tf.constant(3.0)).numpy() == 9.0
print(os.environ.get("TF_CPP_MIN_LOG_LEVEL"), gc.isenabled(), gc.get_freeze_count() > 0)
"""


def run(before="", level=None):
    """(stdout, stderr) of a process that imports TensorFlow and compiles."""
    env = {key: value for key, value in os.environ.items() if key != LEVEL}
    env |= {LEVEL: level} if level else {}
    command = [sys.executable, "-c", IMPORT.format(before=before)]
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def test_silence_is_not_handed_on_to_child_processes():
    """A child that inherits a level takes it for the user's wish, and then speaks."""
    assert run() == ("None True True\n", "")


def test_a_level_of_the_user_stays():
    stdout, stderr = run(level="0")
    assert stdout == "0 True True\n"
    assert "oneDNN" in stderr or "CPU instructions" in stderr


def test_a_collector_that_was_off_stays_off():
    assert run(before="gc.disable()")[0] == "None False True\n"
