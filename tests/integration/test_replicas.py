"""Several devices take the steps of one.

Logical CPUs stand for the devices. Tolerance 1e-12, relative to the largest number of
an array, in float64: sums of terms of order 1 in another order, through four updates.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from reference import replica_runs
from reference.small_training import assert_same_state, newest_state

TESTS = Path(__file__).parents[1]
FAST = ("rows", "stored", "resumed")
slow = pytest.mark.slow


def runs(folder, n_devices, cases):
    """Do the runs of some cases on `n_devices` and on one; return the folder."""
    command = [sys.executable, replica_runs.__file__, folder, str(n_devices), *cases]
    env = os.environ | {"PYTHONPATH": str(TESTS), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def two_devices(tmp_path_factory):
    return runs(tmp_path_factory.mktemp("two"), 2, FAST)


@pytest.fixture(scope="module")
def three_devices(tmp_path_factory):
    cases = [case for case in replica_runs.CASES if case not in FAST]
    return runs(tmp_path_factory.mktemp("three"), 3, cases)


def assert_same_steps(folder, case, n_devices):
    one, several = (np.load(folder / f"{case}_{n}.npz") for n in (1, n_devices))
    assert set(one) == set(several)
    assert sum(name.startswith("gradient of") for name in one) > 4
    for name in one:
        largest = abs(one[name]).max()
        np.testing.assert_allclose(
            several[name], one[name], rtol=0, atol=1e-12 * largest, err_msg=name
        )


@pytest.mark.parametrize("case", ["rows", "stored"])
def test_two_devices_take_the_steps_of_one(two_devices, case):
    """Seven structures are shared as four and three; some lack labels."""
    assert_same_steps(two_devices, case, 2)


def test_a_resumed_run_on_two_devices_is_the_uninterrupted_one(two_devices):
    whole = newest_state(two_devices / "whole" / "run")
    assert_same_state(whole, newest_state(two_devices / "resumed" / "run"))
    assert whole.progress.step == 21
    assert whole.run["devices"]["names"] == ["CPU:0", "CPU:1"]
    shown = (two_devices / "whole" / "shown.txt").read_text()
    assert "found 2 logical CPUs (" in shown
    shown = (two_devices / "resumed" / "shown.txt").read_text()
    assert "Continuing from" in shown


@slow
@pytest.mark.parametrize("case", sorted(set(replica_runs.CASES) - set(FAST)))
def test_three_devices_take_the_steps_of_one(three_devices, case):
    assert_same_steps(three_devices, case, 3)


@slow
def test_streamed_data_give_the_same_bits_on_three_devices(three_devices):
    one, other = (
        np.load(three_devices / f"rows, {how}_3.npz") for how in ("XLA", "streamed")
    )
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], strict=True)
